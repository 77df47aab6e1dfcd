"""Plans a stack on a Kubernetes that is there already: its nodes as pools, its storage as the volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from components.errors import Problems, SpecError
from components.fabric import Collective, Fabric
from components.plan.cluster import ClusterPlan, Mount, NodePoolPlan, Taint, VolumePlan
from components.plan.kubernetes import Concern, KubernetesFacts, Owner, Ownership
from components.plan.part import Decision, PartPlan
from components.spec.cluster import NodePoolSpec
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from providers.existing.catalog import MAX_NODES, SCHEDULERS
from providers.existing.devices import PRODUCT_LABELS, Vendor, accelerator_resource, collective, fabric_of_resource
from providers.existing.machines import Nodes, nodes_of
from providers.existing.pods import PoolPodsSpec, bound
from providers.existing.refusals import (
    AUTOSCALERS,
    autoscaler_problems,
    general_problems,
    parts_problems,
    pool_problems,
    shared_problems,
    stack_problems,
)
from providers.existing.seen import DiscoveredSpec, Discovery, SeenVolume
from providers.existing.settings import ExistingSpec, SharedVolumeSpec

_LEAST_SEEN = 0.93
"""Share of its nominal memory that a node shows at least: kernel and firmware keep the rest (measured nodes, 8 GiB to 4
TiB)."""

CLAIM = "penstock-volume"
"""Of the claim by which penstock's own pods mount it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingPlan(ClusterPlan):
    """All that a stack becomes on an existing cluster."""

    settings: ExistingSpec
    """Access to the cluster, and the source that names it."""
    nodes: Mapping[str, Nodes]
    """By pool, what stands behind it."""
    claimed: SeenVolume | None
    """Volume behind the claim that the user names; None where there is none, or nothing was seen."""


def plan(spec: StackSpec, stack: str, now: datetime) -> ExistingPlan:
    """The plan from the stack file, and from what its cluster showed where it was looked at; every problem at once."""
    settings = spec.settings
    assert isinstance(settings, ExistingSpec)
    looked = isinstance(settings, DiscoveredSpec)
    seen, unseen = (settings.seen, settings.unseen) if isinstance(settings, DiscoveredSpec) else (None, "")
    problems = Problems(general_problems(spec, settings, seen, now))
    problems += stack_problems(stack)
    nodes: dict[str, Nodes] = {}
    pools: list[NodePoolPlan] = []
    types = [pool.machine_type for pool in spec.cluster.node_pools]
    for pool in spec.cluster.node_pools:
        alike = types.count(pool.machine_type) > 1
        found = problems.collect(nodes_of, pool, settings, seen, unseen, alike=alike)
        if found is not None:
            nodes[pool.name] = found
            problems += pool_problems(pool, found, settings.pods.get(pool.name, PoolPodsSpec()))
            planned = _plan_pool(pool, found, settings.pods.get(pool.name, PoolPodsSpec()))
            scaler = _autoscaler(spec, settings, seen) if pool.least != pool.most else ""
            problems += autoscaler_problems(pool, scaler)
            pools.append(replace(_with_volume(planned, spec.scheduler.kind, settings.volume), grown_by=scaler))
    problems += shared_problems(nodes)
    for key, work in (("training", spec.training), ("inference", spec.inference)):
        if work:
            pool_name = work.pool or spec.cluster.node_pools[0].name
            problems += parts_problems(key, pool_name, nodes[pool_name]) if pool_name in nodes else []
    if problems:
        raise SpecError(problems)
    return ExistingPlan(
        cloud="existing",
        node_pools=tuple(pools),
        volume=_volume(spec, settings.volume, stack),
        scheduler=(spec.scheduler.kind or SCHEDULERS[0]).value,
        expires_at=spec.cluster.expires_at,
        budget_usd_per_hour=spec.cluster.budget_usd_per_hour,
        parts=(
            PartPlan(
                decisions=tuple(_decisions(spec, settings, seen, nodes)),
                warnings=tuple(_warnings(settings, seen, unseen, nodes, looked=looked)),
            ),
        ),
        kubernetes=_facts(settings, seen),
        settings=ExistingSpec.model_construct(**{name: getattr(settings, name) for name in ExistingSpec.model_fields}),
        nodes=nodes,
        claimed=_claimed(settings.volume, seen),
    )


def _autoscaler(spec: StackSpec, settings: ExistingSpec, seen: Discovery | None) -> str:
    """Software that changes the number of the cluster's nodes: seen, told, or an add-on of the stack; else none."""
    addons = spec.platform.addons
    asked = [name for name in AUTOSCALERS if name in addons and addons[name].enabled]
    owner = _owners(settings, seen).get(Concern.NODE_AUTOSCALER)
    return owner.by if owner else next(iter(asked), "")


def _plan_pool(pool: NodePoolSpec, nodes: Nodes, pods: PoolPodsSpec) -> NodePoolPlan:
    fabric = _fabric(pool, nodes)
    devices = dict(nodes.devices)
    if fabric is not nodes.machine.fabric:
        devices = {name: count for name, count in devices.items() if fabric_of_resource(name) is None}
    talks = collective(accelerator_resource(nodes.devices))
    asked = tuple(Taint(key=one.key, value=one.value, effect=one.effect) for one in pool.taints)
    binding = bound(
        pods,
        devices=devices,
        env=_env(fabric, talks),
        node_selector=dict(nodes.selector),
        tolerations=(*asked, *(taint for taint in nodes.taints if taint not in asked)),
        topology_keys=nodes.topology_keys,
    )
    return NodePoolPlan(
        name=pool.name,
        machine=nodes.machine,
        node_count=pool.count,
        min_count=pool.least,
        max_count=min(pool.most, MAX_NODES),
        fabric=fabric,
        fabric_waived=pool.fabric_waived,
        collective=talks,
        binding=binding,
        node_allocatable=nodes.allocatable,
        daemons=nodes.daemons,
    )


def _with_volume(pool: NodePoolPlan, scheduler: SchedulerKind | None, volume: SharedVolumeSpec | None) -> NodePoolPlan:
    """The pool with the volume in all its pods where jobs run in pods that are there before them, as Slurm's do."""
    if scheduler is not SchedulerKind.SLURM or volume is None:
        return pool
    mount = Mount(volume=CLAIM, path=volume.mount_path)
    return replace(pool, binding=replace(pool.binding, mounts=(mount, *pool.binding.mounts)))


def _fabric(pool: NodePoolSpec, nodes: Nodes) -> Fabric:
    if pool.most <= 1:
        return Fabric.HOST
    return Fabric.ETHERNET if pool.fabric_waived else nodes.machine.fabric


def _env(fabric: Fabric, talks: Collective) -> Mapping[str, str]:
    """The interface of a pod's own network for the rendezvous: every container network calls it so by default."""
    return {} if fabric is Fabric.HOST else talks.rendezvous_over("eth0")


def _volume(spec: StackSpec, asked: SharedVolumeSpec | None, stack: str) -> VolumePlan:
    kept = spec.storage.volume.on_destroy
    if asked is None:
        return VolumePlan(path="", on_destroy=kept)
    path = spec.storage.volume.path or f"{asked.mount_path}/penstock/{stack}"
    return VolumePlan(path=path, on_destroy=kept, claim=CLAIM, mount_path=asked.mount_path)


def _claimed(asked: SharedVolumeSpec | None, seen: Discovery | None) -> SeenVolume | None:
    return seen.claims.get(asked.claim) if asked and asked.claim and seen else None


def _owners(settings: ExistingSpec, seen: Discovery | None) -> Mapping[Concern, Ownership]:
    """Owners as they were seen, and over that those that the user states."""
    owners = dict(seen.owners) if seen else {}
    for concern, name in settings.owners.items():
        owners.pop(concern, None)
        if name:
            owners[concern] = _told(concern, name)
    return owners


def _facts(settings: ExistingSpec, seen: Discovery | None) -> KubernetesFacts:
    version = seen.version if seen else settings.version
    assert version is not None, "refused where neither gives it"
    return KubernetesFacts(version=version, flavour="existing", owners=_owners(settings, seen))


def _told(concern: Concern, name: str) -> Ownership:
    return Ownership(owner=Owner.OTHERS, by=name, reason=f"existing.owners.{concern.value} says so")


def _decisions(
    spec: StackSpec, settings: ExistingSpec, seen: Discovery | None, nodes: Mapping[str, Nodes]
) -> Iterator[Decision]:
    if seen and settings.cluster_id is None:
        reason = "of the cluster that was seen; written down, a kubeconfig of another cluster is refused"
        yield Decision(path="existing.clusterId", value=seen.cluster_id, reason=reason)
    for pool in spec.cluster.node_pools:
        found = nodes[pool.name]
        path = f"cluster.nodePools.{pool.name}"
        if pool.name not in settings.pool_selectors:
            labels = ",".join(f"{key}={value}" for key, value in found.selector.items())
            yield Decision(path=f"existing.poolSelectors.{pool.name}", value=labels, reason=_why_selected(found))
        planned = _plan_pool(pool, found, settings.pods.get(pool.name, PoolPodsSpec()))
        yield Decision(path=f"{path}.fabric", value=f"{planned.fabric}/{planned.collective}", reason=_why(found))
    if spec.scheduler.kind is None:
        reason = "queues with quotas, and gangs that start as a whole, on any Kubernetes"
        yield Decision(path="scheduler.kind", value=SCHEDULERS[0].value, reason=reason)


def _why_selected(nodes: Nodes) -> str:
    if nodes.seen:
        return f"{len(nodes.seen)} nodes of the cluster have it"
    return "no node was seen; the pool's nodes are to have it"


def _why(nodes: Nodes) -> str:
    machine = nodes.machine
    chips = f"{machine.accelerator_count} x {machine.accelerator.name}" if machine.accelerator else "no accelerator"
    others = [f"{count} x {name}" for name, count in nodes.devices.items() if fabric_of_resource(name)]
    source = "as described" if nodes.described else "as seen"
    have = ", ".join([chips, *(others or ["no fabric device"])])
    return f"{machine.name} has {machine.cores} cores, {machine.memory_gib:g} GiB, {have} ({source})"


def _warnings(
    settings: ExistingSpec, seen: Discovery | None, unseen: str, nodes: Mapping[str, Nodes], *, looked: bool
) -> Iterator[str]:
    if looked and seen is None:
        yield f"existing: planned from the stack file, as the cluster was not seen: {unseen}"
    for kind, error in seen.hidden.items() if seen else ():
        yield f"existing: {kind} objects were not seen, and nothing is taken from that: {error}"
    for pool, found in nodes.items():
        if not found.described and (resource := accelerator_resource(found.devices)) and not _named(found):
            yield (
                f"cluster.nodePools.{pool}: its nodes offer {resource} and have no label of the product "
                f"({', '.join(PRODUCT_LABELS)}), so that memory and speed are unknown; label them (GPU feature "
                f"discovery does), or describe the machine under existing.machines"
            )
        if (chip := found.machine.accelerator) and chip.vendor == Vendor.AMD:
            yield (
                f"cluster.nodePools.{pool}: torch reaches {chip.name} by ROCm, and penstock's own images are built for "
                "CUDA; name images of workloads that are built for ROCm"
            )
        for what in _differences(found):
            yield f"existing.machines.{found.machine.name}: is described otherwise than the nodes of {pool} are: {what}"
    if seen and settings.version and settings.version != seen.version:
        yield f"existing.version: {settings.version!r}, but the cluster has {seen.version}, which counts"


def _named(nodes: Nodes) -> bool:
    return any(key in node.labels for node in nodes.seen for key in PRODUCT_LABELS)


def _differences(nodes: Nodes) -> Sequence[str]:
    """Statements of the stack file that no node of the pool fulfils."""
    if not nodes.described or not nodes.seen:
        return ()
    best = {name: max(node.capacity.get(name, 0) for node in nodes.seen) for name in nodes.devices}
    short = [f"{name}: {best[name]}, not {count}" for name, count in nodes.devices.items() if best[name] < count]
    memory = max(node.memory_gib for node in nodes.seen)
    if memory < nodes.machine.memory_gib * _LEAST_SEEN:
        short.append(f"memory: {memory:g} GiB, not {nodes.machine.memory_gib:g}")
    cores = max(node.cores for node in nodes.seen)
    return [*short, *([f"cores: {cores}, not {nodes.machine.cores}"] if cores < nodes.machine.cores else [])]
