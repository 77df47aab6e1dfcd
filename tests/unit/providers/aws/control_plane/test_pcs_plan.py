"""Slurm on AWS: what is decided, and what PCS or Slurm cannot do."""

from typing import Any

import pytest

from providers.aws.control_plane.pcs.plan import SLURM_VERSIONS, PcsPlan, bill, plan_pcs
from tests.unit.providers.aws.control_plane.planned_pools import decided, refused
from tests.unit.providers.aws.nodes.pools import BLOCK, pool, spec_of

IMAGE = {"amiId": "ami-0123456789abcdef0"}


def plan(*pools: dict[str, Any], stack: str = "aws-test", **control_plane: Any) -> PcsPlan:
    spec = spec_of(*(pools or (pool(),)), aws={"controlPlane": {"kind": "pcs", **IMAGE, **control_plane}})
    return decided(plan_pcs, spec, stack)


@pytest.mark.parametrize(("nodes", "size"), [(1, "SMALL"), (31, "SMALL"), (32, "MEDIUM"), (512, "LARGE")])
def test_the_smallest_controller_that_holds_the_pools(nodes: int, size: str) -> None:
    made = plan(pool(count=nodes))
    assert made.size == size
    (why,) = [found for found in made.decisions if found.path == "aws.controlPlane.size"]
    assert f"{nodes + 1} nodes, the login node among them" in why.reason


def test_a_size_that_is_asked_for_stays_and_needs_no_reason() -> None:
    made = plan(size="LARGE")
    assert made.size == "LARGE"
    assert not [found for found in made.decisions if found.path == "aws.controlPlane.size"]


@pytest.mark.parametrize(
    ("capacity", "option"),
    [
        ("onDemand", "ONDEMAND"),
        ("spot", "SPOT"),
        ({"reservation": {"id": "cr-0a1b2c3d4e5f60718", "zone": "us-east-2b"}}, "ONDEMAND"),
        ({"capacityBlock": BLOCK}, "CAPACITY_BLOCK"),
    ],
)
def test_each_capacity_has_its_purchase_option(capacity: Any, option: str) -> None:
    (group,) = plan(pool(capacity=capacity)).groups
    assert group.purchase_option == option


def test_nodes_that_always_run_and_those_that_start_with_a_job() -> None:
    still, block = plan(pool(count=2, maxCount=4), pool("block", count=2, capacity={"capacityBlock": BLOCK})).groups
    assert (still.min_count, still.max_count) == (2, 4)
    assert (block.min_count, block.max_count) == (0, 2)


def test_a_spot_pool_s_fallback_is_in_its_queue_and_taken_last() -> None:
    made = plan(pool(capacity={"spot": {"fallback": "onDemand"}}), pool("other"))
    assert [(queue.name, queue.groups) for queue in made.queues] == [
        ("train", ("train", "train-on-demand")),
        ("other", ("other",)),
    ]
    spot, stands_in, other = made.groups
    assert spot.weight == other.weight < stands_in.weight


def test_the_controller_stands_in_one_subnet_beside_the_first_pool() -> None:
    made = plan(pool(zone="us-east-2b"), pool("other", zone="us-east-2a"))
    assert made.subnet == made.groups[0].subnets[0]
    assert made.groups[0].subnets != made.groups[1].subnets


def test_the_controller_is_on_the_bill_without_a_price() -> None:
    plain, accounted = bill(plan(), "us-east-2"), bill(plan(accounting=True), "us-east-2")
    assert [line.unit_usd_per_hour for line in plain] == [None]
    assert len(accounted) == 2


REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str, list[str]]] = [
    # control plane, cluster, path, words
    ({"slurmVersion": "23.11"}, {}, "aws.controlPlane.slurmVersion", ["'23.11'", *SLURM_VERSIONS]),
    (
        {"amiId": None},
        {},
        "aws.controlPlane.amiId",
        ["--region us-east-2", "/aws/service/pcs/ami/dlami-base-ubuntu2404/x86_64/latest/ami-id", "Slurm 25.05"],
    ),
    (
        {},
        {"nodePools": [pool(), pool("cpu", machine_type="m7g.2xlarge")]},
        "aws.controlPlane.amiId",
        ["train is x86_64, cpu is arm64", "its own stack"],
    ),
    (
        {"size": "SMALL"},
        {"nodePools": [pool(count=33)]},
        "aws.controlPlane.size",
        ["33 nodes beside the login node", "SMALL manages 32", "choose MEDIUM (512)"],
    ),
    ({}, {"nodePools": [pool(count=2049)]}, "cluster.nodePools", ["2049 nodes", "LARGE manages 2048", "two stacks"]),
    (
        {},
        {"nodePools": [pool("t" * 26)]},
        f"cluster.nodePools.{'t' * 26}.name",
        ["'" + "t" * 26 + "'", "3 to 25", "choose another"],
    ),
    (
        {},
        {"nodePools": [pool("a-rather-long-pool", capacity={"spot": {"fallback": "onDemand"}})]},
        "cluster.nodePools.a-rather-long-pool.name",
        ["'a-rather-long-pool-on-demand'", "3 to 25"],
    ),
    ({}, {"kubernetesVersion": "1.34"}, "cluster.kubernetesVersion", ["'1.34'", "'pcs'", "kind to eks"]),
    ({}, {"nodePools": [pool(labels={"a": "b"})]}, "cluster.nodePools.train.labels", ["a: Slurm", "remove it"]),
    ({}, {"nodePools": [pool(taints=[{"key": "k"}])]}, "cluster.nodePools.train.taints", ["k: Slurm", "remove it"]),
]


@pytest.mark.parametrize(("control_plane", "cluster", "path", "words"), REFUSALS)
def test_what_pcs_cannot_do_is_refused_with_its_remedy(
    control_plane: dict[str, Any], cluster: dict[str, Any], path: str, words: list[str]
) -> None:
    asked = {key: value for key, value in {"kind": "pcs", **IMAGE, **control_plane}.items() if value is not None}
    spec = spec_of(*cluster.pop("nodePools", [pool()]), aws={"controlPlane": asked}, **cluster)
    found = refused(plan_pcs, spec)
    assert list(found) == [path]
    for word in words:
        assert word in found[path]


def test_a_login_node_of_the_pools_processors_always_runs_and_is_in_no_queue() -> None:
    made = plan(pool(count=0, maxCount=2))
    assert (made.login.min_count, made.login.max_count) == (1, 1)
    assert made.login.pool.machine.arch == "x86_64"
    assert made.login.subnets == made.groups[0].subnets
    assert "login" not in {name for queue in made.queues for name in queue.groups}
    assert plan(pool(machine_type="m7g.2xlarge")).login.pool.machine.name == "m7g.xlarge"


def test_a_pool_cannot_have_the_login_nodes_name() -> None:
    spec = spec_of(pool("login"), aws={"controlPlane": {"kind": "pcs", **IMAGE}})
    found = refused(plan_pcs, spec)
    assert "'login' is reserved" in found["cluster.nodePools.login.name"]


def test_where_no_zone_offers_a_login_machine_another_zone_is_asked_for() -> None:
    spec = spec_of(
        pool(machine_type="p5.4xlarge", zone="use1-az3"), region="us-east-1",
        aws={"controlPlane": {"kind": "pcs", **IMAGE}},
    )  # fmt: skip
    found = refused(plan_pcs, spec)
    assert "use1-az3: the login node runs on m7i.xlarge" in found["cluster.network.zones"]


def test_the_image_that_is_advised_has_the_drivers_of_the_machines() -> None:
    neuron = pool(machine_type="trn1.32xlarge", count=2)
    asked = spec_of(neuron, aws={"controlPlane": {"kind": "pcs"}})
    found = refused(plan_pcs, asked)["aws.controlPlane.amiId"]
    assert "of Neuron's AWS publishes none" in found


@pytest.mark.parametrize("stack", ["ab", "a" * 41, "my_stack"])
def test_a_stack_whose_name_pcs_does_not_take_is_refused(stack: str) -> None:
    spec = spec_of(pool(), aws={"controlPlane": {"kind": "pcs", **IMAGE}})
    assert f"{stack!r} is not a name that PCS takes for a cluster" in refused(plan_pcs, spec, stack)["stack"]


def test_all_mistakes_come_at_once() -> None:
    spec = spec_of(pool("x", labels={"a": "b"}), aws={"controlPlane": {"kind": "pcs", "slurmVersion": "23.02"}})
    assert set(refused(plan_pcs, spec)) == {
        "cluster.nodePools.x.name",
        "aws.controlPlane.slurmVersion",
        "aws.controlPlane.amiId",
        "cluster.nodePools.x.labels",
    }
