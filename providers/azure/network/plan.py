"""The network on Azure, decided: subnets of nodes, API server and file systems, the way out, ranges of pods."""

from collections.abc import Iterator, Sequence

from components.errors import Problem, SpecError
from components.plan.cluster import SubnetPlan
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.spec.cluster import Nat
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.azure.network.ranges import KEPT, NODE_PREFIX, PODS_PATH, Ranges, range_problems, ranges_of
from providers.azure.network.settings import GivenVnetSpec, Outbound
from providers.azure.regions import regions
from providers.azure.settings import AzureSpec
from providers.azure.tables import PRICES, QUOTAS
from providers.azure.types import (
    API_SERVER,
    LUSTRE,
    NETAPP,
    NODES,
    AzureNetworkPlan,
    AzureNodePoolPlan,
    AzureSubnet,
    GivenVnet,
)
from providers.azure.zones import first_zone

PATH = "cluster.network"
EXISTING = f"{PATH}.existing"
NAT_GATEWAY, ROUTE_TABLE = "userAssignedNATGateway", "userDefinedRouting"
CONTROL_PLANE, NETAPP_VOLUMES = "Microsoft.ContainerService/managedClusters", "Microsoft.NetApp/volumes"
"""Services to which a subnet is handed over."""


def plan_network(
    spec: StackSpec, settings: AzureSpec, pools: Sequence[AzureNodePoolPlan], system: AzureNodePoolPlan, stack: str
) -> AzureNetworkPlan:
    """A network whose ranges hold every node and pod of every pool at its largest; SpecError with every problem."""
    problems = [
        *range_problems(spec, settings), *_zone_problems(spec), *_way_problems(spec), *_given_problems(spec),
    ]  # fmt: skip
    region = spec.cluster.region or ""
    if problems or region not in regions():
        raise SpecError(problems)
    found, needed = ranges_of(spec, settings), sum(map(_most, (system, *pools)))
    problems += _too_small(found, needed, given=spec.existing_network is not None)
    if problems:
        raise SpecError(problems)
    there = spec.existing_network
    existing = _given(there) if isinstance(there, GivenVnetSpec) else None
    zone = first_zone(spec)
    return AzureNetworkPlan(
        name=existing.id.rpartition("/")[2] if existing else stack,
        group=f"{stack}-network",
        region=region,
        zones=(zone,) if zone else (),
        cidr="" if existing else str(found.whole),
        subnets=() if existing else tuple(_subnets(spec, found)),
        nodes=SubnetPlan(
            name=existing.nodes if existing else NODES,
            zone="",
            cidr="" if existing else str(found.nodes),
            public=False,
            usable=None if existing else found.nodes.num_addresses - KEPT,
            needed=needed,
            id=f"{existing.id}/subnets/{existing.nodes}" if existing else "",
        ),
        pods_cidr=str(found.pods),
        services_cidr=str(found.services),
        outbound=existing.outbound if existing else NAT_GATEWAY,
        keep=_is_kept(spec),
        existing=existing,
    )


def part(plan: AzureNetworkPlan, spec: StackSpec) -> PartPlan:
    """The network and its way out."""
    return PartPlan(decisions=tuple(_decisions(plan, spec)), quotas=tuple(_quotas(plan)), bill=tuple(_bill(plan)))


def _subnets(spec: StackSpec, found: Ranges) -> Iterator[AzureSubnet]:
    storage = spec.storage
    blobs = ("Microsoft.Storage",) if storage.object_store else ()
    yield AzureSubnet(name=NODES, cidr=str(found.nodes), way_out=True, endpoints=blobs)
    yield AzureSubnet(name=API_SERVER, cidr=str(found.api_server), delegation=CONTROL_PLANE)
    if storage.file_system:
        yield AzureSubnet(name=LUSTRE, cidr=str(found.lustre))
    if storage.shared_file_system:
        yield AzureSubnet(name=NETAPP, cidr=str(found.netapp), delegation=NETAPP_VOLUMES)


def _most(pool: AzureNodePoolPlan) -> int:
    """Nodes of the pool at its largest, in the course of an upgrade too."""
    return pool.max_count + pool.surge


def _too_small(found: Ranges, needed: int, *, given: bool) -> Iterator[Problem]:
    if not given and needed > found.nodes.num_addresses - KEPT:
        what = f"{found.nodes} of it holds {found.nodes.num_addresses - KEPT:,} nodes, and pools have {needed:,}"
        yield Problem(path=f"{PATH}.cidr", message=f"{what}; give a wider range, or make pools smaller")
    room = 1 << max(0, NODE_PREFIX - found.pods.prefixlen) if found.pods.prefixlen <= NODE_PREFIX else 0
    if needed > room:
        what = f"{found.pods} holds the pods of {room:,} nodes, a /{NODE_PREFIX} each, and pools have {needed:,}"
        yield Problem(path=PODS_PATH, message=f"{what}; give a wider range, or make pools smaller")


def _zone_problems(spec: StackSpec) -> Iterator[Problem]:
    region, zones = spec.cluster.region or "", spec.cluster.network.zones
    for zone in zones:
        if region in regions() and zone not in regions()[region]:
            known = ", ".join(regions()[region])
            remedy = f"take one of {known}" if known else "it has none: remove them"
            yield Problem(path=f"{PATH}.zones", message=f"{zone!r} is no zone of {region}; {remedy}")
    if len(zones) > 1:
        message = "the system pool stands in one zone, and every other pool in its own; give one zone, or leave it out"
        yield Problem(path=f"{PATH}.zones", message=f"{', '.join(zones)}: {message}")


def _way_problems(spec: StackSpec) -> Iterator[Problem]:
    nat = spec.cluster.network.nat
    if nat is Nat.PER_ZONE:
        message = "'perZone': a subnet has one NAT gateway, and that of the nodes is one for all zones; write single"
        yield Problem(path=f"{PATH}.nat", message=message)
    if nat is Nat.NONE:
        message = "'none': nodes fetch drivers and images by a way out; write single, or give a network of your own "
        message += "whose route table leads through a firewall (existing: {outbound: routeTable})"
        yield Problem(path=f"{PATH}.nat", message=message)
    if spec.cluster.network.flow_logs and "flow_logs" in spec.cluster.network.model_fields_set:
        message = "true: flow logs belong to the network watcher, which is the subscription's and not the stack's; "
        yield Problem(path=f"{PATH}.flowLogs", message=f"{message}remove it, and switch them on there")


def _given_problems(spec: StackSpec) -> Iterator[Problem]:
    there = spec.existing_network
    if not isinstance(there, GivenVnetSpec):
        return
    asked = (
        ("fileSystemSubnet", there.file_system_subnet, spec.storage.file_system, "fileSystem"),
        (
            "sharedFileSystemSubnet",
            there.shared_file_system_subnet,
            spec.storage.shared_file_system,
            "sharedFileSystem",
        ),
    )
    for key, subnet, store, name in asked:
        if store is not None and subnet is None:
            message = f"is missing, and storage.{name} stands in a subnet of its own; name it, or remove storage.{name}"
            yield Problem(path=f"{EXISTING}.{key}", message=message)
        if store is None and subnet is not None:
            message = f"{subnet!r}, and there is no storage.{name}; remove it"
            yield Problem(path=f"{EXISTING}.{key}", message=message)
    names = [there.nodes_subnet, there.api_server_subnet, there.file_system_subnet, there.shared_file_system_subnet]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        message = (
            f"{name!r} is named for two purposes; nodes, API server and file systems have a subnet each: name them"
        )
        yield Problem(path=EXISTING, message=message)


def _given(there: GivenVnetSpec) -> GivenVnet:
    return GivenVnet(
        id=there.network,
        nodes=there.nodes_subnet,
        api_server=there.api_server_subnet,
        lustre=there.file_system_subnet or "",
        netapp=there.shared_file_system_subnet or "",
        outbound=NAT_GATEWAY if there.outbound is Outbound.NAT_GATEWAY else ROUTE_TABLE,
    )


def _is_kept(spec: StackSpec) -> bool:
    stores = (spec.storage.file_system, spec.storage.shared_file_system)
    return any(store is not None and store.on_destroy is OnDestroy.KEEP for store in stores)


def _decisions(plan: AzureNetworkPlan, spec: StackSpec) -> Iterator[Decision]:
    if plan.existing is not None:
        reason = "nothing of it is changed or destroyed; a preview with credentials looks at its subnets"
        yield Decision(path=EXISTING, value=f"{plan.name}/{plan.nodes.name}", reason=reason)
    elif spec.cluster.network.cidr is None:
        reason = "one address a node: pods have addresses of their own over it"
        yield Decision(path=f"{PATH}.cidr", value=f"{plan.cidr}, nodes {plan.nodes.cidr}", reason=reason)
    reason = "a /24 for each node; nothing outside of the cluster sees it"
    value = f"{plan.pods_cidr}, services {plan.services_cidr}"
    yield Decision(path=PODS_PATH, value=value, reason=reason)
    value = ", ".join(plan.zones) or "Azure's choice"
    reason = "the control plane is in all zones of the region; the cluster's own pods are in this one"
    yield Decision(path=f"{PATH}.zones", value=value, reason=reason)
    if plan.existing is None:
        reason = "they belong to the subscription's network watcher; switch them on there"
        yield Decision(path=f"{PATH}.flowLogs", value="none", reason=reason)


def _quotas(plan: AzureNetworkPlan) -> Iterator[QuotaNeed]:
    if plan.existing is None:
        yield QUOTAS["network.networks"].need(1, "the stack's, beside those of the subscription")
        yield QUOTAS["network.addresses"].need(2, "the way out and the cluster's load balancer")


def _bill(plan: AzureNetworkPlan) -> Iterator[BillLine]:
    if plan.existing is None:
        yield PRICES["network"].line("nat_gateway", "NAT gateway", plan.region)
        yield PRICES["network"].line("public_address", "its public address", plan.region)
        yield BillLine(what="traffic", count=1, unit_usd_per_hour=None, source=PRICES["traffic"].source)
