"""Plans each node pool of a stack on AWS."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from components.errors import Problem, SpecError
from components.fabric import Fabric
from components.plan.part import PartPlan
from components.spec.cluster import ClusterSpec, NodePoolSpec, PlacementKind
from components.spec.stack import StackSpec
from providers.aws.catalog import AwsMachine, machines
from providers.aws.known_names import machine_type_problem, region_problem
from providers.aws.nodes.alternatives import alternatives_of, least_allocatable, zones_of_all
from providers.aws.nodes.binding import ami_type, binding, collective, labels, taints
from providers.aws.nodes.blocks import block_capacity, nodes_now, size_changes
from providers.aws.nodes.costs import bill, quotas
from providers.aws.nodes.decisions import decisions
from providers.aws.nodes.interfaces import addresses_per_node, interfaces, max_pods
from providers.aws.nodes.karpenter import counted, karpenter_problems
from providers.aws.nodes.refusals import (
    Setting,
    fabric_of,
    fallback_name,
    pool_problems,
)
from providers.aws.nodes.reservations import shared_problems
from providers.aws.nodes.scaling import AUTOSCALER, grown_by, has_fallback, scaling_problems
from providers.aws.nodes.zones import mixed_problems, preferred_zones, reserved_zone
from providers.aws.regions import Region, regions
from providers.aws.settings import AwsSpec, EksSpec
from providers.aws.types import (
    KARPENTER,
    AwsNodePoolPlan,
    BlockCapacity,
    Capacity,
    GivenGroup,
    NoGroup,
    OnDemandCapacity,
    OwnGroup,
    Placement,
    ReservedCapacity,
    SpotCapacity,
)
from providers.aws.versions import default_version, node_release

_ROOT_DISK_GIB = {True: 200, False: 100}
"""With accelerators, whose images hold several GB of libraries each, and without."""

_MOST_ZONES = 3
"""Of a pool that may stand anywhere: a fourth adds subnets and little safety."""


_SPOT_NOTICE_S = 120.0
"""Between the notice and the end of a spot instance (EC2 User Guide, "Spot Instance interruption notices")."""


def plan_pools(spec: StackSpec, settings: AwsSpec, stack: str, now: datetime) -> tuple[AwsNodePoolPlan, ...]:
    """The pools in the spec's order; one on spot machines with a fallback is followed by that.

    SpecError with all that AWS would refuse, or would take and not do as meant.
    """
    cluster = spec.cluster
    problems: list[Problem] = []
    region = _region(cluster, problems)
    setting = Setting(
        region=region,
        kubernetes_version=cluster.kubernetes_version,
        control_plane=settings.control_plane.kind,
        now=now,
        expires_at=cluster.expires_at,
        pools=cluster.node_pools,
        stack=stack,
    )
    chosen = _choose_machines(setting, problems)
    problems += [*shared_problems(cluster.node_pools), *scaling_problems(spec)]
    problems += karpenter_problems(spec, {pool.name: fabric_of(pool, machine) for pool, machine in chosen})
    problems += [*mixed_problems(spec, region)] if region else []
    if problems or region is None:
        raise SpecError(problems)
    eks = settings.control_plane if isinstance(settings.control_plane, EksSpec) else None
    version = cluster.kubernetes_version or default_version()
    repair, release = (eks.node_repair, node_release(eks.node_release, version)) if eks else (False, "")
    prefer = preferred_zones(spec, region)
    grown = {pool.name: grown_by(pool, spec) for pool in cluster.node_pools}
    plans = [
        _counted(_plan(pool, machine, _zones(pool, machine, prefer, region), stack, now), grown[pool.name])
        for pool, machine in chosen
    ]
    return tuple(
        replace(
            plan,
            node_repair=repair,
            release=release,
            image_parameter=_image_parameter(plan, version, release),
            grown_by=grown[first.name],
            min_count=0 if plan.fallback and grown[first.name] == AUTOSCALER else plan.min_count,
        )
        for first in plans
        for plan in _with_fallback(first, cluster, stack)
    )


def part(plan: Sequence[AwsNodePoolPlan], spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """The stack's pools; those of HyperPod, which EC2 does not bill, without what HyperPod decides for them."""
    region, names = spec.cluster.region or "", {pool.name for pool in billed}
    elsewhere = [pool.name for pool in plan if pool.name not in names]
    passed_over = {f"cluster.nodePools.{name}.{key}" for name in elsewhere for key in ("placement", "machineType")}
    return PartPlan(
        decisions=tuple(one for one in decisions(spec, plan) if one.path not in passed_over),
        quotas=quotas(billed),
        bill=bill(billed, region),
        warnings=(
            *_consent(spec.cluster.allow_node_roll),
            *_apart(plan),
            *_burstable(plan),
            *_idle(plan),
            *_made_with_nodes(spec, billed),
        ),
    )


def _made_with_nodes(spec: StackSpec, pools: Sequence[AwsNodePoolPlan]) -> Iterator[str]:
    """EKS gives a group up for whose first nodes there are no machines, and without a gate nothing sizes it later."""
    assert isinstance(spec.settings, AwsSpec)
    if spec.settings.control_plane.kind != "eks" or spec.platform.gate.enabled:
        return
    for pool in pools:
        if pool.desired_now and not pool.self_managed:
            yield (
                f"cluster.nodePools.{pool.name}: made with its {pool.desired_now} nodes, as platform.gate.enabled is "
                "false; where AWS has no machines for them `up` fails: remove it, and the gate sizes the pool"
            )


def _consent(reason: str | None) -> tuple[str, ...]:
    """A consent holds for every change as long as it stands in the file."""
    if reason is None:
        return ()
    what = "`up` may roll or replace nodes with accelerators, and jobs on them end"
    return (f"cluster.allowNodeRoll ({reason}): {what}; take it out when that is done",)


def _burstable(pools: Sequence[AwsNodePoolPlan]) -> Iterator[str]:
    """Machines that earn credits for a share of their processors (EC2 User Guide, "Unlimited mode")."""
    for pool in pools:
        if pool.machine.burstable and pool.node_count:
            yield (
                f"cluster.nodePools.{pool.name}: {pool.machine.name} is for load that comes and goes; what it uses "
                "above its share for long is billed beside the price shown; take another family for steady work"
            )


def _idle(pools: Sequence[AwsNodePoolPlan]) -> Iterator[str]:
    """Machines that are paid for with the others of their UltraServer, which is sold whole."""
    for pool in pools:
        sizes = pool.machine.ultra_server
        if sizes and isinstance(pool.capacity, BlockCapacity) and all(pool.node_count % size for size in sizes):
            yield (
                f"cluster.nodePools.{pool.name}: a block of {pool.machine.name} is whole UltraServers of "
                f"{' or '.join(map(str, sizes))} machines, and {pool.node_count} fill none: the rest is paid for "
                "and idle; set count to what the block holds"
            )


def _apart(pools: Sequence[AwsNodePoolPlan]) -> Iterator[str]:
    """Pools whose EFA devices cannot talk to those of the first pool with a fabric: a job stays within a pool, and its
    gang is whole there (EC2 User Guide, "Elastic Fabric Adapter": p4d and p4de reach each other only).
    """
    wired = [pool for pool in pools if pool.fabric is Fabric.EFA]
    for pool in wired[1:]:
        first = wired[0]
        if pool.machine.fabric_family is not first.machine.fabric_family:
            yield (
                f"cluster.nodePools.{pool.name}: EFA of {pool.machine.name} does not reach that of "
                f"{first.machine.name} in {first.name} (p4d and p4de talk to each other only); keep a job in one pool"
            )


def _region(cluster: ClusterSpec, problems: list[Problem]) -> Region | None:
    if found := regions().get(cluster.region or ""):
        return found
    offering = _offering(cluster.node_pools)
    missing = f"is required on AWS and missing; available: {', '.join(offering)}"
    message = region_problem(cluster.region, offering) if cluster.region else missing
    problems.append(Problem(path="cluster.region", message=message))
    return None


def _offering(pools: Sequence[NodePoolSpec]) -> list[str]:
    """Regions that have the machines of all pools; every region where none has."""
    rows = [machines()[pool.machine_type] for pool in pools if pool.machine_type in machines()]
    return [name for name, region in regions().items() if all(row.zones_in(region) for row in rows)] or list(regions())


def _choose_machines(setting: Setting, problems: list[Problem]) -> list[tuple[NodePoolSpec, AwsMachine]]:
    """The pools whose machine type there is, in order; with each problem added to `problems`."""
    chosen = []
    for pool in setting.pools:
        if machine := machines().get(pool.machine_type):
            chosen.append((pool, machine))
        else:
            path = f"cluster.nodePools.{pool.name}.machineType"
            problems.append(Problem(path=path, message=_unknown_machine(pool.machine_type, _offered(setting))))
        problems += pool_problems(pool, machine, setting)
    return chosen


def _unknown_machine(name: str, offered: Sequence[str]) -> str:
    """The message about what is no machine type: the types of a family or an accelerator that stands there instead."""
    meant = name.lower()
    chips = {row.name: row.accelerator.name for row in machines().values() if row.accelerator}
    for what, fits in (
        ("a family without a size", [row for row in offered if row.partition(".")[0] == meant]),
        ("an accelerator", [row for row in offered if chips.get(row) == meant]),
    ):
        if fits:
            return f"{name!r} is {what}; available: {', '.join(sorted(fits))}"
    return machine_type_problem(name, offered)


def _offered(setting: Setting) -> list[str]:
    """Machine types of the region; all where there is no such region."""
    rows = machines().values()
    return [row.name for row in rows if setting.region is None or row.zones_in(setting.region)]


def _zones(pool: NodePoolSpec, machine: AwsMachine, prefer: tuple[str, ...], region: Region) -> tuple[str, ...]:
    """One where the spec, the reservation, the fabric or a placement group asks for one."""
    if settled := pool.zone or reserved_zone(pool):
        return (region.called(settled),)
    rows = (machine, *alternatives_of(pool))
    able = [zone for zone in prefer if all(region.may_offer(zone, row.zones) for row in rows)]
    usual = [zone for zone in able if all(region.usually_offers(zone, row.zones) for row in rows)]
    choice = usual or able or list(zones_of_all(pool, machine, region))
    apart = fabric_of(pool, machine) is not Fabric.EFA and (
        pool.placement is None or pool.placement.kind is PlacementKind.NONE
    )
    return tuple(sorted(choice[: _MOST_ZONES if apart else 1]))


def _plan(
    pool: NodePoolSpec, machine: AwsMachine, zones: tuple[str, ...], stack: str, now: datetime
) -> AwsNodePoolPlan:
    fabric = fabric_of(pool, machine)
    alternatives = alternatives_of(pool)
    types = (machine, *alternatives)
    layout = interfaces(machine, fabric=fabric is Fabric.EFA)
    efa_devices = len(layout) - 1
    capacity = _capacity(pool, machine)
    block = capacity if isinstance(capacity, BlockCapacity) else None
    return AwsNodePoolPlan(
        name=pool.name,
        machine=machine,
        alternatives=alternatives,
        node_count=pool.count,
        min_count=pool.count if block else pool.least,
        max_count=max(1, pool.most),  # EKS takes no maxSize of 0 (NodegroupScalingConfig)
        fabric=fabric,
        fabric_waived=pool.fabric_waived,
        collective=collective(machine),
        binding=binding(pool, machine, fabric, efa_devices),
        node_allocatable=least_allocatable(types, efa_devices),
        notice_s=_SPOT_NOTICE_S if isinstance(capacity, SpotCapacity) else None,
        zones=zones,
        addresses_per_node=max(addresses_per_node(one, layout) for one in types),
        max_pods=min(max_pods(one, layout) for one in types),
        interfaces=layout,
        capacity=capacity,
        placement=_placement(pool, fabric, f"{stack}-{pool.name}"),
        ami_type=ami_type(machine),
        self_managed=block is not None and block.is_group,
        labels=labels(pool, machine, capacity),
        taints=taints(pool, machine),
        root_disk_gib=pool.root_disk_gib or _ROOT_DISK_GIB[machine.accelerator is not None],
        desired_now=nodes_now(block, pool.count, now) if block else pool.count,
        schedule=size_changes(block, pool.count, now) if block else (),
        fallback=fallback_name(pool) if has_fallback(pool) else "",
    )


def _counted(plan: AwsNodePoolPlan, grown_by: str) -> AwsNodePoolPlan:
    """The plan with no more room on a node than its autoscaler counts on."""
    if grown_by != KARPENTER:
        return plan
    assert plan.node_allocatable is not None
    return replace(plan, node_allocatable=counted(plan.machine_types, plan.max_pods, plan.node_allocatable))


def _capacity(pool: NodePoolSpec, machine: AwsMachine) -> Capacity:
    asked = pool.capacity
    if asked.capacity_block is not None:
        return block_capacity(asked.capacity_block, machine)
    if asked.reservation is not None:
        return ReservedCapacity(reservation=asked.reservation.id)
    return SpotCapacity() if asked.spot is not None else OnDemandCapacity()


def _placement(pool: NodePoolSpec, fabric: Fabric, own_name: str) -> Placement:
    """Placement that the user leaves open: the reservation's, a group for a pool with a fabric, else none."""
    asked, reservation, block = pool.placement, pool.capacity.reservation, pool.capacity.capacity_block
    if asked is not None and asked.kind is PlacementKind.NONE:
        return NoGroup()
    if asked is not None and asked.group is not None:
        return GivenGroup(name=asked.group)
    if block is not None:
        return NoGroup()
    if reservation is not None:
        group = reservation.placement_group
        return NoGroup() if group is None else GivenGroup(name=group)
    wanted = asked is not None or (fabric is Fabric.EFA and pool.most > 1)
    return OwnGroup(name=own_name) if wanted else NoGroup()


def _image_parameter(plan: AwsNodePoolPlan, kubernetes_version: str, release: str) -> str:
    """Parameter in which AWS publishes the id of the image (EKS User Guide, "Retrieve recommended Amazon Linux AMI
    IDs"; that of a release: aws/karpenter-provider-aws, pkg/providers/amifamily/al2023.go).
    """
    if not plan.self_managed:
        return ""
    variant = plan.ami_type.rpartition("_")[2].lower()
    folder = f"/aws/service/eks/optimized-ami/{kubernetes_version}/amazon-linux-2023"
    image = f"amazon-eks-node-al2023-{plan.machine.arch}-{variant}-{kubernetes_version}-v{release.rpartition('-')[2]}"
    return f"{folder}/{plan.machine.arch}/{variant}/{image}/image_id"


def _with_fallback(plan: AwsNodePoolPlan, cluster: ClusterSpec, stack: str) -> Iterator[AwsNodePoolPlan]:
    """The plan, and its empty fallback pool at list price, which grows where spot machines are not to be had."""
    yield plan
    (pool,) = (pool for pool in cluster.node_pools if pool.name == plan.name)
    if not plan.fallback:
        return
    name = plan.fallback
    own = isinstance(plan.placement, OwnGroup)
    yield replace(
        plan,
        name=name,
        fallback="",
        node_count=0,
        min_count=0,
        desired_now=0,
        capacity=OnDemandCapacity(),
        notice_s=None,
        labels=labels(pool, plan.machine, OnDemandCapacity()),
        placement=OwnGroup(name=f"{stack}-{name}") if own else plan.placement,
    )
