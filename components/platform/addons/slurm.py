"""Slurm itself, as Slinky's chart makes it: a controller, a REST API, and a set of nodes for each pool."""

from typing import Any

from components.plan.kubernetes import AddonPlan, Concern
from components.plan.types import NodePoolPlan
from components.platform.request import NEURON, NVIDIA, Request, Verdict, off, on, release
from components.platform.values import merged
from components.platform.versions import versions

NAME = "slurm"
DOES = (Concern.QUEUES,)
_GRES = {NVIDIA: "gpu", NEURON: "neuron"}


def verdict(request: Request) -> Verdict:
    if NAME not in request.scheduler_addons:
        return off("the scheduler does without it")
    return on("the scheduler is Slurm")


def plan(request: Request) -> AddonPlan:
    """Without accounting, which needs a database from outside, and without log-in nodes, which are open to the world
    by the chart's default.
    """
    values: dict[str, Any] = {
        "accounting": {"enabled": False},
        "controller": {"extraConfMap": {"ReturnToService": 1}},
        "loginsets": {},
        "nodesets": {pool.name: _node_set(pool) for pool in request.pools},
    }
    if selector := dict(request.facts.system_selector):
        values = merged(values, {"controller": {"podSpec": {"nodeSelector": selector}}})
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
        needs=("slurm-operator",),
        does=DOES,
        reason="",
    )


def _node_set(pool: NodePoolPlan) -> dict[str, Any]:
    """One slurmd on each node of the pool, with all the devices that the node has."""
    devices = {name: str(count) for name, count in pool.binding.devices.items()}
    gres = ",".join(f"{_GRES[name]}:{count}" for name, count in pool.binding.devices.items() if name in _GRES)
    return {
        "enabled": True,
        "replicas": pool.node_count,
        "slurmd": {"resources": {"limits": devices, "requests": devices}},
        "extraConfMap": {"Gres": gres} if gres else {},
        "partition": {"enabled": True, "configMap": {"State": "UP", "MaxTime": "UNLIMITED"}},
        "podSpec": {
            "nodeSelector": {"kubernetes.io/os": "linux", **pool.binding.node_selector},
            "tolerations": [
                {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect.value}
                for taint in pool.binding.tolerations
            ],
        },
    }
