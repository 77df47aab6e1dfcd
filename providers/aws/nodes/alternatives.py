"""Several machine types of one spot pool: what they must have in common, and what a node of any of them offers."""

from collections.abc import Iterator, Sequence

from components.errors import Problem
from components.estimate.nodes import Room
from components.fabric import Fabric
from components.spec.cluster import NodePoolSpec
from providers.aws.catalog import AwsMachine, CapacityKind, machines
from providers.aws.known_names import machine_type_problem
from providers.aws.nodes.allocatable import allocatable
from providers.aws.nodes.scaling import may_change
from providers.aws.regions import Region


def alternatives_of(pool: NodePoolSpec) -> tuple[AwsMachine, ...]:
    """Rows of the pool's further machine types; those that there are none of are left out."""
    asked = pool.capacity.spot.alternatives if pool.capacity.spot else ()
    return tuple(machines()[name] for name in asked if name in machines())


def zones_of_all(pool: NodePoolSpec, machine: AwsMachine, region: Region) -> tuple[str, ...]:
    """Zones of the region that offer every machine type of the pool, in order."""
    others = [set(other.zones_in(region)) for other in alternatives_of(pool)]
    return tuple(zone for zone in machine.zones_in(region) if all(zone in there for there in others))


def least_allocatable(types: Sequence[AwsMachine], efa_devices: int) -> Room:
    """Resources that a node offers whichever of these it is."""
    rooms = [allocatable(machine, efa_devices) for machine in types]
    return Room(cores=min(room.cores for room in rooms), memory_gib=min(room.memory_gib for room in rooms))


def alternative_problems(
    pool: NodePoolSpec, machine: AwsMachine, path: str, region: Region | None, *, control_plane: str, fabric: Fabric
) -> Iterator[Problem]:
    """Machine types that a pool cannot have beside its own, each with those that it can."""
    asked = pool.capacity.spot.alternatives if pool.capacity.spot else ()
    where = f"{path}.capacity.spot.alternatives"
    if asked and fabric is Fabric.EFA:
        without = "remove fabric" if pool.fabric_wanted else "say why the pool goes without: fabric: {none: <reason>}"
        message = (
            f"{', '.join(asked)} beside {machine.name} with its EFA, whose interfaces are laid out for one machine "
            f"type; remove them, or {without}"
        )
        yield Problem(path=where, message=message)
        return
    sized = control_plane == "pcs" or may_change(pool)
    fitting = [row for row in _fitting(machine, pool, region, sized=sized) if row.name not in asked]
    names = [row.name for row in sorted(fitting, key=lambda row: _size(row) != _size(machine))][:_MOST_NAMED]
    for index, name in enumerate(asked):
        if name not in machines():
            alone = f"{name!r} is not a machine type of aws, and none goes beside {machine.name}; remove it"
            message = machine_type_problem(name, names) if names else alone
            yield Problem(path=f"{where}.{index}", message=message)
        elif why := _why_not(name, machine, (machine.name, *asked[:index]), region, pool, sized=sized):
            remedy = f"take {' or '.join(names)}, or remove it" if names else "remove it"
            yield Problem(path=f"{where}.{index}", message=f"{why}; {remedy}")


_MOST_NAMED = 4
"""Machine types that a refusal proposes, those of the same size first."""


def _fitting(machine: AwsMachine, pool: NodePoolSpec, region: Region | None, *, sized: bool) -> Iterator[AwsMachine]:
    for row in machines().values():
        if not _why_not(row.name, machine, (machine.name,), region, pool, sized=sized):
            yield row


def _why_not(
    name: str, machine: AwsMachine, before: Sequence[str], region: Region | None, pool: NodePoolSpec, *, sized: bool
) -> str:
    """Fact against the machine type; empty where there is none."""
    other = machines()[name]
    if name in before:
        return f"{name!r} is in this pool already"
    if _kind(other) != _kind(machine):
        return (
            f"{name!r} has {_kind(other)}, and {machine.name} {_kind(machine)}: one image and one job fit one of them"
        )
    if sized and _size(other) != _size(machine):
        return (
            f"{name!r} has {_size(other)}, and {machine.name} {_size(machine)}: what changes the pool's size counts "
            "each node as the first of them"
        )
    if CapacityKind.SPOT not in other.capacity:
        return f"{name!r} is not to be had as spot"
    if region is None:
        return ""
    zones = other.zones_in(region)
    if pool.zone and not region.may_offer(pool.zone, other.zones):
        return f"{name!r} is not offered in {pool.zone}"
    if not set(zones) & set(machine.zones_in(region)):
        return f"{name!r} is offered in no zone of {region.name} that has {machine.name}"
    return ""


def _kind(machine: AwsMachine) -> str:
    chips = f"{machine.accelerator_count} x {machine.accelerator.name}" if machine.accelerator else "no accelerator"
    return f"{chips}, {'burstable ' if machine.burstable else ''}{machine.arch}"


def _size(machine: AwsMachine) -> str:
    """All that the autoscaler compares (kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/README.md, "Using
    Mixed Instances Policies": the same CPUs and the same memory); PCS asks for the same CPUs too.
    """
    return f"{machine.cores} vCPUs and {machine.memory_gib:g} GiB"
