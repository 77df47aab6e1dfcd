"""The pod of one node of a job: everything that reaching accelerators, fabric and data takes."""

import math
from typing import Any

from components.fabric import Fabric
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import TOKEN_KEY
from components.plan.work import JobPlan
from components.pods import config_map
from components.pods.bind import bind
from components.pods.naming import labels

PORT = 29400
"""Port of node 0's store, in which the nodes meet; torch's own default."""

METRICS = "metrics"
"""Name of the port on which a job's pods answer Prometheus."""

LOST_NODE_S = 60
"""Seconds until a pod counts as lost on a node that does not answer. Kubernetes' default is 300, in which a gang of
hundreds of accelerators would stand still; the node itself has been silent for 40 s by then."""

STAYS = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""Annotations by which node autoscalers leave a pod where it is: one that goes takes its whole gang with it
(karpenter.sh, "Disruption"; kubernetes/autoscaler, FAQ). Without a PodDisruptionBudget: that would also hold up the
drain by which the end of a capacity block or of a spot machine reaches a gang in time for a checkpoint."""

_CONTAINER = "node"
"""The name that Kubeflow Trainer asks for."""


def pod_template(job: JobPlan, pool: NodePoolPlan, *, name: str, command: list[str], index: str = "") -> dict[str, Any]:
    """Pod template of one node of the gang, with all of the pool's binding.

    `name` is the job file's, `command` what the container runs, `index` the field that holds the node's number. There
    are no probes: a hung run is found by the trainer's own watchdog, which knows its steps and restarts the workers,
    and nothing is served that could be ready or not.
    """
    unbound = {
        "metadata": {"labels": dict(labels(job)), "annotations": dict(STAYS)},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": math.ceil(job.grace_s),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "tolerations": _lost_node(),
            "containers": [_container(job, pool.fabric, command, index)],
            "volumes": _volumes(job, name),
        },
    }
    return bind(unbound, pool.binding, container=_CONTAINER)


def agent(job: JobPlan, meeting: str) -> list[str]:
    """The command that runs this node's share of the job; `meeting` is the name by which the others find node 0."""
    start = ["python3", f"{config_map.FOLDER}/{config_map.AGENT}"] if job.command else ["python", *job.program]
    command = [*start, f"{config_map.FOLDER}/{config_map.FILE}"]
    if job.nodes == 1:
        return command
    return [*command, "--rendezvous", f"{meeting}:{PORT}", "--address", "$(POD_IP)"]


def gib(amount: float) -> str:
    """As a quantity of whole MiB."""
    return f"{math.ceil(amount * 1024)}Mi"


def _lost_node() -> list[dict[str, Any]]:
    return [
        {
            "key": f"node.kubernetes.io/{condition}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": LOST_NODE_S,
        }
        for condition in ("not-ready", "unreachable")
    ]


def _container(job: JobPlan, fabric: Fabric, command: list[str], index: str) -> dict[str, Any]:
    """One without a limit on cores: a throttled rank holds up the whole gang."""
    memory = {"memory": gib(job.pod_memory_gib)} if job.pod_memory_gib else {}
    cpu = {"cpu": f"{round(job.cpu * 1000)}m"} if job.cpu else {}
    return {
        "name": _CONTAINER,
        "image": job.image,
        "command": command,
        "env": _env(job, index),
        "resources": {"requests": {**cpu, **memory}, "limits": memory},
        "securityContext": _security(fabric),
        **_metrics_port(job),
        "volumeMounts": _mounts(job),
    }


def _metrics_port(job: JobPlan) -> dict[str, Any]:
    """By the name that Prometheus is told to look for (components/platform/addons/kube_prometheus_stack.py)."""
    port = job.config.get("metricsPort")
    return {"ports": [{"name": METRICS, "containerPort": port}]} if port else {}


def _env(job: JobPlan, index: str) -> list[dict[str, Any]]:
    fields = {"POD_IP": "status.podIP", "POD_NAME": "metadata.name", "NODE_NAME": "spec.nodeName"}
    if index:
        fields["NODE_RANK"] = index
    assert not job.env.keys() & fields.keys(), f"{sorted(job.env.keys() & fields.keys())} are the pod's own"
    return [
        *({"name": key, "value": value} for key, value in job.env.items()),
        *({"name": key, "valueFrom": {"secretKeyRef": _secret(name)}} for key, name in job.secrets.items()),
        *({"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}} for key, path in fields.items()),
    ]


def _secret(name: str) -> dict[str, Any]:
    """One that is missing stops no run: what it is for says so."""
    return {"name": name, "key": TOKEN_KEY, "optional": True}


def _security(fabric: Fabric) -> dict[str, Any]:
    """No rights but that of pinning memory, which a fabric's network library registers.

    The user is the image's: capabilities reach only root in a pod, and a file system's root belongs to root.
    """
    capabilities: dict[str, Any] = {"drop": ["ALL"]}
    if not fabric.is_plain:
        capabilities["add"] = ["IPC_LOCK"]
    return {"allowPrivilegeEscalation": False, "capabilities": capabilities}


def _volumes(job: JobPlan, name: str) -> list[dict[str, Any]]:
    volumes = [config_map.volume(name)]
    if job.shm_gib:
        volumes.append({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": gib(job.shm_gib)}})
    if job.claim:
        volumes.append({"name": job.claim, "persistentVolumeClaim": {"claimName": job.claim}})
    return volumes


def _mounts(job: JobPlan) -> list[dict[str, Any]]:
    mounts = [config_map.mount()]
    if job.shm_gib:
        mounts.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108  # ranks and loaders share memory there
    if job.claim:
        mounts.append({"name": job.claim, "mountPath": job.mount_path})
    return mounts
