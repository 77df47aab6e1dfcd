"""AWS Batch: what is decided, and what it cannot run."""

import json
from typing import Any

import pytest

from providers.aws.catalog import machines
from providers.aws.control_plane.batch.plan import BatchPlan, plan_batch
from rehearsal.field.allocatable import FORMULAS, node_rows
from tests.unit.providers.aws.control_plane.planned_pools import decided, refused
from tests.unit.providers.aws.nodes.pools import BLOCK, pool, spec_of

JOB = {"kind": "batch", "image": "123456789012.dkr.ecr.us-east-2.amazonaws.com/train:1", "command": ["train", "-v"]}


ROLE = "arn:aws:iam::123456789012:role/jobs"


def plan(*pools: dict[str, Any], **control_plane: Any) -> BatchPlan:
    return decided(plan_batch, spec_of(*(pools or (pool(count=4),)), aws={"controlPlane": {**JOB, **control_plane}}))


def container(made: BatchPlan) -> dict[str, Any]:
    properties = json.loads(made.pools[0].job.node_properties(ROLE))
    (nodes,) = properties["nodeRangeProperties"]
    assert nodes["targetNodes"] == "0:"
    assert isinstance(nodes["container"], dict)
    return nodes["container"]


def test_a_gang_has_each_of_its_nodes_whole() -> None:
    made = plan()
    job = container(made)
    needs = {need["type"]: need["value"] for need in job["resourceRequirements"]}
    assert needs == {"GPU": "8", "VCPU": "192", "MEMORY": str(2048 * 1024 * 7 // 8)}
    assert job["linuxParameters"]["sharedMemorySize"] * 4 == int(needs["MEMORY"])
    assert job["ulimits"] == [{"name": "memlock", "softLimit": -1, "hardLimit": -1}]
    assert job["command"] == ["train", "-v"]
    assert json.loads(made.pools[0].job.node_properties(ROLE))["numNodes"] == 4


@pytest.mark.parametrize(
    ("machine_type", "devices"), [("p5.48xlarge", 32), ("g6e.8xlarge", 1), ("p6-b300.48xlarge", 16)]
)
def test_every_fabric_interface_is_a_device_of_the_container(machine_type: str, devices: int) -> None:
    spec = spec_of(pool(machine_type=machine_type, count=2), aws={"controlPlane": JOB}, region="us-west-2")
    listed = container(decided(plan_batch, spec))["linuxParameters"]["devices"]
    assert [device["hostPath"] for device in listed] == [f"/dev/infiniband/uverbs{index}" for index in range(devices)]
    assert all(device["permissions"] == ["READ", "WRITE", "MKNOD"] for device in listed)


def test_a_job_asks_for_no_more_than_the_agent_registers() -> None:
    """MemTotal of each measured node, less the 32 MiB that the agent of Batch's image reserves (Batch User Guide)."""
    rows = [row for (cloud, _), rows in node_rows().items() if cloud == "aws" for row in rows]
    measured = [(row.nominal_memory_gib, row.capacity_memory_ki) for row in rows if row.kind == "measured"]
    compared = [(nominal * 2**20 * 7 / 8, total - 32 * 2**10) for nominal, total in measured if nominal and total]
    assert len(compared) > 8
    assert all(asked < registered for asked, registered in compared)


def test_a_job_leaves_the_huge_pages_of_the_fabric_alone() -> None:
    """On every machine that has EFA: 5128 pages of 2 MiB, which the agent counts as memory and no process can have."""
    for machine in machines().values():
        if machine.max_efa:
            nominal_gib = float(machine.memory_gib)
            assert nominal_gib * 7 / 8 * 2**20 < FORMULAS["aws"](nominal_gib, 0) - 10256 * 2**10, machine.name


def test_a_machine_without_fabric_has_no_device_of_it() -> None:
    assert container(plan(pool(machine_type="g6e.4xlarge")))["linuxParameters"]["devices"] == []


def test_neuron_chips_are_devices_as_batch_has_no_resource_for_them() -> None:
    made = plan(pool(machine_type="trn1.32xlarge", count=2), amiId="ami-0123456789abcdef0")
    job = container(made)
    paths = [device["hostPath"] for device in job["linuxParameters"]["devices"]]
    assert paths[-16:] == [f"/dev/neuron{index}" for index in range(16)]
    assert "GPU" not in {need["type"] for need in job["resourceRequirements"]}
    assert (made.pools[0].image_type, made.pools[0].ami_id) == ("ECS_AL2023", "ami-0123456789abcdef0")


def test_no_machine_runs_while_the_queue_is_empty() -> None:
    (only,) = plan(pool(count=2, maxCount=4)).pools
    assert (only.min_vcpus, only.max_vcpus) == (0, 4 * 192)
    assert only.image_type == "ECS_AL2023_NVIDIA"


def test_file_systems_are_where_jobs_look_for_them() -> None:
    storage = {"fileSystem": {"capacityTib": 1.2, "mountPath": "/scratch/fast"}, "sharedFileSystem": {}}
    spec = spec_of(pool(), aws={"controlPlane": JOB})
    with_storage = spec.model_copy(update={"storage": type(spec.storage).model_validate(storage)})
    job = container(decided(plan_batch, with_storage))
    assert {point["containerPath"] for point in job["mountPoints"]} == {"/scratch/fast", "/shared"}
    names = {volume["name"]: volume["host"]["sourcePath"] for volume in job["volumes"]}
    assert names == {"scratch-fast": "/scratch/fast", "shared": "/shared"}


def test_nccl_does_not_take_the_agent_s_interface_for_its_own() -> None:
    env = {entry["name"]: entry["value"] for entry in container(plan())["environment"]}
    assert env["NCCL_SOCKET_IFNAME"] == "^lo,docker,ecs"


BLOCKED = pool(count=2, capacity={"capacityBlock": BLOCK})
REFUSALS: list[tuple[list[dict[str, Any]], dict[str, Any], str, list[str]]] = [
    # pools, cluster, path, words
    ([pool(capacity="spot")], {}, "cluster.nodePools.train.capacity", ["spot", "set onDemand"]),
    (
        [BLOCKED],
        {},
        "cluster.nodePools.train.capacity",
        ["cr-0a1b2c3d4e5f60718", "cannot use a capacity block", "eks or pcs"],
    ),
    (
        [pool(count=2, fabric={"none": "tests over TCP"})],
        {"network": {"zones": ["us-east-2a", "us-east-2b", "us-east-2c"]}},
        "cluster.nodePools.train.zone",
        ["us-east-2b, us-east-2c", "one zone", "give the pool a zone"],
    ),
    ([pool(count=0, maxCount=2)], {}, "cluster.nodePools.train.count", ["0: a gang needs a node", "give its size"]),
    (
        [pool(machine_type="trn1.32xlarge")],
        {},
        "aws.controlPlane.amiId",
        ["trn1.32xlarge", "ssm get-parameter --region us-east-2", "neuron/recommended/image_id"],
    ),
    ([pool()], {"kubernetesVersion": "1.34"}, "cluster.kubernetesVersion", ["'batch'", "kind to eks"]),
    ([pool(labels={"a": "b"})], {}, "cluster.nodePools.train.labels", ["a: Batch"]),
]


@pytest.mark.parametrize(("pools", "cluster", "path", "words"), REFUSALS)
def test_what_batch_cannot_run_is_refused_with_its_remedy(
    pools: list[dict[str, Any]], cluster: dict[str, Any], path: str, words: list[str]
) -> None:
    found = refused(plan_batch, spec_of(*pools, aws={"controlPlane": JOB}, **cluster))
    assert path in found
    for word in words:
        assert word in found[path]


def test_a_name_that_is_too_long_for_a_role_is_refused() -> None:
    spec = spec_of(pool(), aws={"controlPlane": JOB})
    assert "40 characters" in refused(plan_batch, spec, "s" * 41)["stack"]
