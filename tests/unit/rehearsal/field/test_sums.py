"""Sums: pods of a pool that never are all there, and updates without a place."""

from typing import Any

import pytest

from rehearsal.field.deployed import BuiltResource
from rehearsal.field.sums import sums
from tests.unit.rehearsal.field.field_cases import GPU_TOLERATION, deployment, pool

JOB, JOB_SET = "kubernetes:batch/v1:Job", "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet"


def template(devices: int) -> dict[str, Any]:
    resources = {"limits": {"nvidia.com/gpu": str(devices)}}
    spec = {
        "nodeSelector": {"pool": "train"},
        "tolerations": [GPU_TOLERATION],
        "containers": [{"resources": resources}],
    }
    return {"spec": spec}


def service(replicas: int, devices: int = 1, *, surge: int = 0) -> dict[str, Any]:
    rolling = {"maxSurge": surge, "maxUnavailable": 0 if surge else 1}
    spec = {"replicas": replicas, "strategy": {"rollingUpdate": rolling}, "template": template(devices)}
    return {"kind": "Deployment", "metadata": {"name": "serve"}, "spec": spec}


def gang(nodes: int, devices: int = 8) -> dict[str, Any]:
    jobs = [{"replicas": 1, "template": {"spec": {"parallelism": nodes, "template": template(devices)}}}]
    return {"kind": "JobSet", "metadata": {"name": "trainer"}, "spec": {"replicatedJobs": jobs}}


def judged(*objects: Any, **more: Any) -> list[str]:
    return [f"{one.subject}: {one.message}" for one in sums(deployment(pools=(pool(**more),), objects=objects))]


@pytest.mark.parametrize(
    "objects",
    [
        (gang(2),),
        (service(16),),
        (gang(1), service(1)),
        (gang(1, devices=4), service(8)),
        (service(4, devices=3),),
        (service(15, surge=1),),
        (),
    ],
)
def test_what_the_pool_holds_is_fine(objects: tuple[Any, ...]) -> None:
    assert judged(*objects) == []


def test_a_gang_of_all_nodes_and_a_service_are_found() -> None:
    (found,) = judged(gang(2), service(1))
    assert found.startswith("JobSet trainer, Deployment serve: 2 pods of JobSet trainer and 1 pods of Deployment serve")


def test_servers_that_may_stand_on_every_node_are_found() -> None:
    """Eight fit on one of the two nodes, and Kubernetes puts four on each."""
    (found,) = judged(gang(1), service(8))
    assert "stand on as many of the 2 nodes of train as they can, the gang never starts" in found
    assert judged(gang(1), service(2))
    assert judged(gang(1), service(2), desired=3, maximum=3) == []


@pytest.mark.parametrize("objects", [(service(17),), (service(5, devices=3),), (gang(3),)])
def test_pods_beyond_the_pool_are_found(objects: tuple[Any, ...]) -> None:
    assert "are never all there: train has 2 nodes at most" in judged(*objects)[0]


def test_an_update_without_a_place_is_found() -> None:
    assert "an update starts 1 more before one goes" in judged(service(16, surge=1))[0]
    assert judged(service(16)) == []


def test_a_share_that_may_be_missing_is_rounded_down() -> None:
    def shared(replicas: int, percent: int) -> dict[str, Any]:
        body = service(replicas, devices=8 // replicas * 2, surge=1)
        body["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = f"{percent}%"
        return body

    assert judged(shared(4, 25)) == []
    assert "an update starts 1 more before one goes" in judged(shared(4, 24))[0]
    assert judged(shared(2, 50)) == []


def test_a_pool_that_something_resizes_counts_with_its_most() -> None:
    assert judged(gang(3), maximum=4, resized_by=("start",)) == []
    assert judged(gang(3), maximum=4)


def with_text_before(*, waits: bool = True, follows: bool = True) -> list[str]:
    """Findings on a gang of all nodes, with a Job that asks devices of the same pool too."""
    marks = {} if waits else {"pulumi.com/skipAwait": "true"}
    body = {"kind": "Job", "metadata": {"name": "text", "annotations": marks}, "spec": {"template": template(8)}}
    text = BuiltResource(token=JOB, name="text", inputs=body)
    needs = frozenset({text.key}) if follows else frozenset[str]()
    job = BuiltResource(token=JOB_SET, name="trainer", inputs=gang(2), needs=needs)
    given = deployment(resources=(text, job), pools=(pool(),), objects=(body, job.inputs))
    return [f"{one.subject}: {one.message}" for one in sums(given)]


def test_a_job_that_has_ended_before_the_gang_is_handed_in_takes_no_place() -> None:
    assert with_text_before() == []


@pytest.mark.parametrize("changed", [{"waits": False}, {"follows": False}])
def test_a_job_beside_the_gang_is_found(changed: dict[str, bool]) -> None:
    (found,) = with_text_before(**changed)
    assert found.startswith("Job text, JobSet trainer: 1 pods of Job text and 2 pods of JobSet trainer are never all")
