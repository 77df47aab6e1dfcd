"""The plan of a rack of GB200 with a gang, as it would be deployed, before rules that share nothing with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers import clouds
from rehearsal.field.claims import claims
from rehearsal.field.deployed import Deployment, InstalledChart, MachinePool
from rehearsal.field.disruption import disruption
from rehearsal.field.mirror import mirror
from rehearsal.field.nvlink import nvlink
from rehearsal.field.topology import topology
from rehearsal.providers.aws.field_facts import FACTS
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.unit.rehearsal.field.field_cases import built

RULES = (topology, disruption, claims, nvlink, mirror)
BLOCK = {
    "id": "arn:aws:resource-groups:us-east-1:123456789012:group/ultraserver",
    "zone": "us-east-1-dfw-2a",
    "startsAt": "2027-01-11T11:30:00Z",
    "endsAt": "2027-02-08T11:30:00Z",
}
POOL = {"name": "train", "machineType": "p6e-gb200.36xlarge", "count": 18, "capacity": {"capacityBlock": BLOCK}}
TRAINING = {
    "pool": "train", "nodes": 18, "steps": 100, "image": "python:3.12", "data": {"text": {"files": "/shared/*.txt"}},
    "model": {"layers": 4, "width": 512, "heads": 8, "vocabulary": 1024, "context": 512},
    "batch": {"sequences": 144, "microSequences": 1},
}  # fmt: skip


def planned(scheduler: str) -> StackPlan:
    config = {
        "penstock:cluster": {"cloud": "aws", "region": "us-east-1", "nodePools": [POOL]},
        "penstock:aws": {"controlPlane": {"reach": {"ssmHost": {}}}},
        "penstock:storage": {"sharedFileSystem": {}},
        "penstock:training": TRAINING,
        "penstock:scheduler": {"kind": scheduler},
        "penstock:platform": {"registryMirror": "hub.corp.net/m", "addons": {"loki": True}},
    }
    return plan_stack(parse_stack(config, "Pulumi.rack.yaml", clouds()), "rack", NOW)


def deployed(plan: StackPlan, *without: str) -> Deployment:
    """As the engine would record it, without objects of those kinds."""
    inside = plan.inside
    assert inside is not None
    assert inside.gate is not None
    made = [*inside.scheduler.objects, *inside.scheduler.opening, *inside.gate.objects, *plan.job]
    if inside.facts.storage_class:
        made.append(inside.facts.storage_class)
    releases = [addon.release for addon in inside.platform.addons if addon.release]
    gate = {"pools": [{"pool": one.pool, "check": one.check} for one in inside.gate.pools]}
    pool = MachinePool(
        name="train", machine_type="p6e-gb200.36xlarge", labels=plan.cluster.node_pools[0].binding.node_selector,
        taints=tuple({"key": one.key, "value": one.value, "effect": str(one.effect)} for one in _taints(plan)),
        desired=18, maximum=18, devices={"nvidia.com/gpu": 4},
    )  # fmt: skip
    return Deployment(
        facts=FACTS,
        pools=(pool,),
        objects=tuple(one for one in made if one["kind"] not in without),
        charts=tuple(InstalledChart(chart=one.chart.rpartition("/")[2], values=one.values) for one in releases),
        resources=(built("penstock:kubernetes:Gate", "gate", gate),),
    )


def _taints(plan: StackPlan) -> Iterator[Any]:
    yield from plan.cluster.node_pools[0].binding.tolerations


def findings(deployment: Deployment) -> list[str]:
    return [f"{found.rule} {found.subject}" for rule in RULES for found in rule(deployment)]


@pytest.mark.parametrize("scheduler", ["kueue", "trainer", "volcano", "kai"])
def test_a_gang_on_a_rack_is_planned_as_the_field_asks(scheduler: str) -> None:
    assert findings(deployed(planned(scheduler))) == []


def test_a_missing_domain_and_a_missing_class_are_found() -> None:
    plan = planned("kueue")
    assert "nvlink JobSet pretrain" in findings(deployed(plan, "ComputeDomain"))
    assert findings(deployed(plan, "StorageClass")) == ["claims loki"]
