"""The pod of one node of a job: everything that reaching accelerators, fabric and data takes."""

import math
from typing import Any

from components.fabric import Fabric
from components.plan.cluster import NodePoolPlan, PodBinding, Taint
from components.plan.work import JobPlan
from components.pods import config_map
from components.pods.naming import labels

PORT = 29400
"""Where node 0 keeps the store in which the nodes meet; torch's own default."""

METRICS = "metrics"
"""Name of the port on which a job's pods answer Prometheus."""

LOST_NODE_S = 60
"""Seconds until a pod counts as lost on a node that does not answer. Kubernetes' default is 300, in which a gang of
hundreds of accelerators would stand still; the node itself has been silent for 40 s by then."""

_CONTAINER = "node"
"""The name that Kubeflow Trainer asks for."""

_PLAIN = (Fabric.HOST, Fabric.ETHERNET)


def pod_template(job: JobPlan, pool: NodePoolPlan, *, name: str, command: list[str], index: str = "") -> dict[str, Any]:
    """Pod template of one node of the gang, with all of the pool's binding.

    `name` is the job file's, `command` what the container runs, `index` the field that holds the node's number. There
    are no probes: a hung run is found by the trainer's own watchdog, which knows its steps and restarts the workers,
    and nothing is served that could be ready or not.
    """
    return {
        "metadata": {"labels": dict(labels(job))},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": math.ceil(job.grace_s),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "nodeSelector": dict(pool.binding.node_selector),
            "tolerations": [*tolerations(pool.binding.tolerations), *_lost_node()],
            "containers": [_container(job, pool, command, index)],
            "volumes": _volumes(job, pool.binding, name),
        },
    }


def agent(job: JobPlan, meeting: str) -> list[str]:
    """The command that runs this node's share of the job; `meeting` is the name by which the others find node 0."""
    command = ["python", *job.program, f"{config_map.FOLDER}/{config_map.FILE}"]
    if job.nodes == 1:
        return command
    return [*command, "--rendezvous", f"{meeting}:{PORT}", "--address", "$(POD_IP)"]


def tolerations(taints: tuple[Taint, ...]) -> list[dict[str, Any]]:
    """Of exactly these taints."""
    return [
        {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": str(taint.effect)} for taint in taints
    ]


def resources(job: JobPlan, binding: PodBinding) -> dict[str, Any]:
    """What one node asks for. Cores are no limit: a throttled rank holds up the whole gang."""
    memory = {"memory": gib(job.pod_memory_gib)} if job.pod_memory_gib else {}
    huge_pages = {"hugepages-2Mi": f"{binding.huge_pages_mib}Mi"} if binding.huge_pages_mib else {}
    devices = {resource: str(count) for resource, count in binding.devices.items()}
    limits = {**memory, **huge_pages, **devices}
    cpu = {"cpu": f"{round(job.cpu * 1000)}m"} if job.cpu else {}
    return {"requests": {**cpu, **limits}, "limits": limits}


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


def _container(job: JobPlan, pool: NodePoolPlan, command: list[str], index: str) -> dict[str, Any]:
    return {
        "name": _CONTAINER,
        "image": job.image,
        "command": command,
        "env": _env(job, pool.binding, index),
        "resources": resources(job, pool.binding),
        "securityContext": _security(pool.fabric),
        **_metrics_port(job),
        "volumeMounts": _mounts(job, pool.binding),
    }


def _metrics_port(job: JobPlan) -> dict[str, Any]:
    """By the name that Prometheus is told to look for (components/platform/addons/kube_prometheus_stack.py)."""
    port = job.config.get("metricsPort")
    return {"ports": [{"name": METRICS, "containerPort": port}]} if port else {}


def _env(job: JobPlan, binding: PodBinding, index: str) -> list[dict[str, Any]]:
    clashes = {key for key in job.env.keys() & binding.env.keys() if job.env[key] != binding.env[key]}
    assert not clashes, f"the job and the pool's binding disagree on {sorted(clashes)}"
    values = {**binding.env, **job.env}
    fields = {"POD_IP": "status.podIP", "POD_NAME": "metadata.name", "NODE_NAME": "spec.nodeName"}
    if index:
        fields["NODE_RANK"] = index
    assert not values.keys() & fields.keys(), f"{sorted(values.keys() & fields.keys())} are the pod's own"
    return [
        *({"name": key, "value": value} for key, value in values.items()),
        *({"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}} for key, path in fields.items()),
    ]


def _security(fabric: Fabric) -> dict[str, Any]:
    """No rights but that of pinning memory, which a fabric's network library registers.

    The user is the image's: capabilities reach only root in a pod, and a file system's root belongs to root.
    """
    capabilities: dict[str, Any] = {"drop": ["ALL"]}
    if fabric not in _PLAIN:
        capabilities["add"] = ["IPC_LOCK"]
    return {"allowPrivilegeEscalation": False, "capabilities": capabilities}


def _volumes(job: JobPlan, binding: PodBinding, name: str) -> list[dict[str, Any]]:
    volumes = [config_map.volume(name)]
    if job.shm_gib:
        volumes.append({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": gib(job.shm_gib)}})
    claims = dict.fromkeys(claim for claim, _path in _places(job, binding))
    return [*volumes, *({"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims)]


def _mounts(job: JobPlan, binding: PodBinding) -> list[dict[str, Any]]:
    mounts = [config_map.mount()]
    if job.shm_gib:
        mounts.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108  # ranks and loaders share memory there
    return [*mounts, *({"name": claim, "mountPath": path} for claim, path in _places(job, binding))]


def _places(job: JobPlan, binding: PodBinding) -> list[tuple[str, str]]:
    """(claim, path) of every file system; the run's own may be one of the pool's."""
    own = [(job.claim, job.mount_path)] if job.claim else []
    places = list(dict.fromkeys([*((mount.volume, mount.path) for mount in binding.mounts), *own]))
    paths = [path for _claim, path in places]
    assert len(set(paths)) == len(paths), f"two file systems at one path: {places}"
    return places
