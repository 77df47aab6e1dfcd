"""Pools and network of a stack, and what a control plane refuses of it."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from components.errors import SpecError
from components.spec.stack import StackSpec
from providers.aws.network.plan import plan_network
from providers.aws.network.types import NetworkPlan
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan
from tests.unit.providers.aws.nodes.pools import STACK, plan_of

Planner = Callable[[StackSpec, AwsSpec, tuple[AwsNodePoolPlan, ...], NetworkPlan, str], Any]
T = TypeVar("T")


def decided(
    planner: Callable[[StackSpec, AwsSpec, tuple[AwsNodePoolPlan, ...], NetworkPlan, str], T],
    spec: StackSpec,
    stack: str = STACK,
) -> T:
    """Plan of the stack."""
    assert isinstance(spec.settings, AwsSpec)
    pools = plan_of(spec)
    return planner(spec, spec.settings, pools, plan_network(spec, spec.settings, pools), stack)


def refused(planner: Planner, spec: StackSpec, stack: str = STACK) -> dict[str, str]:
    """Path and message of all that the planner refuses; there is something."""
    with pytest.raises(SpecError) as raised:
        decided(planner, spec, stack)
    return {problem.path: problem.message for problem in raised.value.problems}
