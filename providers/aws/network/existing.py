"""A network that is there already, as a plan: its ids as they are given, and what the stack needs of each subnet."""

from collections.abc import Iterator, Mapping, Sequence

from components.errors import Problem, SpecError
from components.fabric import Fabric
from components.plan.part import Decision
from components.spec.cluster import Nat
from components.spec.stack import StackSpec
from providers.aws.network.demand import AddressDemand, demands
from providers.aws.network.services import services
from providers.aws.network.settings import ExistingNetworkSpec
from providers.aws.network.types import AwsSubnetPlan, ExistingNetwork, NetworkPlan, Purpose
from providers.aws.network.zones import EKS_ZONES, THERE, control_plane_zones, given_zones, no_zone
from providers.aws.regions import Region
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan

PATH = "cluster.network.existing"


def plan_existing(
    spec: StackSpec, settings: AwsSpec, pools: Sequence[AwsNodePoolPlan], asked: ExistingNetworkSpec, region: Region
) -> NetworkPlan:
    """The network as the stack uses it, which makes nothing in it but security groups. SpecError with all that can be
    told without the account.
    """
    if problems := list(_problems(spec, settings, pools, asked, region)):
        raise SpecError(problems)
    zones = tuple(region.called(zone) for zone in asked.subnets.nodes)
    eks = settings.control_plane.kind == "eks"
    needed = {zone: demands(spec, pools, zone, 0, eks) for zone in zones}
    groups = asked.security_groups
    return NetworkPlan(
        region=region.name,
        cidr="",
        further_cidrs=(),
        zones=tuple(zone for zone in region.words(zones) if zone in zones),
        subnets=tuple(_subnets(asked, needed, region, eks=eks)),
        nat=Nat.NONE,
        nat_zones=(),
        gateway_endpoints=(),
        interface_endpoints=(),
        flow_logs=False,
        gang_group=bool(groups.nodes) or not eks or any(pool.fabric is Fabric.EFA for pool in pools),
        default_group_of_jobs=settings.control_plane.kind == "batch",
        existing=ExistingNetwork(
            vpc=asked.vpc,
            node_group=groups.nodes or "",
            control_plane_group=groups.control_plane or "",
            services=services(spec, settings),
        ),
    )


def decisions(plan: NetworkPlan) -> tuple[Decision, ...]:
    """One that tells what a plan without an account does not see."""
    there = plan.existing
    assert there is not None
    why = (
        "nothing of it is changed or destroyed; its ids are taken as given: zones, free addresses, ways out, DNS, "
        "access lists, groups and tags are looked at by a preview with credentials"
    )
    return (Decision(path=PATH, value=there.vpc, reason=why),)


def _subnets(
    asked: ExistingNetworkSpec, needed: Mapping[str, Sequence[AddressDemand]], region: Region, *, eks: bool
) -> Iterator[AwsSubnetPlan]:
    """Each subnet with its share of what its zone needs for its purpose."""
    apart: dict[Purpose, Mapping[str, str]] = {
        "controlPlane": asked.subnets.control_plane if eks else {},
        "storage": asked.subnets.storage,
    }
    elsewhere = {purpose for purpose, given in apart.items() if given}
    for given, subnets in asked.subnets.nodes.items():
        zone = region.called(given)
        total = sum(one.addresses for one in needed[zone] if one.purpose not in elsewhere)
        for number, subnet in enumerate(subnets, start=1):
            name = f"nodes-{zone}" if number == 1 else f"nodes-{zone}-{number}"
            yield _subnet(name, zone, "nodes", subnet, -(-total // len(subnets)))
    for purpose, single in apart.items():
        for given, subnet in single.items():
            zone = region.called(given)
            most = max(sum(one.addresses for one in found if one.purpose == purpose) for found in needed.values())
            yield _subnet(f"{purpose}-{zone}", zone, purpose, subnet, most)


def _subnet(name: str, zone: str, purpose: Purpose, subnet: str, needed: int) -> AwsSubnetPlan:
    return AwsSubnetPlan(
        name=name, zone=zone, cidr="", public=False, purpose=purpose, usable=None, needed=needed, id=subnet
    )


def _problems(
    spec: StackSpec, settings: AwsSpec, pools: Sequence[AwsNodePoolPlan], asked: ExistingNetworkSpec, region: Region
) -> Iterator[Problem]:
    unclear = list(_zone_problems(spec, asked, region))
    yield from unclear or _place_problems(spec, settings, pools, asked, region)
    if settings.interface_endpoints:
        message = (
            "true, but an endpoint changes for all of a VPC how AWS's names resolve, and this VPC is not the stack's; "
            "let its owner make them, and remove this key"
        )
        yield Problem(path="aws.interfaceEndpoints", message=message)
    if settings.control_plane.kind != "eks":
        yield from _other_plane_problems(asked)


def _place_problems(
    spec: StackSpec, settings: AwsSpec, pools: Sequence[AwsNodePoolPlan], asked: ExistingNetworkSpec, region: Region
) -> Iterator[Problem]:
    """Zones without a subnet that is needed there; to be asked only where all that are named are zones."""
    zones = [region.called(zone) for zone in asked.subnets.nodes]
    for pool in pools:
        if outside := [zone for zone in pool.zones if zone not in zones]:
            fact = f"no subnet in {', '.join(outside)}, the zone of pool {pool.name}"
            yield Problem(path=f"{THERE}.nodes", message=f"{fact}; add one there, or give the pool another zone")
    if settings.control_plane.kind == "eks":
        yield from _eks_problems(asked, region)
    if spec.storage.shared_file_system is not None and asked.subnets.storage:
        stores = [region.called(zone) for zone in asked.subnets.storage]
        if lacking := [zone for zone in zones if zone not in stores]:
            fact = f"none in {', '.join(lacking)}, where nodes mount storage.sharedFileSystem"
            yield Problem(path=f"{THERE}.storage", message=f"{fact} in their own zone; add one there")


def _zone_problems(spec: StackSpec, asked: ExistingNetworkSpec, region: Region) -> Iterator[Problem]:
    for path, zone in given_zones(spec):
        if not region.has(zone):
            yield Problem(path=path, message=no_zone(zone, region))
    for purpose in ("nodes", "controlPlane", "storage"):
        called = [region.called(zone) for of, zone in asked.subnets.zones() if of == purpose]
        for zone in sorted({zone for zone in called if called.count(zone) > 1}):
            message = f"{zone} is there by name and by id; give all its subnets under one of both"
            yield Problem(path=f"{THERE}.{purpose}", message=message)


def _other_plane_problems(asked: ExistingNetworkSpec) -> Iterator[Problem]:
    """Settings of a control plane that Slurm and Batch have not."""
    if group := asked.security_groups.control_plane:
        message = f"{group}, but only EKS's control plane takes a group; remove it"
        yield Problem(path=f"{PATH}.securityGroups.controlPlane", message=message)
    if asked.subnets.control_plane:
        message = "only EKS has a control plane with subnets of its own; remove it"
        yield Problem(path=f"{THERE}.controlPlane", message=message)


def _eks_problems(asked: ExistingNetworkSpec, region: Region) -> Iterator[Problem]:
    """Two zones for the cluster's own nodes, and two that take a control plane for its interfaces."""
    if len(asked.subnets.nodes) < EKS_ZONES:
        fact = f"{', '.join(asked.subnets.nodes)} alone, and the cluster's own nodes stand in two zones"
        yield Problem(path=f"{THERE}.nodes", message=f"{fact}; add a subnet in another zone")
        return
    purpose, given = ("controlPlane", list(asked.subnets.control_plane)) if asked.subnets.control_plane else (
        "nodes", list(asked.subnets.nodes)
    )  # fmt: skip
    able = control_plane_zones([region.called(zone) for zone in given], region)
    if len(able) < EKS_ZONES:
        fact = f"{', '.join(given)}: an EKS control plane stands in two zones that it supports"
        told = f"{fact}, and here are {', '.join(able) or 'none'}; add a subnet in another zone"
        yield Problem(path=f"{THERE}.{purpose}", message=told)
    elif purpose == "controlPlane" and len(able) < len(given):
        outside = [zone for zone in given if region.called(zone) not in able]
        message = f"an EKS control plane cannot stand in {', '.join(outside)}; remove it"
        yield Problem(path=f"{THERE}.controlPlane.{outside[0]}", message=message)
