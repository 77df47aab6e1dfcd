"""Kueue's Configuration. The chart takes it as one text, so that setting a part of it would drop the rest."""

from typing import Any

import yaml

from components.plan.kubernetes import NAMESPACE
from components.platform.request import PlatformRequest

FRAMEWORKS = (
    "batch/job",
    "jobset.x-k8s.io/jobset",
    "trainer.kubeflow.org/trainjob",
    "ray.io/rayjob",
    "ray.io/raycluster",
    "kubeflow.org/mpijob",
)
"""Kinds that a queue may hold. Those whose definition is not on the cluster wait until it is."""

OF_PODS = ("pod", "leaderworkerset.x-k8s.io/leaderworkerset")
"""Held pod by pod. With them no pod of the namespace starts while Kueue is away: its chart has admission fail then."""

UNCOUNTED = ("ephemeral-storage",)
"""Resources that no queue has a quota of, and that would keep a job which asks for them out for ever. Devices of the
fabric are no such: queues count them, and the search for near nodes sees what is counted alone."""


BACKOFF_MAX_S = 300
"""Longest wait of a gang that goes back to its queue."""


def manager_config(request: PlatformRequest) -> str:
    """The text of a config.kueue.x-k8s.io/v1beta2 Configuration.

    Kueue opens each pod of a gang with a request of its own: at the 200 a second of before, the last of 1,024 waits
    three seconds for that alone, beside the burst. An API server sheds what is too much by priority and fairness.
    """
    config: dict[str, Any] = {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": ":8081"},
        "metrics": {"bindAddress": ":8443", "enableClusterQueueResources": True},
        "webhook": {"port": 9443},
        "leaderElection": {"leaderElect": True, "resourceName": "c1f6bfd2.kueue.x-k8s.io"},
        "clientConnection": {"qps": 1000, "burst": 2000},
        "waitForPodsReady": _wait_for_pods_ready(request.start_timeout_s),
        "managedJobsNamespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "integrations": {"frameworks": _frameworks(request)},
        "fairSharing": {"preemptionStrategies": ["LessThanOrEqualToFinalShare", "LessThanInitialShare"]},
        "resources": {"excludeResourcePrefixes": [*UNCOUNTED, *request.facts.uncounted]},
    }
    return yaml.safe_dump(config, sort_keys=False)


def _frameworks(request: PlatformRequest) -> list[str]:
    return [*FRAMEWORKS, *(OF_PODS if request.asked("leader-worker-set").enabled else ())]


def _wait_for_pods_ready(timeout_s: int) -> dict[str, Any]:
    """A gang that is not all ready in time goes back to its queue as a whole, and waits longer each time.

    One that loses a pod later has the same time to get it back. Others are admitted meanwhile. Five minutes at most:
    nodes that have come are paid for while a gang waits; Kueue's own most is an hour.
    """
    return {
        "timeout": f"{timeout_s}s",
        "recoveryTimeout": f"{timeout_s}s",
        "blockAdmission": False,
        "requeuingStrategy": {"timestamp": "Eviction", "backoffBaseSeconds": 60, "backoffMaxSeconds": BACKOFF_MAX_S},
    }
