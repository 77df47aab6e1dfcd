"""AKS, decided: version, who reaches it, its identities, and the pool that the cluster itself lives on."""

import re
from collections.abc import Iterator, Sequence

from components.errors import Problem, SpecError
from components.images import is_in_stack_registry, is_stack_mirror
from components.plan.part import Decision, PartPlan
from components.spec.stack import StackSpec
from providers.azure.control_plane.reach import access_problems, decided_reach, plan_access, plan_reach, reach_problems
from providers.azure.images.address import registry_group, registry_name
from providers.azure.nodes.refusals import SYSTEM
from providers.azure.settings import AksTier, AzureSpec
from providers.azure.tables import PRICES, QUOTAS
from providers.azure.types import AksPlan, AzureNodePoolPlan, UpgradeWindow
from providers.azure.versions import minors, version_problem

LONGEST_NAME = 40
"""AKS takes 63 characters for the cluster, 54 for its DNS prefix, and 80 for the group of its machines; identities and
groups are named after the stack too."""
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_MOST_OF_FREE = 10
"""Nodes up to which Microsoft recommends the free tier (AKS, "Free, Standard, and Premium pricing tiers", 2026-08)."""


def plan_aks(
    spec: StackSpec, settings: AzureSpec, pools: Sequence[AzureNodePoolPlan], system: AzureNodePoolPlan, stack: str
) -> AksPlan:
    """The control plane of the stack's pools. SpecError with all that AKS would refuse, or that opens it to anybody."""
    asked = settings.control_plane
    minor = spec.cluster.kubernetes_version or minors()[0]
    problems = [
        *_name_problems(stack), *reach_problems(asked.reach, spec), *access_problems(settings),
        *_subscription_problems(settings), *_tier_problems(asked.tier, pools, system),
        *filter(None, [version_problem(minor)]),
    ]  # fmt: skip
    if problems or asked.reach is None or settings.subscription is None:
        raise SpecError(problems)
    reach, access, window = plan_reach(asked.reach), plan_access(asked.access), asked.node_image_window
    return AksPlan(
        name=stack,
        subscription=settings.subscription.lower(),
        tenant=(settings.tenant or "").lower(),
        region=spec.cluster.region or "",
        group=stack,
        nodes_group=f"{stack}-machines",
        version=minor,
        tier=asked.tier.value.capitalize(),
        reach=reach,
        access=access,
        system_pool=system,
        blob_driver=bool(spec.storage.object_store and spec.storage.object_store.mount_path),
        registry=registry_name(settings.subscription, stack),
        registry_group=registry_group(stack),
        pulls=_pulls(spec),
        window=UpgradeWindow(day=window.day.value, start_hour=window.start_hour, hours=window.hours)
        if window
        else None,
        decisions=(
            *decided_reach(reach, access, asked="access" in asked.model_fields_set),
            *_decided(spec, settings, system),
        ),
    )


def part(plan: AksPlan) -> PartPlan:
    """The control plane; the system pool's machines are on the bill of the pools."""
    tier = plan.tier.lower()
    prices = PRICES["aks"]
    return PartPlan(
        decisions=plan.decisions,
        quotas=(QUOTAS["aks.clusters"].need(1, "the stack's cluster, beside those of the subscription"),),
        bill=(prices.line(tier, f"AKS control plane, tier {plan.tier}", plan.region),)
        if tier in prices.usd_per_hour
        else (),
    )


def _name_problems(stack: str) -> Iterator[Problem]:
    if not _NAME.fullmatch(stack):
        what = "is part of Azure's names: lower-case letters, digits and dashes, a letter first, no dash last"
        yield Problem(path="stack", message=f"{stack!r} {what}; choose another name for the stack")
    elif len(stack) > LONGEST_NAME:
        message = (
            f"{stack!r} has {len(stack)} characters, and groups and identities are named after it; give the stack a"
        )
        yield Problem(path="stack", message=f"{message} name of {LONGEST_NAME} at most")


def _subscription_problems(settings: AzureSpec) -> Iterator[Problem]:
    if settings.subscription is None:
        message = (
            "is required and missing: the id of the subscription that the stack is in (`az account show --query id`)"
        )
        yield Problem(path="azure.subscription", message=f"{message}; give it")


def _tier_problems(
    tier: AksTier, pools: Sequence[AzureNodePoolPlan], system: AzureNodePoolPlan
) -> Iterator[Problem]:  # fmt: skip
    nodes = system.max_count + sum(pool.max_count for pool in pools)
    if tier is AksTier.FREE and nodes > _MOST_OF_FREE:
        message = f"'free', and the cluster has up to {nodes} nodes; its API server is small and has no promise: write "
        yield Problem(path="azure.controlPlane.tier", message=f"{message}standard, or {_MOST_OF_FREE} nodes at most")


def _pulls(spec: StackSpec) -> bool:
    """True if some image is to lie in the stack's own registry: one that is left out is penstock's own there."""
    asked = (spec.training, spec.inference)
    own = any(one is not None and (one.image is None or is_in_stack_registry(one.image)) for one in asked)
    return own or spec.platform.gate.enabled or is_stack_mirror(spec.platform.registry_mirror)


def _decided(spec: StackSpec, settings: AzureSpec, system: AzureNodePoolPlan) -> Iterator[Decision]:
    control = settings.control_plane
    if spec.cluster.kubernetes_version is None:
        reason = "the newest patch of it when the cluster is made; no channel moves it on, and pools follow by `up`"
        yield Decision(path="cluster.kubernetesVersion", value=minors()[0], reason=reason)
    if control.node_image_window is None:
        reason = (
            "AKS renews them each week by itself else, and every node goes with its jobs; docs/azure.md shows how to"
        )
        yield Decision(path="azure.controlPlane.nodeImageWindow", value="never", reason=reason)
    if "tier" not in control.model_fields_set:
        reason = "a promise of the API server's availability, and a server that grows with the cluster"
        yield Decision(path="azure.controlPlane.tier", value=control.tier.value, reason=reason)
    where = f"zone {system.zone}" if system.zone else "a zone of Azure's choice"
    reason = "no taint, at list price and never empty: webhooks and controllers run on it"
    value = f"{system.node_count} x {system.machine.name} in {where}"
    yield Decision(path=f"azure.controlPlane.{SYSTEM}Pool", value=value, reason=reason)
    reason = "an identity for the control plane and one for nodes, made first: rights take minutes to be known"
    yield Decision(path="azure.controlPlane.identities", value="of the stack", reason=reason)
