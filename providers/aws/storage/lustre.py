"""FSx for Lustre, decided: legal sizes, and whether it is reached over the fabric.

Limits: FSx for Lustre User Guide ("Deployment and storage class options", "Working with EFA-enabled file systems",
"Managing storage capacity") and API reference (CreateFileSystemLustreConfiguration,
CreateFileSystemLustreMetadataConfiguration), 2026.
"""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from ipaddress import IPv4Network

from components.errors import Problem, SpecError
from components.fabric import Fabric
from components.plan.part import Decision
from components.spec.storage import FileSystemSpec, OnDestroy
from providers.aws.network.demand import MOST_GIB
from providers.aws.network.types import NetworkPlan
from providers.aws.storage.links import link_problems, plan_links
from providers.aws.storage.lustre_regions import PATH, efa_obstacle, place_of, place_problems
from providers.aws.storage.types import LustrePlan
from providers.aws.types import AwsNodePoolPlan

SMALLEST_GIB, STEP_GIB = 1200, 2400
EFA_STEP_GIB = {125: 38_400, 250: 19_200, 500: 9_600, 1000: 4_800}
"""By MB/s for each TiB, the tiers of PERSISTENT_2: the size, and each step of it, that can be reached over EFA."""
DEFAULT_TIER = 250
TIERING_STEP_MBPS, MOST_TIERING_MBPS = 4_000, 2_000_000
LEAST_CACHE_GIB, MOST_CACHE_GIB = 32, 131_072
"""For each 4,000 MB/s."""
METADATA_IOPS = (1_500, 3_000, 6_000, *range(12_000, 192_001, 12_000))
TIERING_METADATA_IOPS = (6_000, 12_000)
MOST_EFA_CONNECTIONS = 1_024
"""Of one file system; each EFA interface of a client is one."""
_NO_SCRIPT = "nothing is published of the EFA driver in Batch's images, and Lustre needs 2.12.1 or newer"


def plan_lustre(
    asked: FileSystemSpec, pools: Sequence[AwsNodePoolPlan], network: NetworkPlan, control_plane: str = "eks"
) -> LustrePlan:
    """The file system in the zone of the pools with a fabric; SpecError with every problem at once."""
    zone = _zone(pools, network)
    problems = [
        *place_problems(asked, place_of(zone, network.region)), *_size_problems(asked), *_metadata_problems(asked),
        *link_problems(asked), *_scratch_problems(asked),
    ]  # fmt: skip
    obstacles = tuple(_found_problems(asked, pools, network, control_plane))
    if asked.fabric and not efa_obstacle(place_of(zone, network.region)):
        problems += [
            Problem(path=f"{PATH}.fabric", message=f"true, but {obstacle}; leave it out") for obstacle in obstacles
        ]
    subnet = network.subnet_for("storage", zone)
    if subnet is None:
        message = f"none in {zone}, where storage.fileSystem stands beside its nodes; add one there"
        problems.append(Problem(path="cluster.network.existing.subnets.storage", message=message))
    if problems or subnet is None:
        raise SpecError(problems)
    tiering = asked.tiering
    fixed = not asked.scratch and tiering is None
    return LustrePlan(
        scratch=asked.scratch,
        capacity_gib=int(_gib(asked)) if tiering is None else None,
        throughput_mbps_per_tib=(asked.throughput_mbps_per_tib or DEFAULT_TIER) if fixed else None,
        throughput_mbps=tiering.throughput_mbps if tiering else None,
        read_cache_gib=tiering.read_cache_gib if tiering else None,
        metadata_iops=asked.metadata_iops or (TIERING_METADATA_IOPS[0] if tiering else None),
        efa=not obstacles if asked.fabric is None else asked.fabric,
        zone=zone,
        subnet=subnet.name,
        mount_path=asked.mount_path,
        links=plan_links(asked),
        final_backup=asked.on_destroy is OnDestroy.KEEP and not asked.scratch,
    )


def over_fabric(plan: LustrePlan | None, pool: AwsNodePoolPlan) -> bool:
    """True if the pool's nodes reach the file system over EFA, which does not leave its zone."""
    return plan is not None and plan.efa and pool in _clients((pool,)) and plan.zone in pool.zones


def lustre_decisions(
    asked: FileSystemSpec,
    plan: LustrePlan,
    pools: Sequence[AwsNodePoolPlan],
    network: NetworkPlan,
    control_plane: str = "eks",
) -> Iterator[Decision]:
    """Decisions that the user left open."""
    yield Decision(path=f"{PATH}.zone", value=plan.zone, reason="beside the nodes that use it: FSx stands in one zone")
    if asked.fabric is None:
        obstacles = "; ".join(_found_problems(asked, pools, network, control_plane))
        reason = obstacles or "the nodes, the zone and the size allow it"
        yield Decision(path=f"{PATH}.fabric", value="EFA" if plan.efa else "TCP", reason=reason)
    if plan.throughput_mbps_per_tib and asked.throughput_mbps_per_tib is None:
        reason = "the second of four tiers; more costs more for each GB"
        yield Decision(path=f"{PATH}.throughputMbpsPerTib", value=str(DEFAULT_TIER), reason=reason)
    if asked.metadata_iops is None and not plan.scratch:
        value, reason = (
            (str(plan.metadata_iops), "the smaller of two") if plan.tiering else ("automatic", "with the size")
        )
        yield Decision(path=f"{PATH}.metadataIops", value=value, reason=reason)
    if plan.final_backup:
        reason = "destroy leaves a backup, from which a new file system can be made; a kept one would hold the network"
        yield Decision(path=f"{PATH}.onDestroy", value="final backup", reason=reason)
    elif "on_destroy" not in asked.model_fields_set:
        yield Decision(path=f"{PATH}.onDestroy", value="delete", reason="FSx makes no backup of a scratch file system")


def _gib(asked: FileSystemSpec) -> Decimal:
    """FSx's lists count 1,000 GiB as a TiB: 1.2 is 1200 GiB. One more than the most, where more is asked for."""
    return min(Decimal(str(asked.capacity_tib or 0)) * 1000, Decimal(MOST_GIB + 1))


def _size_problems(asked: FileSystemSpec) -> Iterator[Problem]:
    if asked.tiering is not None:
        yield from _tiering_problems(asked)
        return
    gib = _gib(asked)
    if gib > MOST_GIB:
        message = f"{asked.capacity_tib:g} is more than FSx's {MOST_GIB / 1000:,.0f}; make it smaller"
        yield Problem(path=f"{PATH}.capacityTib", message=message)
    elif gib != SMALLEST_GIB and (not gib or gib % STEP_GIB):
        below = max(SMALLEST_GIB, int(gib // STEP_GIB) * STEP_GIB)
        above = math.ceil(gib / STEP_GIB) * STEP_GIB
        nearest = " or ".join(f"{size / 1000:g}" for size in sorted({below, above}))
        message = f"{asked.capacity_tib:g} is no size of FSx, which has 1.2, 2.4 and multiples of 2.4; take {nearest}"
        yield Problem(path=f"{PATH}.capacityTib", message=message)
    tier = asked.throughput_mbps_per_tib
    if asked.scratch and tier is not None:
        message = f"{tier} with scratch, whose throughput is fixed at 200; remove one of both"
        yield Problem(path=f"{PATH}.throughputMbpsPerTib", message=message)
    elif tier is not None and tier not in EFA_STEP_GIB:
        message = f"{tier} is no tier of FSx; available: {', '.join(map(str, EFA_STEP_GIB))}"
        yield Problem(path=f"{PATH}.throughputMbpsPerTib", message=message)


def _tiering_problems(asked: FileSystemSpec) -> Iterator[Problem]:
    tiering = asked.tiering
    assert tiering is not None
    mbps = tiering.throughput_mbps
    if mbps % TIERING_STEP_MBPS or mbps > MOST_TIERING_MBPS:
        message = f"{mbps} is not a multiple of {TIERING_STEP_MBPS} up to {MOST_TIERING_MBPS}"
        nearest = min(MOST_TIERING_MBPS, max(1, round(mbps / TIERING_STEP_MBPS)) * TIERING_STEP_MBPS)
        yield Problem(path=f"{PATH}.tiering.throughputMbps", message=f"{message}; take {nearest}")
    units = max(1, mbps // TIERING_STEP_MBPS)
    least, most = LEAST_CACHE_GIB * units, MOST_CACHE_GIB * units
    if tiering.read_cache_gib is not None and not least <= tiering.read_cache_gib <= most:
        message = f"{tiering.read_cache_gib} is not between {least} and {most}, the bounds with {mbps} MB/s"
        yield Problem(path=f"{PATH}.tiering.readCacheGib", message=f"{message}; leave it out for FSx's own choice")
    if asked.throughput_mbps_per_tib is not None:
        message = f"{asked.throughput_mbps_per_tib} with tiering, whose throughput is tiering.throughputMbps; remove it"
        yield Problem(path=f"{PATH}.throughputMbpsPerTib", message=message)
    if asked.scratch:
        yield Problem(path=f"{PATH}.scratch", message="true with tiering, which is always durable; remove one of both")


def _metadata_problems(asked: FileSystemSpec) -> Iterator[Problem]:
    iops, path = asked.metadata_iops, f"{PATH}.metadataIops"
    if iops is None:
        return
    if asked.scratch:
        yield Problem(path=path, message=f"{iops} with scratch, which has no setting for it; remove it, or scratch")
        return
    legal = TIERING_METADATA_IOPS if asked.tiering else METADATA_IOPS
    if iops not in legal:
        listed = ", ".join(map(str, legal[:4])) + (
            "" if asked.tiering else f" and multiples of 12000 up to {legal[-1]}"
        )
        yield Problem(path=path, message=f"{iops} is none that FSx has; available: {listed}")


def _scratch_problems(asked: FileSystemSpec) -> Iterator[Problem]:
    if asked.scratch and asked.on_destroy is OnDestroy.KEEP and "on_destroy" in asked.model_fields_set:
        message = "'keep' with scratch, of which FSx makes no backup; set it to delete, or leave scratch out"
        yield Problem(path=f"{PATH}.onDestroy", message=message)


def _found_problems(
    asked: FileSystemSpec, pools: Sequence[AwsNodePoolPlan], network: NetworkPlan, control_plane: str
) -> Iterator[str]:
    """Reasons why it cannot be reached over the fabric; where the place has none, no other matters."""
    zone = _zone(pools, network)
    if obstacle := efa_obstacle(place_of(zone, network.region)):
        yield obstacle
        return
    if asked.scratch:
        yield "a scratch file system has no EFA"
    elif asked.tiering is None:
        step = EFA_STEP_GIB.get(asked.throughput_mbps_per_tib or DEFAULT_TIER)
        if step and (not _gib(asked) or _gib(asked) % step):
            tier = asked.throughput_mbps_per_tib or DEFAULT_TIER
            yield f"{asked.capacity_tib:g} TiB at {tier} has no EFA: it takes multiples of {step / 1000:g}"
    if control_plane == "batch":
        yield _NO_SCRIPT
        return
    clients = _clients(pools)
    if not pools:
        return  # they are wrong, and have said so
    if not clients:
        yield f"no pool has a fabric over which FSx can be reached{_nearly(pools)}"
        return
    counted = [(pool.name, pool.max_count, pool.machine.lustre_interfaces) for pool in clients if zone in pool.zones]
    connections = sum(nodes * interfaces for _, nodes, interfaces in counted)
    if connections > MOST_EFA_CONNECTIONS:
        each = ", ".join(f"{name}: {nodes} nodes of {interfaces}" for name, nodes, interfaces in counted)
        yield f"{connections} EFA interfaces would reach it ({each}), and FSx takes {MOST_EFA_CONNECTIONS}"
    subnets = [IPv4Network(subnet.cidr) for subnet in network.node_subnets((zone,)) if subnet.cidr]
    if len({subnet.supernet(new_prefix=16) for subnet in subnets}) > 1:
        yield f"the nodes of {zone} stand in several /16 ranges, and EFA to FSx stays within one"


def _clients(pools: Sequence[AwsNodePoolPlan]) -> list[AwsNodePoolPlan]:
    return [pool for pool in pools if pool.fabric is Fabric.EFA and pool.machine.lustre_interfaces]


def _nearly(pools: Sequence[AwsNodePoolPlan]) -> str:
    """In brackets, the machines whose EFA FSx is not reached over, and those of one node that could have it."""
    without = sorted({pool.machine.name for pool in pools if pool.fabric is Fabric.EFA})
    single = [pool.name for pool in pools if pool.fabric is Fabric.HOST and pool.machine.lustre_interfaces]
    said = [f"that of {', '.join(without)} is none"] if without else []
    said += [f"{', '.join(single)} has one with fabric: {{wanted: <reason>}}"] if single else []
    return f" ({'; '.join(said)})" if said else ""


def _zone(pools: Sequence[AwsNodePoolPlan], network: NetworkPlan) -> str:
    """Of the largest pool that reaches it over its fabric; else of the largest with a fabric, else of the largest."""
    fabric = [pool for pool in pools if pool.fabric is Fabric.EFA]
    candidates = _clients(pools) or fabric or list(pools)
    largest = max(candidates, key=lambda pool: pool.max_count, default=None)
    return next(zone for zone in (*(largest.zones if largest else ()), *network.zones) if zone in network.zones)
