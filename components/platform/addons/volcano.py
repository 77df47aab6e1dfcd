"""Volcano: a scheduler of gangs, with queues and jobs of its own."""

import yaml

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, same_software
from components.platform.versions import versions

NAME = "volcano"
DOES = (Concern.GANG_SCHEDULER,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NAME not in request.scheduler_addons:
        return off("the scheduler does not use it")
    return same_software(request, Concern.GANG_SCHEDULER, "volcano") or on("the scheduler is Volcano")


def plan(request: PlatformRequest) -> AddonPlan:
    """Its client limits are raised: at the chart's own, binding a thousand pods is most of a minute."""
    selector = dict(request.facts.system_selector)
    small = {"requests": {"cpu": "100m", "memory": "128Mi"}}
    values = {
        "basic": {"image_pull_policy": "IfNotPresent"},
        "custom": {
            "scheduler_config_override": yaml.safe_dump(_scheduler_config(request), sort_keys=False),
            "controller_kube_api_qps": 200,
            "controller_kube_api_burst": 400,
            "scheduler_kube_api_qps": 2000,
            "scheduler_kube_api_burst": 2000,
            "admission_resources": small,
            "controller_resources": small,
            "scheduler_resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
            **({"default_ns": selector} if selector else {}),
        },
    }
    kinds = ("jobs.batch", "podgroups.scheduling", "queues.scheduling", "hypernodes.topology")
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
        crds=tuple(f"{kind}.volcano.sh" for kind in kinds),
        webhooks=("volcano-system/volcano-admission-service",),
        does=DOES,
    )


def _scheduler_config(request: PlatformRequest) -> dict[str, object]:
    """The chart's own lacks `network-topology-aware`, without which a preference for near nodes counts for nothing;
    `reclaim`, without which a queue never gets back what it lent; and `preempt`, without which a priority orders only
    what waits. Queues with nodes of their own are the `capacity` plugin's, which excludes `proportion`: that one knows
    weights alone and passes `deserved` over (docs/user-guide of v1.14.1: capacity plugin, scheduler).

    `gang` protects no gang that is to give back what it was lent: else none ever does, as each has its least running.
    Without `overcommit`, which keeps a job out of the queue, and so from claiming its own, while a cluster is full.
    Both seen under Volcano 1.14.1.
    """
    shares = "capacity" if request.queues_have_nodes else "proportion"
    claims = {"arguments": {"predicate.DynamicResourceAllocationEnable": True}} if request.has_claims() else {}
    return {
        "actions": "enqueue, allocate, preempt, reclaim, backfill",
        "tiers": [
            {
                "plugins": [
                    {"name": "priority"},
                    {"name": "gang", "enablePreemptable": False, "enableReclaimable": False},
                    {"name": "conformance"},
                ]
            },
            {
                "plugins": [
                    {"name": "drf", "enablePreemptable": False},
                    {"name": "predicates", **claims},
                    {"name": shares},
                    {"name": "nodeorder"},
                    {"name": "binpack"},
                    {"name": "network-topology-aware"},
                ]
            },
        ],
    }
