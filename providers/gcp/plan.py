"""Plans a stack on GCP: every part's plan, the problems of all of them at once, and their cost together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from components.errors import Problem, Problems, SpecError
from components.estimate.cost import over_budget
from components.plan.cluster import ClusterPlan, RefusedClusterError
from components.plan.kubernetes import KubernetesFacts
from components.plan.part import PartPlan
from components.spec.stack import StackSpec
from providers.gcp import ownership
from providers.gcp.balancer import plan as fronts
from providers.gcp.balancer.types import FrontPlan
from providers.gcp.catalog import SCHEDULERS
from providers.gcp.control_plane import plan as control_plane
from providers.gcp.control_plane.director import plan as slurm
from providers.gcp.control_plane.director import pools as node_sets
from providers.gcp.control_plane.director.types import DirectorPlan
from providers.gcp.images.private import private_problems
from providers.gcp.labels import label_problems, labels
from providers.gcp.network import plan as networks
from providers.gcp.nodes import plan as nodes
from providers.gcp.serving import plan as serving
from providers.gcp.settings import STAND_IN, DirectorSpec, GcpAccountSpec, GcpSpec
from providers.gcp.storage import plan as stores
from providers.gcp.storage.bucket import sidecar
from providers.gcp.types import GardenEndpointPlan, GcpNetworkPlan, GcpNodePoolPlan, GcpStoragePlan, GkePlan
from providers.gcp.zones import zone_of

SERVICES = {
    "compute.googleapis.com": "machines and networks",
    "container.googleapis.com": "GKE",
    "artifactregistry.googleapis.com": "images",
    "storage.googleapis.com": "buckets",
    "dns.googleapis.com": "names inside the cluster, which Cloud DNS keeps",
    "logging.googleapis.com": "logs",
    "monitoring.googleapis.com": "metrics",
    "iamcredentials.googleapis.com": "identities of pods",
}
"""APIs of every stack on GKE, each with what it is for."""
LUSTRE_SERVICES = {
    "servicenetworking.googleapis.com": "the way to Managed Lustre",
    "lustre.googleapis.com": "Managed Lustre",
}
FILESTORE_SERVICES = {"file.googleapis.com": "Filestore"}


UNCOUNTED = ("networking.gke.io.networks",)
"""Interfaces that GKE's webhook adds to pods as resources: a queue that does not cover what a pod asks for never lets
it in."""


ControlPlanePlan = GkePlan | DirectorPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpPlan(ClusterPlan):
    """All that a stack becomes on GCP."""

    project: str
    labels: Mapping[str, str]
    """On everything that takes labels."""
    services: tuple[str, ...]
    """APIs that the project needs."""
    node_pools: tuple[GcpNodePoolPlan, ...]
    """Those of the stack file, not the control plane's own."""
    network: GcpNetworkPlan
    control_plane: ControlPlanePlan
    storage: GcpStoragePlan
    endpoints: tuple[GardenEndpointPlan, ...]
    """Of Vertex AI."""
    front: FrontPlan
    """Front of the services."""
    account: GcpAccountSpec = field(default_factory=GcpAccountSpec)
    """The identity that it is built with."""
    node_roll_reason: str = ""
    """Consent to roll or replace nodes with accelerators; empty where none is given."""

    @property
    def own_pool(self) -> GcpNodePoolPlan:
        """Machines of the cluster's own, without accelerators: of its system pods, or those that people log in to."""
        control = self.control_plane
        return control.system_pool if isinstance(control, GkePlan) else control.login

    @property
    def identity(self) -> Mapping[str, str]:
        """Identity of penstock's own requests, as providers.gcp.session takes it: only what is asked."""
        asked = self.account
        billed = asked.billing_project if asked.user_project_override else ""
        found = {"impersonate": asked.impersonate_service_account or "", "billing_project": billed}
        return {key: value for key, value in found.items() if value}


_Made = tuple[tuple[GcpNodePoolPlan, ...], GcpNetworkPlan, GcpStoragePlan, ControlPlanePlan]


def plan(spec: StackSpec, stack: str, now: datetime) -> GcpPlan:
    """The plan on GCP as of `now`, which decides what has expired, begun and ended; SpecError with every problem."""
    settings = spec.settings
    assert isinstance(settings, GcpSpec)
    problems = Problems([*_general_problems(spec, settings, now), *label_problems(settings.labels)])
    parts = _slurm_parts if isinstance(settings.control_plane, DirectorSpec) else _gke_parts
    made = parts(spec, settings, stack, now, problems)
    endpoints = problems.collect(serving.plan_endpoints, settings.endpoints, stack)
    front = problems.collect(fronts.plan_front, spec, settings, _first_zone(spec), stack)
    if made is None or endpoints is None or front is None:
        raise SpecError(problems)
    pools, network, storage, control = made
    plan = GcpPlan(
        cloud="gcp",
        region=network.region,
        project=control.project,
        labels=labels(stack, spec.cluster.expires_at, spec.cluster.budget_usd_per_hour, settings.labels),
        services=_services(control, storage, endpoints, front),
        expires_at=spec.cluster.expires_at,
        budget_usd_per_hour=spec.cluster.budget_usd_per_hour,
        node_pools=pools,
        subnets=(network.nodes,),
        network=network,
        control_plane=control,
        storage=storage,
        endpoints=endpoints,
        front=front,
        account=spec.account if isinstance(spec.account, GcpAccountSpec) else GcpAccountSpec(),
        node_roll_reason=spec.cluster.allow_node_roll or "",
        volume=storage.volume,
        scheduler=(spec.scheduler.kind or SCHEDULERS[0]).value if isinstance(control, GkePlan) else "",
        kubernetes=_facts(control, pools, network, fronts.group_name(spec, stack))
        if isinstance(control, GkePlan)
        else None,
        parts=(
            *_machine_parts(control, spec, pools, network),
            stores.part(storage, network.region),
            serving.part(endpoints, network.region),
            fronts.part(front, stack),
        ),
    )
    unread = "cluster.budgetUsdPerHour" in spec.refused
    problems += over_budget(plan.bill, plan.budget_usd_per_hour, unread=unread)
    if problems:
        raise RefusedClusterError(problems, plan)
    return plan


def _gke_parts(spec: StackSpec, settings: GcpSpec, stack: str, now: datetime, problems: Problems) -> _Made | None:
    """Pools, network, stores and control plane of a GKE cluster; None where one of them cannot be."""
    problems += private_problems(spec, stack)
    made = networks.plan_fabrics(spec, stack)
    system = nodes.system_pool(_first_zone(spec))
    pools = problems.collect(nodes.plan_pools, spec, settings, stack, now, made)
    network = problems.collect(networks.plan_network, spec, settings, pools or (), system, made, stack)
    storage = problems.collect(stores.plan_storage, spec, network, pools or (), stack)
    full = nodes.with_mounts(pools or (), storage.mounts, sidecar(storage.object_store)) if storage else pools or ()
    control = problems.collect(control_plane.plan_gke, spec, settings, full, system, stack)
    return (full, network, storage, control) if pools and network and storage and control else None


def _slurm_parts(spec: StackSpec, settings: GcpSpec, stack: str, now: datetime, problems: Problems) -> _Made | None:
    """The same of Cluster Director, which gives machines the networks of their fabric itself."""
    asked = settings.control_plane
    assert isinstance(asked, DirectorSpec), "asked for with that kind alone"
    zone = next((zone for pool in spec.cluster.node_pools if (zone := zone_of(pool))), _first_zone(spec))
    login = node_sets.login_pool(zone, asked.login_nodes)
    pools = problems.collect(node_sets.plan_pools, spec, settings, zone, now)
    network = problems.collect(networks.plan_network, spec, settings, pools or (), login, {}, stack)
    storage = problems.collect(partial(stores.plan_storage, pods=False), spec, network, pools or (), stack)
    decide = partial(slurm.plan_director, stack=stack, now=now)
    control = problems.collect(decide, spec, settings, pools or (), login, storage)
    return (pools, network, storage, control) if pools and network and storage and control else None


def _first_zone(spec: StackSpec) -> str:
    zones = networks.zones_of(spec)
    return zones[0] if zones else ""


def _machine_parts(
    control: ControlPlanePlan, spec: StackSpec, pools: tuple[GcpNodePoolPlan, ...], network: GcpNetworkPlan
) -> tuple[PartPlan, ...]:
    """Pools, network and control plane."""
    if isinstance(control, GkePlan):
        billed = (control.system_pool, *pools)
        machines, cluster = nodes.part(pools, spec, billed), control_plane.part(control)
    else:
        billed = (control.login, *pools)
        machines, cluster = node_sets.part(control.node_sets, spec, billed), slurm.part(control)
    return machines, networks.part(network, spec, billed), cluster


def _general_problems(spec: StackSpec, settings: GcpSpec, now: datetime) -> Iterator[Problem]:
    cluster = spec.cluster
    if cluster.expired(now) and cluster.expires_at:
        message = f"{cluster.expires_at:%Y-%m-%dT%H:%MZ} is in the past; set a future time, or destroy the stack"
        yield Problem(path="cluster.expiresAt", message=message)
    account = spec.account if isinstance(spec.account, GcpAccountSpec) else GcpAccountSpec()
    if account.region and account.region != cluster.region:
        message = f"{account.region!r}, and the stack is in {cluster.region}; remove this key: cluster.region decides"
        yield Problem(path="gcp:region", message=message)
    if account.project and settings.project not in (account.project, STAND_IN):
        message = f"{account.project!r}, and penstock:gcp has the project {settings.project}; remove this key"
        yield Problem(path="gcp:project", message=message)
    if account.user_project_override and not account.billing_project:
        message = "true, and no project is named that requests are counted in; give gcp:billingProject, or remove it"
        yield Problem(path="gcp:userProjectOverride", message=message)


def _services(
    control: ControlPlanePlan, storage: GcpStoragePlan, endpoints: tuple[GardenEndpointPlan, ...], front: FrontPlan
) -> tuple[str, ...]:
    return (
        *(SERVICES if isinstance(control, GkePlan) else slurm.SERVICES),
        *(LUSTRE_SERVICES if storage.file_system else ()),
        *(FILESTORE_SERVICES if storage.shared_file_system else ()),
        *(serving.SERVICES if endpoints else ()),
        *(fronts.SERVICES if front.balancers else ()),
    )


def _facts(
    control: GkePlan, pools: tuple[GcpNodePoolPlan, ...], network: GcpNetworkPlan, group: str
) -> KubernetesFacts:
    return KubernetesFacts(
        version=".".join(control.version.split(".")[:2]),
        flavour="gke",
        owners=ownership.owners(control, pools),
        addon_values=ownership.addon_values(),
        refused_addons=ownership.REFUSED,
        storage_class=ownership.disks(control.name),
        system_selector=control.system_pool.binding.node_selector,
        balancers=ownership.balancers(network, control, group),
        uncounted=UNCOUNTED,
        critical_by_quota=True,
    )
