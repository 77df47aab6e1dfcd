"""Repair: bounds of what a cloud takes away by itself, and errors that are not the machine's."""

from typing import Any

import pytest

from rehearsal.field.repair import repair
from rehearsal.providers.aws.field_facts import FACTS
from rehearsal.providers.aws.resource_types import NODE_GROUP
from tests.unit.rehearsal.field.field_cases import built, deployment, pool

OVERRIDES = [
    {"nodeMonitoringCondition": "AcceleratedHardwareReady", "nodeUnhealthyReason": reason, "repairAction": "NoAction"}
    for reason in ("DCGMError", "NvidiaXID13Error", "NvidiaXID31Error")
]
BOUNDED = {
    "enabled": True, "maxParallelNodesRepairedCount": 1, "maxUnhealthyNodeThresholdPercentage": 10,
    "nodeRepairConfigOverrides": OVERRIDES,
}  # fmt: skip


def judged(config: dict[str, Any] | None, **machines: Any) -> list[str]:
    group = built(NODE_GROUP, "train", {"nodeGroupName": "train", **({"nodeRepairConfig": config} if config else {})})
    one = deployment(FACTS, resources=(group,), pools=(pool(**machines),))
    return [found.message for found in repair(one)]


def test_a_pool_that_is_repaired_with_bounds_and_for_its_own_errors_is_fine() -> None:
    assert judged(BOUNDED) == []


def test_what_a_cloud_does_not_repair_is_nobodys() -> None:
    assert judged(None) == []
    assert judged({"enabled": False}) == []
    assert judged({"enabled": True}, devices={}) == []


@pytest.mark.parametrize("gone", ["maxParallelNodesRepairedCount", "maxUnhealthyNodeThresholdPercentage"])
def test_a_repair_without_a_bound_is_found(gone: str) -> None:
    (message,) = judged({key: value for key, value in BOUNDED.items() if key != gone})
    assert "sets none of nodeRepairConfig.max" in message


@pytest.mark.parametrize("reason", range(3))
def test_a_repair_for_what_is_not_the_machines_is_found(reason: int) -> None:
    rest = OVERRIDES[:reason] + OVERRIDES[reason + 1 :]
    (message,) = judged(BOUNDED | {"nodeRepairConfigOverrides": rest})
    assert f"repaired for {OVERRIDES[reason]['nodeUnhealthyReason']}" in message
    reboots = [*rest, OVERRIDES[reason] | {"repairAction": "Reboot"}]
    assert judged(BOUNDED | {"nodeRepairConfigOverrides": reboots}) == [message]


def test_errors_of_another_makers_devices_are_not_asked_for() -> None:
    bounds = {key: value for key, value in BOUNDED.items() if key != "nodeRepairConfigOverrides"}
    assert judged(bounds, devices={"aws.amazon.com/neuron": 16}) == []
