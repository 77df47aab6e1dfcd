"""Plans a stack on Azure: every part's plan, the problems of all of them at once, and their cost together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from components.errors import Problem, Problems, SpecError
from components.estimate.cost import over_budget
from components.labels import labels_for
from components.plan.cluster import ClusterPlan, RefusedClusterError
from components.plan.kubernetes import KubernetesFacts
from components.spec.stack import StackSpec
from providers.azure import ownership
from providers.azure.catalog import SCHEDULERS
from providers.azure.control_plane import plan as control_plane
from providers.azure.network import plan as networks
from providers.azure.nodes import plan as nodes
from providers.azure.settings import AzureSpec
from providers.azure.storage import plan as stores
from providers.azure.tags import tag_problems
from providers.azure.types import AksPlan, AzureNetworkPlan, AzureNodePoolPlan, AzureStoragePlan, DriverSource

PROVIDERS = (
    "Microsoft.ContainerService",
    "Microsoft.Compute",
    "Microsoft.Network",
    "Microsoft.Storage",
    "Microsoft.ManagedIdentity",
    "Microsoft.ContainerRegistry",
)
"""Resource providers of every stack, which somebody registers by hand: no request of the engine does."""
LUSTRE_PROVIDER, NETAPP_PROVIDER = "Microsoft.StorageCache", "Microsoft.NetApp"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzurePlan(ClusterPlan):
    """All that a stack becomes on Azure."""

    subscription: str
    tags: Mapping[str, str]
    """On everything that takes tags."""
    providers: tuple[str, ...]
    """Resource providers that the subscription needs."""
    node_pools: tuple[AzureNodePoolPlan, ...]
    """Those of the stack file, not the control plane's own."""
    network: AzureNetworkPlan
    control_plane: AksPlan
    storage: AzureStoragePlan
    driver: DriverSource
    node_roll_reason: str = ""
    """Consent to roll or replace nodes with accelerators; empty where none is given."""


def plan(spec: StackSpec, stack: str, now: datetime) -> AzurePlan:
    """The plan on Azure as of `now`, which decides what has expired; SpecError with every problem."""
    settings = spec.settings
    assert isinstance(settings, AzureSpec)
    problems = Problems([*_general_problems(spec, now), *tag_problems(settings.tags)])
    system = nodes.system_pool(spec)
    pools = problems.collect(nodes.plan_pools, spec, settings)
    network = problems.collect(networks.plan_network, spec, settings, pools or (), system, stack)
    storage = problems.collect(stores.plan_storage, spec, network, settings.subscription or "", stack)
    full = nodes.with_mounts(pools or (), storage.mounts) if storage else pools or ()
    control = problems.collect(control_plane.plan_aks, spec, settings, full, system, stack)
    if not (pools and network and storage and control):
        raise SpecError(problems)
    billed = (system, *full)
    plan = AzurePlan(
        cloud="azure",
        region=network.region,
        subscription=control.subscription,
        tags={**settings.tags, **labels_for(stack, spec.cluster.expires_at, spec.cluster.budget_usd_per_hour)},
        providers=_providers(storage),
        expires_at=spec.cluster.expires_at,
        budget_usd_per_hour=spec.cluster.budget_usd_per_hour,
        node_pools=full,
        subnets=(network.nodes,),
        network=network,
        control_plane=control,
        storage=storage,
        driver=settings.driver,
        node_roll_reason=spec.cluster.allow_node_roll or "",
        volume=storage.volume,
        scheduler=(spec.scheduler.kind or SCHEDULERS[0]).value,
        kubernetes=_facts(control, full, network, storage, settings.driver),
        parts=(
            nodes.part(full, spec, billed),
            networks.part(network, spec),
            control_plane.part(control),
            stores.part(storage, network.region),
        ),
    )
    unread = "cluster.budgetUsdPerHour" in spec.refused
    problems += over_budget(plan.bill, plan.budget_usd_per_hour, unread=unread)
    if problems:
        raise RefusedClusterError(problems, plan)
    return plan


def _general_problems(spec: StackSpec, now: datetime) -> Iterator[Problem]:
    cluster = spec.cluster
    if cluster.expired(now) and cluster.expires_at:
        message = f"{cluster.expires_at:%Y-%m-%dT%H:%MZ} is in the past; set a future time, or destroy the stack"
        yield Problem(path="cluster.expiresAt", message=message)


def _providers(storage: AzureStoragePlan) -> tuple[str, ...]:
    return (
        *PROVIDERS,
        *((LUSTRE_PROVIDER,) if storage.file_system else ()),
        *((NETAPP_PROVIDER,) if storage.shared_file_system else ()),
    )


def _facts(
    control: AksPlan, pools: tuple[AzureNodePoolPlan, ...], network: AzureNetworkPlan, storage: AzureStoragePlan,
    driver: DriverSource,
) -> KubernetesFacts:  # fmt: skip
    return KubernetesFacts(
        version=".".join(control.version.split(".")[:2]),
        flavour="aks",
        owners=ownership.owners(storage, pools),
        addon_values=ownership.addon_values(driver),
        refused_addons=ownership.REFUSED,
        system_selector=control.system_pool.binding.node_selector,
        balancers=ownership.balancers(network),
    )
