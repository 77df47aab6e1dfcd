"""Problems on a cluster that is there already: told before anything exists."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from components.catalog import accelerators
from components.errors import Problem
from components.fabric import Fabric
from components.labels import POOL_LABEL
from components.plan.kubernetes import Concern
from components.spec.base import Spec
from components.spec.cluster import NodePoolSpec
from components.spec.explain import suggestion
from components.spec.marks import LONGEST_NAME
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.existing.devices import (
    ACCELERATORS,
    Vendor,
    accelerator_resource,
    fabric_of,
    fabric_of_resource,
    is_slice,
    vendor_of,
)
from providers.existing.machines import Nodes, is_placed
from providers.existing.pod_problems import pods_problems
from providers.existing.pods import PoolPodsSpec
from providers.existing.seen import Discovery, offer
from providers.existing.settings import ExistingSpec, MachineSpec, SharedVolumeSpec

OLDEST = (1, 30)
"""Oldest version that has all that penstock uses of Kubernetes: a Job's podFailurePolicy and per-index backoff, pod
scheduling gates and a ValidatingAdmissionPolicy are all there from 1.30 on (Kubernetes documentation, feature gates).
"""

AUTOSCALERS = ("cluster-autoscaler", "karpenter")
"""Add-ons that change the number of a cluster's nodes, where their values say how."""

CKS_DOMAINS = ("cks.coreweave.cloud", "node.coreweave.cloud")
"""Of labels by which CoreWeave's Kubernetes marks its nodes (docs.coreweave.com, node labels)."""

KNOWN = {
    "cluster": {"cloud", "node_pools", "expires_at", "budget_usd_per_hour"},
    "pool": {"name", "machine_type", "count", "min_count", "max_count", "fabric", "taints"},
    "storage": {"volume"},
}
"""Keys that mean something where cluster, machines and storage are there already."""


def general_problems(
    spec: StackSpec, settings: ExistingSpec, seen: Discovery | None, now: datetime
) -> Iterator[Problem]:
    """All that is wrong with the stack beside its pools."""
    yield from _meaningless(spec)
    yield from _names(spec, settings)
    for name, machine in settings.machines.items():
        carried = any(
            settings.pods[pool.name].reaches_fabric
            for pool in spec.cluster.node_pools
            if pool.machine_type == name and pool.name in settings.pods
        )
        yield from _fabric_problems(name, machine, carried=carried)
        yield from _chip_problems(name, machine)
        yield from room_problems(name, machine)
    if spec.cluster.expired(now) and spec.cluster.expires_at:
        message = f"{spec.cluster.expires_at:%Y-%m-%dT%H:%MZ} is in the past; set a future time, or destroy the stack"
        yield Problem(path="cluster.expiresAt", message=message)
    if spec.scheduler.kind is SchedulerKind.PROCESS:
        message = "'process' starts jobs on one machine, not on a cluster; remove it, or choose kueue"
        yield Problem(path="scheduler.kind", message=message)
    if spec.scheduler.kind is SchedulerKind.SLURM and settings.volume and settings.volume.storage_class:
        message = (
            f"{settings.volume.storage_class!r} fills each claim with a volume of its own, and Slurm's nodes are in "
            "another namespace than services, with a claim of their own; give existing.volume.nfs, hostPath or claim"
        )
        yield Problem(path="existing.volume.storageClass", message=message)
    if seen is None and settings.version is None:
        message = "is missing, and the cluster was not seen; give Kubernetes' version, or make the cluster reachable"
        yield Problem(path="existing.version", message=message)
    if seen and settings.cluster_id and "Namespace" not in seen.hidden and seen.cluster_id != settings.cluster_id:
        message = (
            f"the kubeconfig leads to the cluster {seen.cluster_id}, and this stack is for {settings.cluster_id}; "
            "choose the right kubeconfig or context, or correct existing.clusterId"
        )
        yield Problem(path="existing.clusterId", message=message)
    if seen:
        yield from cks_problems(spec, seen)
    if version := seen.version if seen else settings.version:
        yield from version_problems(version)
    yield from pods_problems(spec, settings, number(version) if version else ())
    yield from _volume_problems(spec, settings, seen)


def autoscaler_problems(pool: NodePoolSpec, scaler: str) -> Iterator[Problem]:
    """A pool that could change its size, on a cluster where nothing is known to change it."""
    if pool.least == pool.most or scaler:
        return
    key = "maxCount" if pool.max_count is not None else "minCount"
    message = (
        f"{pool.least} to {pool.most} nodes, but nothing is known to change the number of the cluster's nodes; remove "
        "minCount and maxCount, or name what does under existing.owners: {node autoscaler: <name>}"
    )
    yield Problem(path=f"cluster.nodePools.{pool.name}.{key}", message=message)


def stack_problems(stack: str) -> Iterator[Problem]:
    """A stack whose name no label can have: that by which its namespace is known (Kubernetes, label values)."""
    if len(stack) > LONGEST_NAME or not (stack[:1].isalnum() and stack[-1:].isalnum()):
        message = (
            f"{stack!r} becomes a label on the cluster: {LONGEST_NAME} characters at most, a letter or digit at both "
            "ends; choose another name for the stack"
        )
        yield Problem(path="stack", message=message)


def version_problems(version: str) -> Iterator[Problem]:
    """The cluster's Kubernetes is older than penstock can use."""
    if number(version) < OLDEST:
        least = ".".join(map(str, OLDEST))
        message = f"the cluster's Kubernetes is {version}, and penstock needs {least} or newer; upgrade it"
        yield Problem(path="existing.version", message=message)


def number(version: str) -> tuple[int, ...]:
    """`1.36` as (1, 36); what a vendor adds (`29+`) is left out."""
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split("."))


def shared_problems(nodes: Mapping[str, Nodes]) -> Iterator[Problem]:
    """Pools of the same nodes: each would count them as its own, and a server of one takes a node of the other's gang.

    Where no node was seen, only labels that hold for each node of the other pool say so (Kubernetes, nodeSelector)."""
    for (first, one), (second, other) in itertools.combinations(nodes.items(), 2):
        if not _same_nodes(one, other):
            continue
        labels = ",".join(f"{key}={value}" for key, value in one.selector.items())
        message = (
            f"the pools {first!r} and {second!r} have the same nodes ({labels}), which each would count as its own; "
            f"label the nodes of each and name it here ({first}: {{{POOL_LABEL}: {first}}}, "
            f"{second}: {{{POOL_LABEL}: {second}}}), or make one pool of both"
        )
        yield Problem(path="existing.poolSelectors", message=message)


def _same_nodes(one: Nodes, other: Nodes) -> bool:
    if one.seen and other.seen:
        return any(node in other.seen for node in one.seen)
    return one.selector.items() <= other.selector.items() or other.selector.items() <= one.selector.items()


def pool_problems(pool: NodePoolSpec, nodes: Nodes, pods: PoolPodsSpec) -> list[Problem]:
    """All that is wrong with one pool whose nodes are known."""
    path = f"cluster.nodePools.{pool.name}"
    problems = []
    if pool.least < 1:
        message = f"{pool.least} is out of range; a pool of an existing cluster has at least 1 node"
        problems.append(Problem(path=f"{path}.{'count' if pool.min_count is None else 'minCount'}", message=message))
    if nodes.seen and len(nodes.seen) < pool.count:
        labels = ",".join(f"{key}={value}" for key, value in nodes.selector.items())
        message = f"{pool.count} nodes, but {len(nodes.seen)} of the cluster's have {labels}; lower it, or add nodes"
        problems.append(Problem(path=f"{path}.count", message=message))
    if lacking := [key for key in nodes.topology_keys if not all(is_placed(node, key) for node in nodes.seen)]:
        bare = sum(not all(is_placed(node, key) for key in lacking) for node in nodes.seen)
        message = (
            f"{bare} of {len(nodes.seen)} nodes of the pool '{pool.name}' have no label {', '.join(lacking)}, and "
            "schedulers place by topology only on nodes that have every level; remove it, or label the nodes"
        )
        problems.append(Problem(path=f"existing.machines.{pool.machine_type}.topologyKeys", message=message))
    memory_mib = math.floor(nodes.machine.memory_gib * 1024)
    if pods.huge_pages_mib and pods.huge_pages_mib >= memory_mib:
        message = (
            f"{pods.huge_pages_mib} leaves nothing of {nodes.machine.name}'s memory, which is {memory_mib} MiB; "
            "ask for less"
        )
        problems.append(Problem(path=f"existing.pods.{pool.name}.hugePagesMib", message=message))
    if _needs_a_reason(pool, nodes, pods):
        message = (
            f"{pool.most} nodes of {nodes.machine.name} offer no fabric device to pods; name its resource under "
            f"existing.machines.{nodes.machine.name}.devices (rdma/..., vpc.amazonaws.com/efa), how pods have "
            f"it otherwise under existing.pods.{pool.name} (resourceClaims, hostNetwork), or say with "
            "fabric: {none: <reason>} why ordinary network does"
        )
        problems.append(Problem(path=f"{path}.fabric", message=message))
    return problems


def _needs_a_reason(pool: NodePoolSpec, nodes: Nodes, pods: PoolPodsSpec) -> bool:
    """A gang of accelerators without a fabric would train some hundred times slower, and say nothing."""
    wired = any(fabric_of_resource(name) for name in nodes.devices) or (
        nodes.described
        and nodes.machine.fabric in (Fabric.EFA, Fabric.RDMA)
        and (len(nodes.devices) > 1 or pods.reaches_fabric)
    )
    return pool.most > 1 and nodes.machine.accelerator is not None and not pool.fabric_waived and not wired


def _fabric_problems(name: str, machine: MachineSpec, *, carried: bool) -> Iterator[Problem]:
    """A fabric that its devices contradict. `carried`: pods reach it by other ways than devices."""
    found = fabric_of(machine.devices)
    if machine.fabric is None or machine.fabric in (Fabric.HOST, Fabric.ETHERNET, found):
        return
    others = [device for device in machine.devices if fabric_of_resource(device) is None]
    if found is not Fabric.ETHERNET:
        message = f"{machine.fabric.value!r}, but its devices are for {found.value}; correct one of them"
    elif not carried and len(others) < (2 if machine.accelerator else 1):
        message = f"{machine.fabric.value!r}, but devices names none that would carry it; add it there, or remove this"
    else:
        return
    yield Problem(path=f"existing.machines.{name}.fabric", message=message)


def _chip_problems(name: str, machine: MachineSpec) -> Iterator[Problem]:
    """Devices that are chips, or parts of them, on a machine that is described without."""
    path = f"existing.machines.{name}"
    chips = [device for device in machine.devices if device in ACCELERATORS or is_slice(device)]
    if not chips:
        return
    whole = accelerator_resource(machine.devices)
    if machine.accelerator is None:
        count = machine.devices[whole or chips[0]]
        vendor = ACCELERATORS.get(whole or chips[0], Vendor.NVIDIA)
        known = [chip.name for chip in accelerators().values() if chip.vendor == vendor]
        remedy = (
            f"give accelerator ({', '.join(known)}) with acceleratorCount: {count}"
            if known
            else f"of these chips none is known by name: remove {path}, and let `penstock plan` look at the cluster"
        )
        message = (
            f"is missing, and devices has {count} x {whole or chips[0]}: such a machine is not planned as one of "
            f"processors alone; {remedy}"
        )
        yield Problem(path=f"{path}.accelerator", message=message)
    elif (chip := accelerators().get(machine.accelerator)) and chip.vendor != vendor_of(chips[0]):
        message = f"{machine.accelerator!r} is {chip.vendor}'s, and devices has {chips[0]}; correct one of them"
        yield Problem(path=f"{path}.accelerator", message=message)
    elif whole and machine.devices[whole] != machine.accelerator_count:
        message = f"{machine.accelerator_count}, but devices has {machine.devices[whole]} x {whole}; give one number"
        yield Problem(path=f"{path}.acceleratorCount", message=message)


def room_problems(name: str, machine: MachineSpec) -> Iterator[Problem]:
    """An offer to pods that its machine cannot make: above what it has, or none, as of memory without its unit."""
    said = machine.allocatable
    if said is None:
        return
    path, room = f"existing.machines.{name}.allocatable", offer(said.model_dump())
    remedy = "write what `kubectl get node NAME -o jsonpath={.status.allocatable}` prints"
    if not 0 < room.cores <= machine.cores:
        message = f"{said.cpu!r} is {room.cores:g} cores, of a machine with {machine.cores}; {remedy}"
        yield Problem(path=f"{path}.cpu", message=message)
    if not 1 <= room.memory_gib <= machine.memory_gib:
        message = f"{said.memory!r} is {room.memory_gib:.1f} GiB, of a machine with {machine.memory_gib:g}; {remedy}"
        yield Problem(path=f"{path}.memory", message=message)


def parts_problems(key: str, pool: str, nodes: Nodes) -> Iterator[Problem]:
    """Training or a service, by its key of the stack file, on parts of chips: NCCL takes each chip for one rank alone
    (NCCL User Guide, and NVIDIA MIG User Guide: no peer to peer between instances), turns on a chip have no memory of
    their own, and a part's is less than what both are sized by."""
    if nodes.sliced:
        needs = "a gang needs whole ones" if key == "training" else "penstock's server is sized for whole ones"
        message = (
            f"nodes of {pool} offer parts of accelerators ({nodes.sliced}), and {needs}; name a pool of whole "
            f"accelerators, or remove {key}: jobs of your own may use parts"
        )
        yield Problem(path=f"{key}.pool", message=message)


def cks_problems(spec: StackSpec, seen: Discovery) -> Iterator[Problem]:
    """Upstream Kueue on CoreWeave: its webhook fails closed on the pods of new nodes, which then never join, so that it
    never runs (marin-community/marin, lib/iris/docs/coreweave.md); CoreWeave's chart leaves those pods out."""
    marked = any(key.partition("/")[0].endswith(CKS_DOMAINS) for node in seen.nodes for key in node.labels)
    if marked and Concern.QUEUES not in seen.owners and spec.scheduler.kind in (None, SchedulerKind.KUEUE):
        message = (
            "'kueue' on CoreWeave's Kubernetes is to be CoreWeave's own: upstream's webhook keeps new nodes from "
            "joining; install the chart coreweave/cks-kueue, which is then used"
        )
        yield Problem(path="scheduler.kind", message=message)


def _names(spec: StackSpec, settings: ExistingSpec) -> Iterator[Problem]:
    pools = [pool.name for pool in spec.cluster.node_pools]
    for name in settings.pool_selectors:
        if name not in pools:
            hint = suggestion(name, pools) or f"; available: {', '.join(pools)}"
            message = f"{name!r} is not a pool of this stack{hint}"
            yield Problem(path=f"existing.poolSelectors.{name}", message=message)


def _volume_problems(spec: StackSpec, settings: ExistingSpec, seen: Discovery | None) -> Iterator[Problem]:
    asked, path = settings.volume, spec.storage.volume.path
    if asked is None and (spec.training or spec.inference):
        classes = ", ".join(seen.storage_classes) if seen else ""
        offered = f" (the cluster has {classes})" if classes else ""
        message = (
            "is missing: runs and models need storage that all nodes share; give an existing claim, a storageClass "
            f"with sizeGib{offered}, a hostPath that the nodes mount, or nfs"
        )
        yield Problem(path="existing.volume", message=message)
    if asked and path and not f"{path}/".startswith(f"{asked.mount_path}/"):
        message = f"{path!r} is not on the volume, which pods have at {asked.mount_path}; choose a folder below it"
        yield Problem(path="storage.volume.path", message=message)
    if asked and seen:
        yield from _class_problems(spec, asked, seen)
        yield from _claim_problems(asked, seen)


def _class_problems(spec: StackSpec, asked: SharedVolumeSpec, seen: Discovery) -> Iterator[Problem]:
    wanted, known = asked.storage_class, sorted(seen.storage_classes)
    if wanted is None or "StorageClass" in seen.hidden:
        return
    if wanted not in known:
        hint = suggestion(wanted, known) or f"; it has {', '.join(known) or 'none'}"
        message = f"{wanted!r} is not a storage class of the cluster{hint}"
        yield Problem(path="existing.volume.storageClass", message=message)
    elif seen.storage_classes[wanted] == "Delete" and spec.storage.volume.on_destroy is OnDestroy.KEEP:
        message = (
            f"'keep', but the storage class {wanted!r} deletes a volume with its claim; choose a class that retains "
            "it, or say onDestroy: delete"
        )
        yield Problem(path="storage.volume.onDestroy", message=message)


def _claim_problems(asked: SharedVolumeSpec, seen: Discovery) -> Iterator[Problem]:
    path = "existing.volume.claim"
    if asked.claim is None or "PersistentVolume" in seen.hidden:
        return
    if (found := seen.claims.get(asked.claim)) is None:
        hint = suggestion(asked.claim, list(seen.claims))
        message = f"{asked.claim!r} is not a claim of the cluster that is bound to a volume{hint or '; make it first'}"
        yield Problem(path=path, message=message)
    elif "ReadWriteMany" not in found.access_modes:
        modes = ", ".join(found.access_modes)
        message = f"{asked.claim!r} is {modes}, and every node writes to it; name one that is ReadWriteMany"
        yield Problem(path=path, message=message)


def _meaningless(spec: StackSpec) -> Iterator[Problem]:
    """Requests of the user that can no longer be met: told, not passed over."""
    yield from _beyond(spec.cluster, "cluster", KNOWN["cluster"])
    for pool in spec.cluster.node_pools:
        yield from _beyond(pool, f"cluster.nodePools.{pool.name}", KNOWN["pool"])
        if pool.fabric_wanted:
            message = "does not apply to an existing cluster, whose nodes have their interfaces; remove it"
            yield Problem(path=f"cluster.nodePools.{pool.name}.fabric.wanted", message=message)
    yield from _beyond(spec.storage, "storage", KNOWN["storage"])


def _beyond(part: Spec, path: str, known: Sequence[str] | set[str]) -> Iterator[Problem]:
    remedies = {
        "kubernetesVersion": "remove it; existing.version is for a cluster that cannot be reached",
        "labels": "remove it; existing.poolSelectors names the labels that its nodes have",
    }
    for name in sorted(part.model_fields_set - set(known)):
        key = type(part).model_fields[name].alias or name
        remedy = remedies.get(key, "remove it")
        yield Problem(path=f"{path}.{key}", message=f"does not apply to an existing cluster; {remedy}")
