"""The network on GCP, decided: ranges of nodes, pods and services, the way out, and the networks of fabrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network

from components.errors import Problem, SpecError
from components.plan.cluster import SubnetPlan
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.spec.cluster import Nat, NodePoolSpec
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.gcp.catalog import FabricNetwork, GcpMachine, machines
from providers.gcp.network.fabrics import MTU, RANGE, fabrics
from providers.gcp.network.given import given_problems, given_vpc, given_warnings
from providers.gcp.network.settings import GivenVpcSpec
from providers.gcp.regions import region_of, regions
from providers.gcp.settings import DirectorSpec, GcpSpec
from providers.gcp.tables import PRICES, QUOTAS
from providers.gcp.types import FabricVpc, GcpNetworkPlan, GcpNodePoolPlan
from providers.gcp.zones import zone_of

PATH = "cluster.network"
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
_NODES, _PODS, _SERVICES = map(IPv4Network, ("10.0.0.0/20", "10.4.0.0/14", "10.8.0.0/20"))
_PEERED = IPv4Network("10.9.0.0/20")
"""For file systems: each takes a /23 of it that nothing else has (Managed Lustre, "Configure a VPC network")."""
_SMALLEST_PREFIX = 16
KEPT = 4
"""Addresses of a subnet that Google Cloud keeps (VPC, "Subnets")."""
_NAT_MACHINES = 32
"""From which on a gateway has one price (Cloud NAT pricing)."""
_NAT_PORTS = 256
"""Least of a machine; it is given more while it needs them, up to 65,536 (Cloud NAT, "Dynamic port allocation")."""


def plan_fabrics(spec: StackSpec, stack: str) -> Mapping[str, tuple[FabricVpc, ...]]:
    """Networks beside the cluster's own, by the pool that has interfaces in them."""
    wired = [
        (pool, machine, zone) for pool, machine in _known(spec) if _is_wired(pool, machine) and (zone := zone_of(pool))
    ]
    made = fabrics([(machine, zone) for _, machine, zone in wired], stack, RANGE.subnets(new_prefix=18))
    return {pool.name: tuple(vpc for vpc in made if vpc.name.endswith(zone)) for pool, _, zone in wired}


def plan_network(
    spec: StackSpec, settings: GcpSpec, pools: Sequence[GcpNodePoolPlan], system: GcpNodePoolPlan,
    made: Mapping[str, tuple[FabricVpc, ...]], stack: str,
) -> GcpNetworkPlan:  # fmt: skip
    """A subnet with ranges that hold every node and pod of every pool at its largest; SpecError with every problem at
    once."""
    region, asked = spec.cluster.region or "", spec.cluster.network
    problems = [
        *_name_problems(spec, stack),
        *_range_problems(spec),
        *_zone_problems(spec),
        *_wired_zone_problems(spec),
        *given_problems(spec, settings),
    ]
    if problems or region not in regions():
        raise SpecError(problems)
    all_pools = (system, *pools)
    ranges = _ranges(asked.cidr if isinstance(asked.cidr, IPv4Network) else None)
    nodes, slurm = _needed_nodes(all_pools), isinstance(settings.control_plane, DirectorSpec)
    pods = 0 if slurm else _needed_pods(all_pools)
    if not spec.existing_network:
        problems += _too_small(ranges, nodes, pods, all_pools)
    if problems:
        raise SpecError(problems)
    there = spec.existing_network
    existing = given_vpc(there, settings) if isinstance(there, GivenVpcSpec) else None
    podless = slurm or existing is not None
    return GcpNetworkPlan(
        name=existing.network if existing else stack,
        region=region,
        zones=zones_of(spec),
        mtu=MTU,
        nodes=SubnetPlan(
            name=existing.subnet if existing else f"{stack}-nodes",
            zone="",
            cidr="" if existing else str(ranges.nodes),
            public=False,
            usable=None if existing else ranges.nodes.num_addresses - KEPT,
            needed=nodes,
            id=existing.subnet if existing else "",
        ),
        pods_cidr="" if podless else str(ranges.pods),
        pod_addresses=pods,
        services_cidr="" if podless else str(ranges.services),
        services_peering_cidr=str(ranges.peered) if spec.storage.file_system and not existing else "",
        nat=asked.nat is not Nat.NONE and not existing,
        nat_ports=_NAT_PORTS,
        fabrics=tuple(dict.fromkeys(vpc for vpcs in made.values() for vpc in vpcs)),
        flow_logs=asked.flow_logs and not existing,
        keep=_is_kept(spec),
        existing=existing,
        slurm=slurm,
    )


def zones_of(spec: StackSpec) -> tuple[str, ...]:
    """Zones of the stack, that of the system pool first: the first of the stack file, or the first pool's."""
    bound = [zone for pool in spec.cluster.node_pools if (zone := zone_of(pool)) and _is_general(zone)]
    first = [*spec.cluster.network.zones, *bound, *regions().get(spec.cluster.region or "", ())]
    return tuple(dict.fromkeys([*first[:1], *bound]))


def _is_kept(spec: StackSpec) -> bool:
    stores = (spec.storage.file_system, spec.storage.shared_file_system)
    return any(store is not None and store.on_destroy is OnDestroy.KEEP for store in stores)


def part(plan: GcpNetworkPlan, spec: StackSpec, billed: Sequence[GcpNodePoolPlan]) -> PartPlan:
    """The network, its way out and what flows."""
    return PartPlan(
        decisions=tuple(_decisions(plan, spec)),
        quotas=tuple(_quotas(plan)),
        bill=tuple(_bill(plan, billed)),
        warnings=tuple(given_warnings(plan)),
    )


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Ranges of a network that the stack makes."""

    nodes: IPv4Network
    pods: IPv4Network
    services: IPv4Network
    peered: IPv4Network


def _ranges(whole: IPv4Network | None) -> _Ranges:
    """Half of a given range is for pods, whose nodes take a block each; of the rest a quarter each for nodes, services
    and file systems."""
    if whole is None:
        return _Ranges(_NODES, _PODS, _SERVICES, _PEERED)
    small, pods = whole.subnets(prefixlen_diff=1)
    nodes, services, peered, _ = small.subnets(prefixlen_diff=2)
    return _Ranges(nodes, pods, services, peered)


def addresses_of_pods(pool: GcpNodePoolPlan) -> int:
    """Addresses that one node takes of the range for pods: twice its pods, rounded up to a power of two (GKE, "Flexible
    Pod CIDR")."""
    return 1 << (2 * pool.max_pods - 1).bit_length()


def _needed_nodes(pools: Sequence[GcpNodePoolPlan]) -> int:
    """At most, and one more of each pool without accelerators while it is upgraded."""
    return sum(_most(pool) for pool in pools)


def _needed_pods(pools: Sequence[GcpNodePoolPlan]) -> int:
    return sum(_most(pool) * addresses_of_pods(pool) for pool in pools)


def _most(pool: GcpNodePoolPlan) -> int:
    return pool.max_count + (pool.machine.accelerator is None)


def _too_small(ranges: _Ranges, nodes: int, pods: int, pools: Sequence[GcpNodePoolPlan]) -> Iterator[Problem]:
    terms = ", ".join(f"{pool.name}: {_most(pool)} x {addresses_of_pods(pool)}" for pool in pools)
    if pods > ranges.pods.num_addresses:
        what = f"its half for pods, {ranges.pods}, has {ranges.pods.num_addresses:,} addresses, and nodes take {pods:,}"
        message = f"{what} ({terms}); give a wider range, or make pools smaller"
        yield Problem(path=f"{PATH}.cidr", message=message)
    if nodes > ranges.nodes.num_addresses - KEPT:
        what = f"{ranges.nodes} of it holds {ranges.nodes.num_addresses - KEPT:,} nodes, and pools have {nodes:,}"
        yield Problem(path=f"{PATH}.cidr", message=f"{what}; give a wider range, or make pools smaller")


def _name_problems(spec: StackSpec, stack: str) -> Iterator[Problem]:
    """Networks of a fabric bear the names of stack, purpose and zone, 63 characters together (RFC 1035)."""
    for vpcs in plan_fabrics(spec, stack).values():
        longest = max((subnet.name for vpc in vpcs for subnet in vpc.subnets), key=len, default="")
        if len(longest) > 63:
            message = f"{stack!r} makes {longest!r} of {len(longest)} characters, and a subnet's name has 63 at most"
            yield Problem(path="stack", message=f"{message}; give the stack a shorter name")
            return


def _wired_zone_problems(spec: StackSpec) -> Iterator[Problem]:
    """Interfaces of pods are named once in a cluster, and each is of one zone's network."""
    wired = {pool.name: zone for pool, machine in _known(spec) if _is_wired(pool, machine) and (zone := zone_of(pool))}
    first = next(iter(wired.values()), "")
    for name, zone in wired.items():
        if zone != first:
            message = (
                f"{zone!r}: pools with RDMA of one stack are in one zone, and another is in {first}; move it there, "
            )
            yield Problem(path=f"cluster.nodePools.{name}.zone", message=f"{message}or to a stack of its own")


def _range_problems(spec: StackSpec) -> Iterator[Problem]:
    cidr, path = spec.cluster.network.cidr, f"{PATH}.cidr"
    if cidr is None:
        return
    if isinstance(cidr, IPv6Network):
        yield Problem(path=path, message=f"{cidr} is IPv6; nodes and pods have IPv4 addresses, such as of 10.0.0.0/12")
    elif cidr.prefixlen > _SMALLEST_PREFIX:
        message = f"{cidr} is a /{cidr.prefixlen}; a cluster's pods alone take half of a /{_SMALLEST_PREFIX}"
        yield Problem(path=path, message=f"{message}; give a /{_SMALLEST_PREFIX} or wider, such as 10.0.0.0/12")
    elif not any(cidr.subnet_of(private) for private in PRIVATE):
        message = f"{cidr} is not private, and would hide the internet's addresses; take a part of"
        yield Problem(path=path, message=f"{message} {', '.join(map(str, PRIVATE))}")
    elif cidr.overlaps(RANGE) and any(_is_wired(pool, machine) for pool, machine in _known(spec)):
        message = f"{cidr} overlaps {RANGE}, where the networks of the fabric are; take another, such as 10.0.0.0/12"
        yield Problem(path=path, message=message)


def _zone_problems(spec: StackSpec) -> Iterator[Problem]:
    region = spec.cluster.region or ""
    for zone in spec.cluster.network.zones:
        if region in regions() and zone not in regions()[region]:
            where = "in another region" if region_of(zone) in regions() and region_of(zone) != region else "unknown"
            message = f"{zone!r} is {where}; zones of {region} are {', '.join(regions()[region])}"
            yield Problem(path=f"{PATH}.zones", message=message)
    if len(spec.cluster.network.zones) > 1:
        message = "the system pool stands in one zone, and every other pool in its own; give one zone, or leave it out"
        yield Problem(path=f"{PATH}.zones", message=f"{', '.join(spec.cluster.network.zones)}: {message}")
    if spec.cluster.network.nat is Nat.PER_ZONE:
        message = "'perZone': Cloud NAT is one for a region and has no single machine that fails; write single"
        yield Problem(path=f"{PATH}.nat", message=message)


def _known(spec: StackSpec) -> Iterator[tuple[NodePoolSpec, GcpMachine]]:
    for pool in spec.cluster.node_pools:
        if machine := machines().get(pool.machine_type):
            yield pool, machine


def _is_wired(pool: NodePoolSpec, machine: GcpMachine) -> bool:
    roce = machine.network in (FabricNetwork.ROCE, FabricNetwork.ROCE_METAL)
    return roce and not machine.refused and pool.most > 1 and not pool.fabric_waived


def _is_general(zone: str) -> bool:
    """False for a zone for accelerators alone, which has no small machines."""
    return len(zone.rpartition("-")[2]) == 1


def _decisions(plan: GcpNetworkPlan, spec: StackSpec) -> Iterator[Decision]:
    if plan.existing is not None:
        reason = "nothing of it is changed or destroyed; a preview with credentials looks at its subnet and ranges"
        yield Decision(path=f"{PATH}.existing", value=f"{plan.existing.network}/{plan.existing.subnet}", reason=reason)
    elif spec.cluster.network.cidr is None:
        value = f"nodes {plan.nodes.cidr}, pods {plan.pods_cidr}, services {plan.services_cidr}"
        reason = "a range for pods is never given back, so it is wide from the start"
        if plan.slurm:
            value, reason = f"nodes {plan.nodes.cidr}", "Slurm has no pods"
        yield Decision(path=f"{PATH}.cidr", value=value, reason=reason)
    reason = "the control plane is in all zones of the region; the cluster's own pods are in the first of these"
    if plan.slurm:
        reason = "Cluster Director has login nodes, pools and file systems of a cluster in one zone"
    yield Decision(path=f"{PATH}.zones", value=", ".join(plan.zones), reason=reason)
    for vpc in plan.fabrics:
        profile = f"profile {vpc.profile}, " if vpc.profile else ""
        value = f"{vpc.name}: {profile}MTU {vpc.mtu}, {len(vpc.subnets)} subnets"
        reason = (
            "a network beside the cluster's own, without firewall, NAT or peering"
            if profile
            else "second host interface"
        )
        yield Decision(path=f"{PATH}.fabric", value=value, reason=reason)


def _quotas(plan: GcpNetworkPlan) -> Iterator[QuotaNeed]:
    own = 0 if plan.existing else 1
    if own + len(plan.fabrics):
        yield QUOTAS["compute.networks"].need(own + len(plan.fabrics), "the stack's, beside those of the project")
    subnets = own + sum(bool(subnet.cidr) for vpc in plan.fabrics for subnet in vpc.subnets)
    if subnets:
        yield QUOTAS["compute.subnetworks"].need(subnets, "the stack's, beside those of the project")
    if plan.nat:
        yield QUOTAS["compute.routers"].need(1, "the way out")


def _bill(plan: GcpNetworkPlan, billed: Sequence[GcpNodePoolPlan]) -> Iterator[BillLine]:
    if plan.nat:
        what = "Cloud NAT, by its machines"
        used = sum(pool.node_count for pool in billed)
        one = PRICES["network"].line("nat_machine", what, plan.region)
        whole = PRICES["network"].line("nat_gateway", f"{what}, 32 or more", plan.region)
        yield whole if used >= _NAT_MACHINES else replace(one, count=used)
        yield PRICES["network"].line("public_address", "its public address", plan.region)
        yield BillLine(what="traffic", count=1, unit_usd_per_hour=None, source=PRICES["traffic"].source)
