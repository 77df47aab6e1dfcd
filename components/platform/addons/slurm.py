"""Slurm itself, as Slinky's chart makes it: a controller and a REST API. Its nodes are the scheduler's own objects."""

from typing import Any

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release
from components.platform.values import merged
from components.platform.versions import versions

NAME = "slurm"
DOES = (Concern.QUEUES,)
PLUGINS = "include /usr/share/pyxis/*\n"
"""Plugin by which a step runs in a container image. A pattern, as the controller's image lacks it and would not start
by a name (slurm-operator, docs/usage/pyxis.md).
"""


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NAME not in request.scheduler_addons:
        return off("the scheduler does not use it")
    return on("the scheduler is Slurm")


def plan(request: PlatformRequest) -> AddonPlan:
    """Without accounting, which needs a database from outside, and without log-in nodes, which are open to the world
    by the chart's default: jobs are handed in from a node's pod. A node that comes back after it was down is let in
    again by whoever put it out.
    """
    gpus = request.has_accelerators()
    values: dict[str, Any] = {
        "accounting": {"enabled": False},
        "configFiles": {**({"gres.conf": "AutoDetect=nvidia\n"} if gpus else {}), "plugstack.conf": PLUGINS},
        "controller": {"extraConfMap": {"ReturnToService": 1, **({"GresTypes": "gpu"} if gpus else {})}},
        "loginsets": {},
        "nodesets": {},
    }
    if selector := dict(request.facts.system_selector):
        values = merged(values, {"controller": {"podSpec": {"nodeSelector": selector}}})
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
        needs=("slurm-operator",),
        does=DOES,
    )
