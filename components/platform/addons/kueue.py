"""Kueue: job queues, with all of a gang's pods admitted and ready together, or none."""

from typing import Any

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.addons.kueue_config import manager_config
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, same_software, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "kueue"
DOES = (Concern.QUEUES,)


CLAIM_GATES = ("KueueDRAIntegration", "KueueDRARejectWorkloadsWhenDRADisabled")
"""Features by which Kueue keeps a job out whose pods claim devices of a class that it has no quota of (0.18, KEP 2941).
Off: a gang has whole nodes, whose devices are counted already."""


RECOVERY_GATE = "FailureRecoveryPolicy"
"""Feature by which Kueue calls a pod failed a minute after it should have ended, where its node is gone and the pod
says that it may (0.18, alpha)."""
PROVISIONING = ("admissionchecks", "provisioningrequestconfigs")
"""Kinds by which nodes are asked for when a job is let in."""


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NAME not in request.scheduler_addons:
        return taken(request, Concern.QUEUES) or off("the scheduler does not use it")
    return same_software(request, Concern.QUEUES, "kueue") or on("the scheduler's queues are Kueue's")


def plan(request: PlatformRequest) -> AddonPlan:
    """2 GiB, as topology-aware scheduling keeps every pod and node in memory (Kueue's own advice)."""
    resources = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    values: dict[str, Any] = {
        "controllerManager": {"manager": {"image": {"pullPolicy": "IfNotPresent"}, "resources": resources}},
        "managerConfig": {"controllerManagerConfigYaml": manager_config(request)},
        "enablePrometheus": request.monitors(),
    }
    gates = dict.fromkeys(CLAIM_GATES, False) if request.has_claims() else {}
    if not all(pool.repaired for pool in request.pools):
        gates[RECOVERY_GATE] = True
    if gates:
        values["controllerManager"]["featureGates"] = [
            {"name": gate, "enabled": enabled} for gate, enabled in gates.items()
        ]
    kinds = (
        "clusterqueues",
        "localqueues",
        "resourceflavors",
        "topologies",
        "workloads",
        "workloadpriorityclasses",
        "cohorts",
        *(PROVISIONING if any(pool.provisioning for pool in request.pools) else ()),
    )
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "controllerManager.nodeSelector"))),
        crds=tuple(f"{kind}.kueue.x-k8s.io" for kind in kinds),
        webhooks=("kueue-system/kueue-webhook-service",),
        needs=(*(name for name in request.scheduler_addons if name == "jobset"), *request.monitoring()),
        does=DOES,
    )
