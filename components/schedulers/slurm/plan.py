"""Pools as Slurm partitions of Slinky's NodeSets, made when the acceptance gate has passed.

Facts of Slinky's operator 1.2 (SlinkyProject/slurm-operator, internal/builder): a NodeSet is in the namespace of its
controller; slurmd tells Slurm the memory that its container's limit says; partition and feature are called as the
NodeSet is; slurmd is privileged.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from components.errors import Problem, UnsupportedError
from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import KubernetesFacts, Manifest, QueuePlan, SchedulerPlan
from components.plan.work import ServicePlan
from components.pods.bind import bind
from components.schedulers.queues import plan_queues, refuse_forbidden
from components.spec.scheduler import SchedulerKind, SchedulerSpec

ADDONS = ("slurm-operator", "slurm")
SLURM_NAMESPACE = "slurm"
CONTROLLER = "slurm"
"""As the chart `slurm` calls it."""

SLURMD = "ghcr.io/slinkyproject/slurmd-pyxis:26.05-ubuntu24.04"
"""Slinky's own, with the plugin that runs a step in a container image."""

VENDORS = ("nvidia",)
"""Makers of the chips that slurmd's image finds by itself (gres.conf: AutoDetect=nvidia needs no library of theirs)."""

_DAEMON_MIB = 1024
"""Of slurmd's memory, what Slurm keeps from jobs (slurm.conf, MemSpecLimit): slurmd, its step daemons, enroot."""


def plan(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
    """A partition for each pool; UnsupportedError for several queues, whose shares take Slurm's accounting database."""
    refuse_forbidden(SchedulerKind.SLURM, ADDONS, facts)
    if len(spec.queues) > 1:
        message = (
            f"{len(spec.queues)} queues, but shares of Slurm take its accounting database, which penstock does "
            "not run; use one queue, or kueue, volcano or kai"
        )
        raise UnsupportedError([Problem(path="scheduler.queues", message=message)])
    problems = [problem for pool in pools for problem in (*_foreign_chips(pool), *_without_nodes(spec, pool))]
    if problems:
        raise UnsupportedError(problems)
    queues = plan_queues(spec, pools)
    # Not before the gate: each of these pods takes all devices of a node, and the gate's check needs them.
    opening = tuple(_node_set(pool, nodes) for pool in pools if (nodes := share(queues, pool)))
    return SchedulerPlan(
        kind=SchedulerKind.SLURM, addons=ADDONS, queues=queues, objects=(), opening=opening,
        warnings=tuple(_unused(queues, pools)),
    )  # fmt: skip


def refuse_held(service: ServicePlan, pool: NodePoolPlan, plan: SchedulerPlan) -> None:
    """UnsupportedError for a service on a pool of which Slurm has every node."""
    if share(plan.queues, pool) >= pool.node_count:
        message = (
            f"{service.name!r} finds no room on the pool {pool.name!r}: Slurm's own pods have all its "
            f"{pool.node_count} nodes; give Slurm only the pools of jobs, as in scheduler.queues: "
            "[{name: default, nodes: {train: 2}}], and the service another pool"
        )
        raise UnsupportedError([Problem(path="inference.pool", message=message)])


def share(queues: Sequence[QueuePlan], pool: NodePoolPlan) -> int:
    """Nodes of the pool that Slurm has: its only queue's own."""
    return min(pool.node_count, sum(queue.nodes.get(pool.name, 0) for queue in queues))


def _unused(queues: Sequence[QueuePlan], pools: Sequence[NodePoolPlan]) -> Iterator[str]:
    for pool in pools:
        if share(queues, pool) and pool.node_count < pool.max_count:
            yield (
                f"cluster.nodePools.{pool.name}: may have {pool.max_count} nodes, and Slurm never asks for more than "
                f"the {pool.node_count} of count, on which its daemons run; raise count for more"
            )


def _foreign_chips(pool: NodePoolPlan) -> Iterator[Problem]:
    chip = pool.machine.accelerator
    if chip and chip.vendor not in VENDORS:
        message = (
            f"slurmd's image finds NVIDIA's chips alone, and those of {pool.machine.name} are of {chip.vendor}; "
            "choose scheduler.kind kueue, volcano or kai"
        )
        yield Problem(path=f"cluster.nodePools.{pool.name}.machineType", message=message)


def _without_nodes(spec: SchedulerSpec, pool: NodePoolPlan) -> Iterator[Problem]:
    """A pool that Slurm is promised and that has nodes only when pods wait for them: its daemons are such pods, and
    none is made for a pool without nodes."""
    for queue in spec.queues:
        if pool.node_count == 0 and queue.nodes and queue.nodes.get(pool.name):
            message = (
                f"{queue.nodes[pool.name]} nodes of {pool.name!r} are promised, and Slurm's daemons run on nodes that "
                "are there, while that pool has none before jobs wait (count: 0); choose another pool, or "
                "scheduler.kind kueue, whose jobs start machines"
            )
            yield Problem(path=f"scheduler.queues.{queue.name}.nodes.{pool.name}", message=message)


def _node_set(pool: NodePoolPlan, nodes: int) -> Manifest:
    template, slurmd = _bound(pool)
    metadata = {"name": pool.name, "namespace": SLURM_NAMESPACE, "labels": dict(OWN_LABELS)}
    spec = {
        "controllerRef": {"name": CONTROLLER},
        "replicas": nodes,
        "slurmd": slurmd,
        "template": template,
        "extraConf": " ".join(_node_conf(pool)),
        "workloadDisruptionProtection": True,
        "partition": {"enabled": True, "config": "State=UP MaxTime=UNLIMITED"},
    }
    return {"apiVersion": "slinky.slurm.net/v1beta1", "kind": "NodeSet", "metadata": metadata, "spec": spec}


def _bound(pool: NodePoolPlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pod template and slurmd's container: a NodeSet has them apart, and joins them by itself."""
    memory = {"memory": f"{math.floor(pool.room.memory_gib * 1024)}Mi"}
    slurmd = {
        "name": "slurmd",
        "image": SLURMD,
        "resources": {"requests": memory, "limits": memory},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108  # ranks and loaders share memory there
    }
    shm = {"name": "shm", "emptyDir": {"medium": "Memory"}}
    template = bind({"spec": {"containers": [slurmd], "volumes": [shm]}}, pool.binding, container="slurmd")
    (container,) = template["spec"].pop("containers")
    del container["name"]
    return template, container


def _node_conf(pool: NodePoolPlan) -> list[str]:
    gpus = [f"Gres=gpu:{pool.machine.accelerator_count}"] if pool.machine.accelerator_count else []
    return [f"MemSpecLimit={_DAEMON_MIB}", *gpus]
