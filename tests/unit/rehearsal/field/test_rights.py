"""Rights: a store of the stack's own that jobs may use, and nothing beside it."""

import json
from typing import Any

import pytest

from rehearsal.field.rights import rights
from rehearsal.providers.aws.field_facts import FACTS
from rehearsal.providers.aws.resource_types import IDENTITY
from tests.unit.rehearsal.field.field_cases import built, deployment, job

BUCKET = built("aws:s3/bucket:Bucket", "objects", outputs={"arn": "arn:aws:s3:::objects"})
ROLE = built("aws:iam/role:Role", "jobs", id="jobs-1", outputs={"arn": "arn:aws:iam::1:role/jobs-1"})
LIST = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::objects"]}
USE = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::objects/*"]}


def right(namespace: str = "penstock") -> Any:
    inputs = {"namespace": namespace, "serviceAccount": "default", "roleArn": "arn:aws:iam::1:role/jobs-1"}
    return built(IDENTITY, "jobs", inputs)


def policy(*statements: dict[str, Any], role: str = "jobs-1") -> Any:
    return built(
        "aws:iam/rolePolicy:RolePolicy", "jobs", {"role": role, "policy": json.dumps({"Statement": statements})}
    )


def judged(*resources: Any, objects: int = 1) -> list[str]:
    body = job()
    body["metadata"]["namespace"] = "penstock"
    one = deployment(FACTS, resources=resources, objects=(body,) * objects)
    return [found.message for found in rights(one)]


def test_a_store_that_jobs_may_use_is_fine() -> None:
    assert judged(BUCKET, ROLE, right(), policy(LIST, USE)) == []


def test_a_store_without_jobs_is_nobodys() -> None:
    assert judged(BUCKET, objects=0) == []


@pytest.mark.parametrize(
    ("made", "missing"),
    [
        ((), "s3:ListBucket, s3:GetObject, s3:PutObject"),
        ((ROLE, right()), "s3:ListBucket, s3:GetObject, s3:PutObject"),
        ((ROLE, right("other"), policy(LIST, USE)), "s3:ListBucket, s3:GetObject, s3:PutObject"),
        ((ROLE, right(), policy(LIST, USE, role="another")), "s3:ListBucket, s3:GetObject, s3:PutObject"),
        ((ROLE, right(), policy(LIST)), "s3:GetObject, s3:PutObject"),
        ((ROLE, right(), policy(USE)), "s3:ListBucket"),
    ],
    ids=["no role", "no policy", "another namespace", "another role", "no objects", "no list"],
)
def test_a_store_that_refuses_jobs_is_found(made: tuple[Any, ...], missing: str) -> None:
    assert judged(BUCKET, *made) == [f"no pod of penstock may {missing} on objects"]


def test_each_namespace_that_jobs_run_in_needs_it() -> None:
    made = (BUCKET, ROLE, right(), policy(LIST, USE))
    nodes = {"kind": "NodeSet", "metadata": {"name": "train", "namespace": "slurm"}, "spec": {"slurmd": {}}}
    operator = {**job(requests={}), "kind": "Deployment"}
    operator["metadata"] = {"name": "operator", "namespace": "system"}
    bare = operator["spec"]["template"]["spec"]["containers"][0]

    def found(*objects: dict[str, Any]) -> list[str]:
        return [one.message for one in rights(deployment(FACTS, resources=made, objects=objects))]

    missing = "may s3:ListBucket, s3:GetObject, s3:PutObject on objects"
    assert found(nodes) == [f"no pod of slurm {missing}"]
    assert found(operator) == [f"no pod of system {missing}"]  # its pods ask for accelerators: a service
    bare["resources"] = {"requests": {"cpu": "1"}}
    assert found(operator) == []


@pytest.mark.parametrize(
    "broad", [USE | {"Resource": "*"}, USE | {"Action": ["s3:*"]}], ids=["everything", "every action"]
)
def test_a_right_on_more_than_the_store_is_found(broad: dict[str, Any]) -> None:
    found = judged(BUCKET, ROLE, right(), policy(LIST, USE, broad))
    assert len([one for one in found if one.startswith("every job may s3:")]) == 1
