"""Machines of a pool: as the stack file describes them, or as they were seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from components.catalog import Accelerator, MachineType, accelerators
from components.errors import Problem, SpecError
from components.estimate.nodes import CAUTIOUS_DAEMONS, Room, daemons_beside
from components.kubernetes.devices import CLIQUE_LABEL, NVIDIA
from components.labels import POOL_LABEL
from components.plan.cluster import Taint
from components.spec.cluster import NodePoolSpec
from components.spec.explain import suggestion
from providers.existing.catalog import catalog
from providers.existing.devices import (
    ACCELERATORS,
    MEMORY_LABEL_MIB,
    PRODUCT_LABELS,
    accelerator_resource,
    asked_of,
    fabric_of,
    is_slice,
    slicing,
    vendor_of,
    whole_first,
)
from providers.existing.seen import INSTANCE_TYPE, TOPOLOGY_KEYS, Discovery, SeenNode, offer
from providers.existing.settings import ExistingSpec, MachineSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """The nodes of one pool."""

    machine: MachineType
    devices: Mapping[str, int]
    """Of one node, by resource name."""
    selector: Mapping[str, str]
    taints: tuple[Taint, ...]
    """Those that all of them have."""
    topology_keys: tuple[str, ...]
    allocatable: Room | None
    """Of one node: the least that the stack file and the nodes say; None where neither does."""
    seen: tuple[SeenNode, ...]
    """Empty where nobody looked, or none is there."""
    described: bool
    """By the stack file, or the catalog, rather than by themselves."""
    daemons: Room = CAUTIOUS_DAEMONS
    """Requests of the daemon sets of one node: the most that some node has, where that could be seen."""
    sliced: str = ""
    """The evidence that they offer parts of chips and no whole ones."""


def nodes_of(
    pool: NodePoolSpec, settings: ExistingSpec, seen: Discovery | None, unseen: str, *, alike: bool = False
) -> Nodes:
    """The pool's nodes; SpecError where neither the stack file nor the cluster says what they are.

    `alike`: another pool has the same machine type, so that a label of the pool's own tells them apart."""
    path = f"cluster.nodePools.{pool.name}"
    described = settings.machines.get(pool.machine_type)
    selector = _selector(pool, settings, seen, alike=alike)
    there = seen.nodes_with(selector) if seen else ()
    if described is None and not there:
        return _from_catalog(pool, selector, seen, unseen, path)
    if described is None:
        return replace(_as_seen(pool.machine_type, selector, there), daemons=_daemons(there, seen))
    return Nodes(
        machine=_described(pool.machine_type, described, described.topology_keys or _common_keys(there)),
        devices=_devices(described),
        selector=selector,
        taints=_common_taints(there),
        topology_keys=described.topology_keys or _common_keys(there),
        allocatable=_least([*_stated(described), *_rooms(there)]),
        seen=there,
        described=True,
        daemons=_daemons(there, seen),
        sliced=slicing(described.devices, selector) or _sliced(there),
    )


def _selector(pool: NodePoolSpec, settings: ExistingSpec, seen: Discovery | None, *, alike: bool) -> Mapping[str, str]:
    """The labels that the user gives, else those of the two usual ones that a node has."""
    if labels := settings.pool_selectors.get(pool.name):
        return dict(labels)
    described = settings.machines.get(pool.machine_type)
    own, usual = {POOL_LABEL: pool.name}, {INSTANCE_TYPE: pool.machine_type}
    if described and described.labels:
        return {**described.labels, **(own if alike else {})}
    if seen and not seen.nodes_with(own) and seen.nodes_with(usual):
        return usual
    return own


def _from_catalog(
    pool: NodePoolSpec, selector: Mapping[str, str], seen: Discovery | None, unseen: str, path: str
) -> Nodes:
    machine = catalog().machine_types.get(pool.machine_type)
    if machine is None or seen is not None:
        raise SpecError([_unknown(pool, selector, seen, unseen, path)])
    return Nodes(
        machine=machine,
        devices={NVIDIA: machine.accelerator_count},
        selector=selector,
        taints=(),
        topology_keys=(),
        allocatable=None,
        seen=(),
        described=True,
    )


def _unknown(
    pool: NodePoolSpec, selector: Mapping[str, str], seen: Discovery | None, unseen: str, path: str
) -> Problem:
    """No node of the pool is known: why, and what would make one known."""
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    remedy = f"describe one node under existing.machines.{pool.machine_type}"
    if seen is None:
        because = unseen or "the cluster was not asked"
        message = f"{pool.machine_type!r} is not described: {because}; {remedy}, or make the cluster reachable"
        return Problem(path=f"{path}.machineType", message=message)
    types = seen.machine_types()
    there = ", ".join(f"{count} x {name}" for name, count in types.items()) or f"{len(seen.nodes)} without a type"
    hint = suggestion(pool.machine_type, list(types))
    message = (
        f"no node of the cluster has {labels}, nor the machine type {pool.machine_type!r} (its nodes: {there}){hint}; "
        f"name the labels of this pool's nodes under existing.poolSelectors.{pool.name}"
    )
    return Problem(path=f"{path}.machineType", message=message)


def _described(name: str, row: MachineSpec, keys: Sequence[str]) -> MachineType:
    chip = accelerators().get(row.accelerator) if row.accelerator else None
    if row.accelerator and chip is None:
        known = sorted(accelerators())
        hint = suggestion(row.accelerator, known) or f"; available: {', '.join(known)}"
        path = f"existing.machines.{name}.accelerator"
        raise SpecError([Problem(path=path, message=f"{row.accelerator!r} is not a chip that penstock knows{hint}")])
    return MachineType(
        name=name,
        cores=row.cores,
        memory_gib=row.memory_gib,
        accelerator=chip,
        accelerator_count=row.accelerator_count,
        fabric=row.fabric or fabric_of(row.devices),
        fabric_gbps=row.fabric_gbps,
        compute_domain=_spans(chip, keys),
    )


def _spans(chip: Accelerator | None, keys: Sequence[str]) -> bool:
    """True if NVLink leads from node to node: the chips can, and each node tells its domain."""
    return chip is not None and chip.nvlink_domain > 0 and CLIQUE_LABEL in keys


def _devices(row: MachineSpec) -> Mapping[str, int]:
    """As described; where no chip is among them, those of the vendor whose it is."""
    asked = whole_first({name: asked_of(name, count) for name, count in row.devices.items()})
    if row.accelerator is None or accelerator_resource(row.devices) or any(map(is_slice, row.devices)):
        return asked
    vendor = accelerators()[row.accelerator].vendor
    resource = next(name for name, whose in ACCELERATORS.items() if whose == vendor)
    return {resource: row.accelerator_count, **asked}


def _as_seen(name: str, selector: Mapping[str, str], there: Sequence[SeenNode]) -> Nodes:
    """Devices as the best node has them, so that one that lacks some is found; cores and memory as the least has."""
    devices = {
        resource: asked_of(resource, max(node.capacity.get(resource, 0) for node in there))
        for resource in sorted({resource for node in there for resource in node.capacity})
    }
    devices = whole_first(devices)
    resource = accelerator_resource(devices) or next(filter(is_slice, devices), None)
    chip = _chip(resource, there) if resource else None
    keys = _common_keys(there)
    machine = MachineType(
        name=name,
        cores=min(node.cores for node in there),
        memory_gib=min(node.memory_gib for node in there),
        accelerator=chip,
        accelerator_count=devices.get(resource or "", 0),
        fabric=fabric_of(devices),
        compute_domain=_spans(chip, keys),
    )
    return Nodes(
        machine=machine,
        devices=devices,
        selector=selector,
        taints=_common_taints(there),
        topology_keys=keys,
        allocatable=_least(_rooms(there)),
        seen=tuple(there),
        described=False,
        sliced=_sliced(there),
    )


def _sliced(there: Sequence[SeenNode]) -> str:
    """The evidence of the first node that has any."""
    return next((found for node in there if (found := slicing(node.capacity, node.labels))), "")


def _stated(row: MachineSpec) -> Iterator[Room]:
    if said := row.allocatable:
        yield offer(said.model_dump())


def _rooms(there: Sequence[SeenNode]) -> list[Room]:
    return [node.room for node in there if node.room.memory_gib]


def _daemons(there: Sequence[SeenNode], seen: Discovery | None) -> Room:
    if seen is None or not there or "DaemonSet" in seen.hidden:
        return CAUTIOUS_DAEMONS
    found = [node.daemons for node in there]
    most = Room(cores=max(one.cores for one in found), memory_gib=max(one.memory_gib for one in found))
    return daemons_beside(most)


def _least(rooms: Sequence[Room]) -> Room | None:
    if not rooms:
        return None
    return Room(cores=min(room.cores for room in rooms), memory_gib=min(room.memory_gib for room in rooms))


def _chip(resource: str, there: Sequence[SeenNode]) -> Accelerator:
    """By the label with its name; one that penstock has no row for goes by that name, with its peak unknown (0)."""
    label = next(_labels(there, PRODUCT_LABELS), "")
    reported = label.replace("-", " ").replace("_", " ")
    known = (chip for chip in accelerators().values() if _is_called(chip, reported))
    memory_mib = next(_labels(there, (MEMORY_LABEL_MIB,)), "0")
    unknown = Accelerator(
        name=label.lower() or resource.partition("/")[0],
        vendor=vendor_of(resource),
        reported=label or resource,
        memory_gib=int(memory_mib) // 1024 if memory_mib.isdigit() else 0,
        bf16_tflops=0.0,
    )
    return next(known, unknown)


def _is_called(chip: Accelerator, reported: str) -> bool:
    """The label has dashes or underscores where the driver's name has blanks, and dashes of its own too."""
    return bool(reported) and f" {chip.reported.replace('-', ' ')} " in f" {reported} "


def _labels(there: Sequence[SeenNode], keys: Sequence[str]) -> Iterator[str]:
    return (node.labels[key] for key in keys for node in there if key in node.labels)


def _common_taints(there: Sequence[SeenNode]) -> tuple[Taint, ...]:
    return tuple(taint for taint in there[0].taints if all(taint in node.taints for node in there)) if there else ()


def _common_keys(there: Sequence[SeenNode]) -> tuple[str, ...]:
    """Labels that all of them have, without values that say nothing, and without levels that cut an NVLink domain."""
    found = [key for key in TOPOLOGY_KEYS if there and all(is_placed(node, key) for node in there)]
    if CLIQUE_LABEL not in found:
        return tuple(found)
    return tuple(key for key in found if key == CLIQUE_LABEL or not _cuts(key, CLIQUE_LABEL, there))


def is_placed(node: SeenNode, key: str) -> bool:
    """True if the node's label says where it stands; OCI's labeler writes `no-imds-data` where it knows nothing."""
    return node.labels.get(key, "") not in ("", "no-imds-data")


def _cuts(key: str, inner: str, there: Sequence[SeenNode]) -> bool:
    """True if nodes of one `inner` domain stand in several of `key`: then the one is no level above the other."""
    pairs = {(node.labels[inner], node.labels[key]) for node in there}
    return len(pairs) > len({domain for domain, _ in pairs})
