"""Disruption: gangs that an autoscaler may move, one pod at a time."""

from typing import Any

import pytest

from rehearsal.field.disruption import disruption
from tests.unit.rehearsal.field.field_cases import deployment, job

STAYS = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}


def marked(marks: dict[str, str], **more: Any) -> dict[str, Any]:
    body = job(**more)
    body["spec"]["template"]["metadata"] = {"annotations": marks}
    return body


def judged(*objects: dict[str, Any]) -> list[str]:
    return [f"{found.subject}: {found.message}" for found in disruption(deployment(objects=objects))]


def test_a_gang_that_stays_is_fine() -> None:
    assert judged(marked(STAYS)) == []


@pytest.mark.parametrize("key", STAYS)
@pytest.mark.parametrize("value", ["", "maybe"])
def test_a_gang_that_may_be_moved_is_found(key: str, value: str) -> None:
    (found,) = judged(marked({**STAYS, key: value}))
    assert found.startswith(f"Job trainer: its pods lack {key}=")


def test_a_gang_inside_another_kind_is_found() -> None:
    inner = marked({})["spec"]
    body = {
        "kind": "JobSet",
        "metadata": {"name": "g-0a1b2c3d"},
        "spec": {"replicatedJobs": [{"template": {"spec": inner}}]},
    }
    assert len(judged(body)) == len(STAYS)


def test_a_head_without_accelerators_takes_its_gang_along() -> None:
    head = marked({}, requests={"cpu": "1"})["spec"]["template"]
    del head["spec"]["containers"][0]["resources"]["requests"]["nvidia.com/gpu"]
    body = {
        "kind": "RayJob",
        "metadata": {"name": "g-0a1b2c3d"},
        "spec": {"head": {"template": head}, "workers": [{"template": marked(STAYS)["spec"]["template"]}]},
    }
    assert len(judged(body)) == len(STAYS)
    head["metadata"] = {"annotations": STAYS}
    assert judged(body) == []


def test_pods_without_accelerators_and_services_may_move() -> None:
    assert judged(marked({}, requests={"nvidia.com/gpu": "0", "cpu": "1"}) | {"kind": "Deployment"}) == []
    plain = marked({})
    del plain["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["nvidia.com/gpu"]
    assert judged(plain) == []
