"""The pod of a server: its engine, its model, and the word that it may go."""

import math
from collections.abc import Mapping
from typing import Any

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import TOKEN_KEY
from components.plan.work import ServicePlan
from components.pods.template import gib
from components.serving.engines import ENGINES, ServingEngine
from components.serving.engines.penstock import CONFIG_FOLDER
from components.serving.naming import HTTP, track_labels
from components.spec.inference import EngineKind

FORGET_S = 5
"""Seconds from the word to go until the server hears it: so long it still answers, while every proxy that knows its
address forgets it."""
LEAVE_S = 10
"""Seconds to end what did not finish in time, to flush, and to exit."""

SERVER = "server"
"""The container that serves."""

_TMP = "/tmp"  # noqa: S108  # the only folder of the container that can be written
_AWAITED_FOLDER, _AWAITED = "/model", "/model/newest"
"""A folder for a link to the model that was waited for, and that link."""


def pod(service: ServicePlan, pool: NodePoolPlan, track: str, *, model: str, config: str = "") -> dict[str, Any]:
    """Spec of the pod that answers requests. `model`: its folder or name; `config`: its file, where it has one."""
    engine, waits = ENGINES[service.engine], _waits(service, model)
    command = engine.command(service, _AWAITED if waits else model)
    container = {
        **_container(service, pool, command, config=config, waits=waits),
        "ports": [{"name": HTTP, "containerPort": service.ports[0]}],
        "lifecycle": {"preStop": {"sleep": {"seconds": FORGET_S}}},
        **_probes(engine, service),
    }
    spread = {"topologySpreadConstraints": _apart(service, pool, track)} if service.nodes_per_replica == 1 else {}
    return {**_spec(service, model, config, container), **spread}


def follower(service: ServicePlan, pool: NodePoolPlan, model: str) -> dict[str, Any]:
    """Spec of a pod that computes for the first of its replica, and answers nobody."""
    row, waits = ENGINES[service.engine].follower, _waits(service, model)
    assert row is not None, f"{service.engine} has replicas on one node alone"
    command = row(service, _AWAITED if waits else model)
    return _spec(service, model, "", _container(service, pool, command, waits=waits))


def _waits(service: ServicePlan, model: str) -> bool:
    """True for an engine that cannot wait for the model that is being trained, so that something else does."""
    return service.engine is not EngineKind.PENSTOCK and service.follows_training and model == service.model_folder


def _spec(service: ServicePlan, model: str, config: str, container: Mapping[str, Any]) -> dict[str, Any]:
    first = {"initContainers": [_waiter(service, model)]} if _waits(service, model) else {}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": FORGET_S + math.ceil(service.drain_s) + LEAVE_S,
        **first,
        "containers": [container],
        "volumes": _volumes(service, model, config),
    }


def _volumes(service: ServicePlan, model: str, config: str) -> list[dict[str, Any]]:
    read_only = {} if service.download_folder else {"readOnly": True}
    shm = {"medium": "Memory", "sizeLimit": gib(service.shm_gib)}
    return [
        *([{"name": "config", "configMap": {"name": config}}] if config else []),
        {"name": "model", "persistentVolumeClaim": {"claimName": service.claim, **read_only}},
        {"name": "tmp", "emptyDir": {}},
        *([{"name": "shm", "emptyDir": shm}] if service.shm_gib else []),
        *([{"name": "awaited", "emptyDir": {}}] if _waits(service, model) else []),
    ]


def _container(
    service: ServicePlan, pool: NodePoolPlan, command: list[str], *, config: str = "", waits: bool = False
) -> dict[str, Any]:
    read_only = {} if service.download_folder else {"readOnly": True}
    return {
        "name": SERVER,
        "image": service.image,
        "command": command,
        "env": _env(service),
        "resources": _resources(service),
        "securityContext": _security(service, pool),
        "volumeMounts": [
            *([{"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True}] if config else []),
            {"name": "model", "mountPath": service.mount_path, **read_only},
            {"name": "tmp", "mountPath": _TMP},
            *([{"name": "shm", "mountPath": "/dev/shm"}] if service.shm_gib else []),  # noqa: S108
            *([{"name": "awaited", "mountPath": _AWAITED_FOLDER, "readOnly": True}] if waits else []),
        ],
    }


def _security(service: ServicePlan, pool: NodePoolPlan) -> dict[str, Any]:
    """No rights; but a replica on several nodes registers memory with the fabric, as a job does."""
    capabilities: dict[str, Any] = {"drop": ["ALL"]}
    if service.nodes_per_replica > 1 and not pool.fabric.is_plain:
        capabilities["add"] = ["IPC_LOCK"]
    return {"allowPrivilegeEscalation": False, "capabilities": capabilities, "readOnlyRootFilesystem": True}


def _env(service: ServicePlan) -> list[dict[str, Any]]:
    """The engine's own caches go below /tmp, as the rest of the image cannot be written; what is fetched goes to the
    volume, where the next server finds it, and nothing is fetched that lies there."""
    rows = {**service.env, **ENGINES[service.engine].env}
    if service.engine is EngineKind.PENSTOCK:
        return [{"name": key, "value": value} for key, value in rows.items()]
    rows["HOME"] = _TMP
    rows |= {"HF_HOME": service.download_folder} if service.download_folder else {"HF_HUB_OFFLINE": "1"}
    env: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in rows.items()]
    if service.token_secret:
        reference = {"secretKeyRef": {"name": service.token_secret, "key": TOKEN_KEY}}
        env.append({"name": "HF_TOKEN", "valueFrom": reference})
    return env


def _waiter(service: ServicePlan, model: str) -> dict[str, Any]:
    """Waits for the run's first export, and links the newest for the engine, which cannot wait."""
    small = {"cpu": "100m", "memory": "512Mi"}
    return {
        "name": "wait-for-model",
        "image": service.waits_with,
        "command": ["python", "-m", "workloads.serve.await_model", model, _AWAITED],
        "resources": {"requests": small, "limits": {"memory": small["memory"]}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "model", "mountPath": service.mount_path, "readOnly": True},
            {"name": "awaited", "mountPath": _AWAITED_FOLDER},
        ],
    }


def _probes(engine: ServingEngine, service: ServicePlan) -> dict[str, Any]:
    """The first: the process answers at all; then whether its engine has failed, and whether requests may come."""
    live, ready = ({"httpGet": {"path": path, "port": HTTP}} for path in (engine.live_path, engine.ready_path))
    start_s = math.ceil(service.start_s) or engine.start_s
    return {
        "startupProbe": {**live, "periodSeconds": 2, "failureThreshold": start_s // 2},
        "readinessProbe": {**ready, "periodSeconds": 2, "timeoutSeconds": 2},
        "livenessProbe": {**live, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def _resources(service: ServicePlan) -> dict[str, Any]:
    memory = {"memory": gib(service.memory_gib)} if service.memory_gib else {}
    cpu = {"cpu": f"{round(service.cpu * 1000)}m"} if service.cpu else {}
    return {"requests": {**cpu, **memory}, "limits": memory}


def _apart(service: ServicePlan, pool: NodePoolPlan, track: str) -> list[dict[str, Any]]:
    """On as many nodes and in as many of the widest domains as there are: one failure takes few replicas."""
    keys = (*pool.binding.topology_keys[:1], "kubernetes.io/hostname")
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(track_labels(service, track))},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in keys
    ]
