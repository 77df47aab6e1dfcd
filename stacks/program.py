"""The two halves of every stack's program: decide what is wanted, then register it with the engine."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pulumi

from components.cluster import AcceleratorCluster
from components.plan.stack import StackPlan
from components.provider import CloudProvider
from components.spec.stack import stack_error
from providers import load
from stacks.config import read_engine
from stacks.plan import plan_read


def decide() -> tuple[CloudProvider[Any], StackPlan]:
    """The cloud and the plan; SpecError with every problem before any resource is registered."""
    plan = plan_read(read_engine, pulumi.get_stack(), datetime.now(UTC))
    provider = load(plan.cluster.cloud)
    found = provider.preflight(plan)
    if problems := [one for one in found if one.stops]:
        raise stack_error(problems, f"Pulumi.{plan.stack}.yaml")
    return provider, replace(plan, warnings=(*plan.warnings, *map(str, found)))


def build(provider: CloudProvider[Any], plan: StackPlan) -> None:
    cluster = AcceleratorCluster(plan.stack, provider=provider, plan=plan.cluster, inside=plan.inside)
    pulumi.export("volume", cluster.volume_path)
    for key, value in cluster.outputs.items():
        pulumi.export(key, value)
    training = cluster.run(plan.training, plan.job) if plan.training else None
    for key, value in (training.outputs if training else {}).items():
        pulumi.export(key, value)
    services = [cluster.serve(plan.inference, plan.service, training)] if plan.inference else []
    for service in services:
        pulumi.export("endpoints", list(service.urls))
    for key, value in cluster.open(services).items():
        pulumi.export(key, value)
