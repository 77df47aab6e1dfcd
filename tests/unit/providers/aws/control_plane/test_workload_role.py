"""Rights of a stack's jobs: what the engine is asked for, and what the policy allows."""

import json
from typing import Any

import pulumi
import pytest

from providers.aws.control_plane.eks.workload_role import WorkloadRole
from providers.aws.eks_handle import EksHandle
from providers.aws.storage.handle import BucketHandle, StorageHandle
from tests.unit.providers.aws.mocks import Graph, register

OBJECTS, EXPRESS, KEY = (
    "arn:aws:s3:::objects",
    "arn:aws:s3express:us-east-2:1:bucket/fast",
    "arn:aws:kms:us-east-2:1:key/k",
)


def known(text: str) -> pulumi.Output[str]:
    return pulumi.Output.from_input(text)


def bucket(arn: str) -> BucketHandle:
    return BucketHandle(name=known("bucket"), arn=known(arn))


def built(*, objects: bool = True, express: bool = False, scheduler: str = "kueue") -> Graph:
    def program() -> pulumi.Output[Any]:
        cluster = EksHandle(
            version="1.35", cluster_name=known("k"), cluster_arn=known("arn"), endpoint=known("https://k"),
            certificate_authority=known("Q0E="), cluster_security_group_id=known("sg"), node_role_arn=known("arn"),
            node_role_name=known("node"), service_cidr="172.20.0.0/16", kubeconfig=known("{}"), ways_in=(),
            ready=(),
        )  # fmt: skip
        storage = StorageHandle(
            volume_path="", key_arn=known(KEY), file_system=None, shared_file_system=None,
            object_store=bucket(OBJECTS) if objects else None, express_store=bucket(EXPRESS) if express else None,
            repositories={}, mirrors={},
        )  # fmt: skip
        WorkloadRole("jobs", cluster=cluster, storage=storage, scheduler=scheduler)
        return known("")

    return register(program)


def allowed(graph: Graph) -> dict[str, list[str]]:
    statements = json.loads(graph.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])["Statement"]
    return {target: one["Action"] for one in statements for target in one["Resource"]}


def test_pods_of_the_stacks_namespace_have_the_role_once_it_allows_something() -> None:
    graph = built()
    found = graph.one("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert (found.inputs["namespace"], found.inputs["serviceAccount"]) == ("penstock", "default")
    assert "jobs" in found.depends_on
    (trust,) = json.loads(graph.one("aws:iam/role:Role").inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}


def test_slurms_nodes_have_it_too() -> None:
    found = built(scheduler="slurm").of("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert {one.inputs["namespace"]: one.inputs["serviceAccount"] for one in found} == {
        "penstock": "default", "slurm": "default",
    }  # fmt: skip
    assert len({one.inputs["roleArn"] for one in found}) == 1


@pytest.mark.parametrize(
    ("stores", "targets"),
    [
        ({}, {OBJECTS, f"{OBJECTS}/*", KEY}),
        ({"express": True}, {OBJECTS, f"{OBJECTS}/*", EXPRESS, KEY}),
        ({"objects": False, "express": True}, {EXPRESS, KEY}),
    ],
)
def test_a_job_may_use_the_stacks_buckets_and_their_key_and_nothing_else(
    stores: dict[str, Any], targets: set[str]
) -> None:
    found = allowed(built(**stores))
    assert set(found) == targets
    assert found[KEY] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert not [action for actions in found.values() for action in actions if "*" in action]
    if OBJECTS in found:
        assert {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} <= set(found[f"{OBJECTS}/*"])
        assert "s3:ListBucket" in found[OBJECTS]
