"""The network on AWS, decided: zones, ranges, ways out, private ways to AWS's services."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from components.errors import Problem, SpecError
from components.fabric import Fabric
from components.plan.part import Decision, PartPlan
from components.spec.cluster import Nat
from components.spec.stack import StackSpec
from providers.aws.network.addresses import (
    LARGEST_PREFIX,
    SMALLEST_PREFIX,
    DoesNotFitError,
    Layout,
    lay_out,
    usable,
)
from providers.aws.network.bill import bill, quotas
from providers.aws.network.demand import PUBLIC, AddressDemand, demands
from providers.aws.network.existing import decisions as of_existing
from providers.aws.network.existing import plan_existing
from providers.aws.network.services import services
from providers.aws.network.settings import ExistingNetworkSpec
from providers.aws.network.types import AwsSubnetPlan, NetworkPlan
from providers.aws.network.zones import choose_zones
from providers.aws.regions import Region, regions
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan

PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
TAKEN = {
    IPv4Network("172.17.0.0/16"): "Docker's own bridge on the nodes",
    IPv4Network("172.20.0.0/16"): "the cluster's Services",
}


def plan_network(spec: StackSpec, settings: AwsSpec, pools: Sequence[AwsNodePoolPlan]) -> NetworkPlan:
    """Subnets that hold every node and pod of every pool at its largest; SpecError with every problem at once."""
    region = regions().get(spec.cluster.region or "")
    if region is not None and isinstance(spec.existing_network, ExistingNetworkSpec):
        return plan_existing(spec, settings, pools, spec.existing_network, region)
    problems = [*_range_problems(spec), *_way_out_problems(spec, settings)]
    zones = choose_zones(spec, pools, settings.control_plane.kind == "eks", problems)
    if problems or not zones or region is None:
        raise SpecError(problems)
    asked, endpoints = spec.cluster.network, _interface_endpoints(spec, settings)
    eks = settings.control_plane.kind == "eks"
    needed = {zone: demands(spec, pools, zone, len(endpoints), eks) for zone in zones}
    layout = _laid_out(spec, needed, region.words(zones))
    return NetworkPlan(
        region=region.name,
        cidr=str(layout.cidr),
        further_cidrs=tuple(map(str, layout.further)),
        zones=zones,
        subnets=(*_node_subnets(layout, needed), *_public_subnets(layout)),
        nat=asked.nat,
        nat_zones=_nat_zones(asked.nat, zones, pools, region),
        gateway_endpoints=("s3", "s3express") if settings.express_store else ("s3",),
        interface_endpoints=endpoints,
        flow_logs=asked.flow_logs,
        gang_group=settings.control_plane.kind != "eks" or any(pool.fabric is Fabric.EFA for pool in pools),
        default_group_of_jobs=settings.control_plane.kind == "batch",
    )


def _range_problems(spec: StackSpec) -> list[Problem]:
    path, cidr = "cluster.network.cidr", spec.cluster.network.cidr
    if cidr is None:
        return []
    if isinstance(cidr, IPv6Network):
        return [Problem(path=path, message=f"{cidr} is IPv6; EFA and FSx need IPv4, such as 10.0.0.0/16")]
    if not LARGEST_PREFIX <= cidr.prefixlen <= SMALLEST_PREFIX:
        message = f"{cidr} is a /{cidr.prefixlen}; a VPC's range is a /{LARGEST_PREFIX} to a /{SMALLEST_PREFIX}"
        return [Problem(path=path, message=f"{message}, such as {cidr.network_address}/{LARGEST_PREFIX}")]
    if not any(cidr.subnet_of(private) for private in PRIVATE):
        message = f"{cidr} is not private, and would hide the internet's addresses; take a part of"
        return [Problem(path=path, message=f"{message} {', '.join(map(str, PRIVATE))}")]
    return [
        Problem(
            path=path, message=f"{cidr} overlaps {taken}, which belongs to {whose}; take another, such as 10.0.0.0/16"
        )
        for taken, whose in TAKEN.items()
        if cidr.overlaps(taken)
    ]


def _way_out_problems(spec: StackSpec, settings: AwsSpec) -> list[Problem]:
    if spec.cluster.network.nat is not Nat.NONE or settings.interface_endpoints is not False:
        return []
    message = "is false with cluster.network.nat none: nodes could reach no registry and not join the cluster"
    return [Problem(path="aws.interfaceEndpoints", message=f"{message}; set it to true, or nat to single")]


def _interface_endpoints(spec: StackSpec, settings: AwsSpec) -> tuple[str, ...]:
    asked = settings.interface_endpoints
    if not (spec.cluster.network.nat is Nat.NONE if asked is None else asked):
        return ()
    return services(spec, settings)


def _laid_out(spec: StackSpec, needed: Mapping[str, Sequence[AddressDemand]], region_zones: Sequence[str]) -> Layout:
    cidr = spec.cluster.network.cidr
    given = cidr if isinstance(cidr, IPv4Network) else None
    sums = {zone: _sum(found) for zone, found in needed.items()}
    public = 0 if spec.cluster.network.nat is Nat.NONE else PUBLIC
    try:
        return lay_out(given, sums, public, region_zones)
    except DoesNotFitError as error:
        raise SpecError([_too_small(given, needed, public, error)]) from None


def _sum(found: Sequence[AddressDemand]) -> int:
    return sum(demand.addresses for demand in found)


def _too_small(
    given: IPv4Network | None, needed: Mapping[str, Sequence[AddressDemand]], public: int, error: DoesNotFitError
) -> Problem:
    """The arithmetic, zone by zone, and the way out."""
    terms = [f"{zone}: {' + '.join(d.what for d in found)} = {_sum(found):,}" for zone, found in needed.items()]
    if public:
        terms.append(f"public subnets: {len(needed)} x {public}")
    if given is None:
        remedy = f"no VPC is that large; make pools smaller ({'; '.join(terms)})"
        return Problem(
            path="cluster.nodePools",
            message=f"{sum(map(_sum, needed.values())):,} addresses when all pools are at most; {remedy}",
        )
    fitting = (
        f"a /{error.prefix} fits" if error.prefix else "leave it out, so that further ranges of the VPC hold the nodes"
    )
    message = (
        f"{given} has {given.num_addresses:,} addresses, too few for subnets of powers of two with {'; '.join(terms)}"
    )
    return Problem(path="cluster.network.cidr", message=f"{message}; {fitting}")


def _node_subnets(layout: Layout, needed: Mapping[str, Sequence[AddressDemand]]) -> list[AwsSubnetPlan]:
    return [
        AwsSubnetPlan(
            name=f"nodes-{zone}" if number == 1 else f"nodes-{zone}-{number}",
            zone=zone,
            cidr=str(network),
            public=False,
            purpose="nodes",
            usable=usable(network),
            needed=-(-_sum(needed[zone]) // len(networks)),
        )
        for zone, networks in layout.nodes.items()
        for number, network in enumerate(networks, start=1)
    ]


def _public_subnets(layout: Layout) -> list[AwsSubnetPlan]:
    return [
        AwsSubnetPlan(
            name=f"public-{zone}",
            zone=zone,
            cidr=str(network),
            public=True,
            purpose="public",
            usable=usable(network),
            needed=PUBLIC,
        )
        for zone, network in layout.public.items()
    ]


def _nat_zones(nat: Nat, zones: Sequence[str], pools: Sequence[AwsNodePoolPlan], region: Region) -> tuple[str, ...]:
    """A single gateway stands where the pools with a fabric do: what crosses zones is paid for by the GB.

    None stands in a local zone: few have any, and those only with addresses of their own (EC2 API, NetworkBorderGroup).
    """
    able = [zone for zone in zones if not region.is_local(zone)] or list(zones)
    match nat:
        case Nat.NONE:
            return ()
        case Nat.PER_ZONE:
            return tuple(able)
        case Nat.SINGLE:
            gangs = [zone for pool in pools if pool.fabric is Fabric.EFA for zone in pool.zones if zone in able]
            return (next(iter((*gangs, *able))),)


def part(plan: NetworkPlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """The VPC, its ways out and its private ways to AWS."""
    settings = spec.settings
    assert isinstance(settings, AwsSpec)
    return PartPlan(
        decisions=decisions(spec, settings, plan),
        quotas=quotas(plan, billed),
        bill=bill(plan, plan.region),
        warnings=warnings(settings, plan),
    )


def decisions(spec: StackSpec, settings: AwsSpec, plan: NetworkPlan) -> tuple[Decision, ...]:
    """Decisions that the user left open."""
    if plan.existing is not None:
        return of_existing(plan)
    asked, found = spec.cluster.network, []
    if asked.cidr is None:
        further = f" and {len(plan.further_cidrs)} ranges beside it" if plan.further_cidrs else ""
        reason = f"holds every node and pod{further}, in equal shares; {_room(plan)}"
        found.append(Decision(path="cluster.network.cidr", value=plan.cidr, reason=reason))
    if not asked.zones:
        reason = "the zones of the pools, and at least two for the control plane"
        found.append(Decision(path="cluster.network.zones", value=", ".join(plan.zones), reason=reason))
    if plan.nat is Nat.SINGLE:
        reason = "one gateway, beside the pools with a fabric where it can be"
        found.append(Decision(path="cluster.network.nat", value=f"single in {plan.nat_zones[0]}", reason=reason))
    if settings.interface_endpoints is None:
        value = str(len(plan.interface_endpoints) or "none")
        reason = "without NAT, AWS's services are reached by them" if plan.interface_endpoints else "NAT reaches all"
        found.append(Decision(path="aws.interfaceEndpoints", value=value, reason=reason))
    return tuple(found)


def _room(plan: NetworkPlan) -> str:
    """Largest size of pools before a subnet moves, which replaces all that stands in it."""
    own = [subnet for subnet in plan.subnets_of_nodes if subnet.cidr not in plan.further_cidrs]
    shares = [subnet.usable for subnet in own if subnet.usable is not None]
    if not shares:
        return "each zone has its own ranges, and more nodes add some"
    return f"growing moves no subnet as long as its zone needs {min(shares):,} addresses at most"


def warnings(settings: AwsSpec, plan: NetworkPlan) -> tuple[str, ...]:
    """Settings that are allowed and bite later."""
    if (
        plan.existing is not None
        or plan.nat is not Nat.NONE
        or settings.registry is None
        or not settings.registry.mirrors
    ):
        return ()
    why = (
        "without NAT a mirror answers only for images that it has (ECR User Guide, Interface VPC endpoints); leave it "
        "out, and let platform.registryMirror be stack.registry, whose images `penstock images push` copies"
    )
    return (f"aws.registry.mirrors: {why}",)
