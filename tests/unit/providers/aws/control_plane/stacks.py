"""Specs of stacks on AWS, from the words that a user would write."""

from typing import Any

from components.spec.stack import StackSpec, parse_stack
from providers import clouds
from providers.aws.control_plane.plan import ControlPlanePlan, plan_control_plane
from providers.aws.network.plan import plan_network
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan

STACK = "aws-test"


def stack(
    *,
    cluster: dict[str, Any] | None = None,
    storage: dict[str, Any] | None = None,
    control_plane: dict[str, Any] | None = None,
    **aws: Any,
) -> StackSpec:
    """A stack of one pool in us-east-2, with these keys beside or instead."""
    pools = [{"name": "serve", "machineType": "g6.xlarge"}]
    config = {
        "penstock:cluster": {"cloud": "aws", "region": "us-east-2", "nodePools": pools} | (cluster or {}),
        "penstock:storage": storage or {},
        "penstock:aws": {"controlPlane": _reached(control_plane or {})} | aws,
    }
    return parse_stack(config, "stack.yaml", clouds())


def _reached(control_plane: dict[str, Any]) -> dict[str, Any]:
    """EKS with a way to its API server, where none is given."""
    eks = control_plane.get("kind", "eks") == "eks"
    return ({"reach": {"ssmHost": {}}} if eks else {}) | control_plane


def planned(spec: StackSpec, name: str = STACK, pools: tuple[AwsNodePoolPlan, ...] = ()) -> ControlPlanePlan:
    assert isinstance(spec.settings, AwsSpec)
    network = plan_network(spec, spec.settings, pools)
    return plan_control_plane(spec, spec.settings, pools, network, name)
