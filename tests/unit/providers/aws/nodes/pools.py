"""Stacks of pools for the tests of nodes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from components.errors import Problem, SpecError
from components.spec.stack import StackSpec, parse_stack
from providers import clouds
from providers.aws.nodes.plan import plan_pools
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan

STACK = "aws-test"
NOW = datetime(2027, 10, 1, tzinfo=UTC)
BLOCK = {
    "id": "cr-0a1b2c3d4e5f60718",
    "zone": "us-east-2b",
    "startsAt": "2027-11-01T11:30:00Z",
    "endsAt": "2027-11-15T11:30:00Z",
}
GROUP = "arn:aws:resource-groups:us-east-1:123456789012:group/ultra"
GB200 = {
    "machineType": "p6e-gb200.36xlarge",
    "capacity": {"capacityBlock": BLOCK | {"id": GROUP, "zone": "us-east-1-dfw-2a"}},
}


def pool(name: str = "train", machine_type: str = "p5.48xlarge", **keys: Any) -> dict[str, Any]:
    return {"name": name, "machineType": machine_type, **keys}


def spec_of(*pools: dict[str, Any], aws: dict[str, Any] | None = None, **cluster: Any) -> StackSpec:
    """The spec of a stack with these pools; keys of `cluster` as in the stack file."""
    keys = {"cloud": "aws", "region": "us-east-2", "nodePools": list(pools)} | cluster
    found = {key: value for key, value in keys.items() if value is not None}
    return parse_stack({"penstock:cluster": found, "penstock:aws": aws or {}}, "Pulumi.aws-test.yaml", clouds())


def plan_of(spec: StackSpec, now: datetime = NOW, stack: str = STACK) -> tuple[AwsNodePoolPlan, ...]:
    assert isinstance(spec.settings, AwsSpec)
    return plan_pools(spec, spec.settings, stack, now)


def plans(*pools: dict[str, Any], now: datetime = NOW, **cluster: Any) -> tuple[AwsNodePoolPlan, ...]:
    return plan_of(spec_of(*pools, **cluster), now)


def problems(*pools: dict[str, Any], now: datetime = NOW, stack: str = STACK, **cluster: Any) -> tuple[Problem, ...]:
    """Problems of the stack; there is at least one."""
    with pytest.raises(SpecError) as refused:
        plan_of(spec_of(*pools, **cluster), now, stack)
    return tuple(refused.value.problems)
