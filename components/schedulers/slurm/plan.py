"""Pools as Slurm partitions of Slinky's NodeSets, down until the acceptance gate has passed."""

from collections.abc import Sequence
from typing import Any

from components.errors import Problem, UnsupportedError
from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import KubernetesFacts, Manifest, SchedulerPlan
from components.pods.bind import bind
from components.pods.template import gib
from components.schedulers.queues import plan_queues, refuse_forbidden
from components.spec.scheduler import SchedulerKind, SchedulerSpec

ADDONS = ("slurm-operator", "slurm")
SLURM_NAMESPACE = "slurm"
CONTROLLER = "slurm"
"""As the chart `slurm` calls it."""

SLURMD = "ghcr.io/slinkyproject/slurmd-pyxis:26.05-ubuntu24.04"
"""Slinky's own, with the plugin that runs a step in a container image."""


def plan(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
    """A partition for each pool; UnsupportedError for several queues, whose shares take Slurm's accounting database."""
    refuse_forbidden(SchedulerKind.SLURM, ADDONS, facts)
    if len(spec.queues) > 1:
        message = (
            f"{len(spec.queues)} queues, but shares of Slurm take its accounting database, which penstock does "
            "not run; use one queue, or kueue, volcano or kai"
        )
        raise UnsupportedError([Problem(path="scheduler.queues", message=message)])
    return SchedulerPlan(
        kind=SchedulerKind.SLURM,
        addons=ADDONS,
        queues=plan_queues(spec, pools),
        objects=tuple(_node_set(pool, "DOWN") for pool in pools),
        opening=tuple(_partial(pool, {"controllerRef": {"name": CONTROLLER}, **_partition("UP")}) for pool in pools),
    )


def _node_set(pool: NodePoolPlan, state: str) -> Manifest:
    template, slurmd = _bound(pool)
    return _partial(
        pool,
        {
            "controllerRef": {"name": CONTROLLER},
            "replicas": pool.node_count,
            "slurmd": slurmd,
            "template": template,
            "extraConf": " ".join(_node_conf(pool)),
            "workloadDisruptionProtection": True,
            **_partition(state),
        },
    )


def _partial(pool: NodePoolPlan, spec: dict[str, Any]) -> Manifest:
    metadata = {
        "name": pool.name,
        "namespace": SLURM_NAMESPACE,
        "labels": dict(OWN_LABELS),
    }
    return {"apiVersion": "slinky.slurm.net/v1beta1", "kind": "NodeSet", "metadata": metadata, "spec": spec}


def _partition(state: str) -> dict[str, Any]:
    return {"partition": {"enabled": True, "config": f"State={state} MaxTime=UNLIMITED"}}


def _bound(pool: NodePoolPlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pod template and slurmd's container: a NodeSet has them apart, and joins them by itself."""
    memory = {"memory": gib(pool.room.memory_gib)}
    slurmd = {"name": "slurmd", "image": SLURMD, "resources": {"requests": memory, "limits": memory}}
    template = bind({"spec": {"containers": [slurmd]}}, pool.binding, container="slurmd")
    (container,) = template["spec"].pop("containers")
    del container["name"]
    return template, container


def _node_conf(pool: NodePoolPlan) -> list[str]:
    gpus = [f"Gres=gpu:{pool.machine.accelerator_count}"] if pool.machine.accelerator_count else []
    return [f"Features={pool.name}", *gpus]
