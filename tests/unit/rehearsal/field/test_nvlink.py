"""NVLink between machines: gangs and checks without a compute domain, and claims that a queue does not know."""

from typing import Any

from rehearsal.field.nvlink import nvlink
from tests.unit.rehearsal.field.field_cases import built, chart, deployment, job, pool

RACK = pool(machine_type="p6e-gb200.36xlarge", devices={"nvidia.com/gpu": 4})
DOMAIN = {
    "kind": "ComputeDomain", "metadata": {"name": "g"},
    "spec": {"numNodes": 0, "channel": {"resourceClaimTemplate": {"name": "g-channel"}}},
}  # fmt: skip
CLAIMS = [{"name": "nv", "resourceClaimTemplateName": "g-channel"}]
OFF = [{"name": f"KueueDRA{gate}", "enabled": False} for gate in ("Integration", "RejectWorkloadsWhenDRADisabled")]


def gang(nodes: int = 4, **more: Any) -> dict[str, Any]:
    body = job(**more)
    body["spec"]["parallelism"] = nodes
    return body


def judged(*objects: dict[str, Any], pools: Any = (RACK,), **parts: Any) -> list[str]:
    found = nvlink(deployment(pools=pools, objects=objects, **parts))
    return [f"{one.subject}: {one.message}" for one in found]


def test_a_gang_inside_its_domain_is_fine() -> None:
    assert judged(DOMAIN, gang(resourceClaims=CLAIMS)) == []


def test_a_gang_without_a_domain_is_found() -> None:
    (found,) = judged(DOMAIN, gang())
    assert found.startswith("Job trainer: runs on several machines of train")
    assert len(judged(gang(resourceClaims=CLAIMS))) == 1  # claims of a template that nothing makes


def test_one_machine_and_machines_without_such_chips_need_none() -> None:
    assert judged(gang(1)) == []
    assert judged(gang(), pools=(pool(),)) == []


def test_a_check_without_a_domain_is_found() -> None:
    gate = built("penstock:kubernetes:Gate", "gate", {"pools": [{"pool": "train", "check": gang(9)}]})
    assert judged(resources=(gate,))[0].startswith("check of train: runs on several machines")


def test_claims_that_a_queue_does_not_know_are_found() -> None:
    body = gang(resourceClaims=CLAIMS)
    assert judged(DOMAIN, body, charts=(chart("kueue"),))[0].startswith("kueue: pods claim devices")
    assert judged(DOMAIN, body, charts=(chart("kueue", controllerManager={"featureGates": OFF[:1]}),))
    assert judged(DOMAIN, body, charts=(chart("kueue", controllerManager={"featureGates": OFF}),)) == []
    config = {"controllerManagerConfigYaml": "resources: {deviceClassMappings: [{name: a}]}"}
    assert judged(DOMAIN, body, charts=(chart("kueue", managerConfig=config),)) == []
