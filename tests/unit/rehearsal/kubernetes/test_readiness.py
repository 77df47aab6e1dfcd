"""Readiness of an object, by its kind or by its annotation."""

from typing import Any

import pytest

from rehearsal.providers.kubernetes.readiness import readiness
from rehearsal.providers.kubernetes.wait_for import WaitForError, fulfilled

Body = dict[str, Any]


def body(kind: str, *, spec: Body | None = None, status: Body | None = None, generation: int = 1) -> Body:
    api_version, word = kind.split()
    meta = {"name": "a", "namespace": "ml", "generation": generation}
    return {"apiVersion": api_version, "kind": word, "metadata": meta, "spec": spec or {}, "status": status or {}}


def nothing(*_: str) -> list[Body]:
    return []


def is_ready(one: Body, *, created: bool = True) -> bool:
    return readiness(one, nothing, created=created).ready


DONE = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}


@pytest.mark.parametrize(
    ("one", "ready"),
    [
        (body("apps/v1 Deployment", spec={"replicas": 2}, status=DONE), True),
        (body("apps/v1 Deployment", spec={"replicas": 2}, status={**DONE, "availableReplicas": 1}), False),
        (body("apps/v1 Deployment", spec={"replicas": 2}, status={**DONE, "replicas": 3}), False),
        (body("apps/v1 Deployment", spec={"replicas": 2}, status=DONE, generation=2), False),
        (body("apps/v1 StatefulSet", spec={"replicas": 2}, status=DONE), True),
        (body("apps/v1 StatefulSet", spec={"replicas": 3}, status=DONE), False),
        (body("apps/v1 DaemonSet"), False),
        (body("apps/v1 DaemonSet", status={"observedGeneration": 1, "desiredNumberScheduled": 0}), True),
        (body("batch/v1 Job", spec={"suspend": True}), True),
        (body("batch/v1 Job"), False),
        (body("batch/v1 Job", status={"conditions": [{"type": "Complete", "status": "True"}]}), True),
        (body("v1 ConfigMap"), True),
        (body("v1 PersistentVolumeClaim", status={"phase": "Pending"}), False),
        (body("v1 Service", spec={"clusterIP": "None", "selector": {"a": "b"}}), True),
        (body("v1 Service", spec={"selector": {"a": "b"}}), False),
        (body("v1 Service", spec={"type": "LoadBalancer"}), False),
        (body("kueue.x-k8s.io/v1beta2 ClusterQueue"), True),
        (body("ray.io/v1 RayCluster", status={"conditions": [{"type": "Ready", "status": "False"}]}), False),
        (body("ray.io/v1 RayCluster", status={"observedGeneration": 1}, generation=2), False),
    ],
)
def test_an_object_is_ready_when_its_kind_says_so(one: Body, ready: bool) -> None:
    assert is_ready(one) is ready


def test_a_failed_job_is_not_waited_for() -> None:
    one = body("batch/v1 Job", status={"conditions": [{"type": "Failed", "status": "True", "message": "too often"}]})
    found = readiness(one, nothing, created=True)
    assert found.failed
    assert found.reason == "too often"


def test_a_claim_whose_class_waits_for_a_pod_is_ready_unbound_when_it_is_new() -> None:
    one = body("v1 PersistentVolumeClaim", spec={"storageClassName": "late"}, status={"phase": "Pending"})

    def late(*_: str) -> list[Body]:
        return [{"metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer"}]

    assert readiness(one, late, created=True).ready
    assert not readiness(one, late, created=False).ready


@pytest.mark.parametrize(
    ("expression", "true"),
    [
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath={.status.phase}=Pending", False),
        ("jsonpath={.status.phase}", True),
        ("jsonpath={.status.missing}", False),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', True),
        ("condition=Ready", True),
        ("condition=Ready=False", False),
        ("condition=Missing", False),
        ('["condition=Ready", "jsonpath={.status.phase}=Running"]', True),
        ('["condition=Ready", "jsonpath={.status.phase}=Pending"]', False),
    ],
)
def test_the_annotation_says_what_to_wait_for(expression: str, true: bool) -> None:
    one = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    assert fulfilled(expression, one).ready is true


@pytest.mark.parametrize("expression", ["phase=Running", "jsonpath=.status", "jsonpath={.a[}=1", "[not json"])
def test_an_expression_that_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(WaitForError, match="waitFor"):
        fulfilled(expression, {})
