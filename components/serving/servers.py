"""The servers of one track: their configuration, their pods, and the address that finds them."""

import hashlib
import json
import math
from typing import Any

from components.labels import SKIP_AWAIT
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import Manifest
from components.plan.work import ServicePlan
from components.pods.bind import bind, replica_share
from components.pods.template import gib
from components.serving.naming import HTTP, PORT, metadata, track_labels, track_name

CONFIG_FOLDER, CONFIG_FILE = "/etc/penstock", "serve.json"

FORGET_S = 5
"""Seconds from the word to go until the server hears it: so long it still answers, while every proxy that knows its
address forgets it."""
LEAVE_S = 10
"""Seconds to end what did not finish in time, to flush, and to exit."""

START_S = 600
"""Seconds that the process gets until it answers at all: imports from a cold image. Loading comes after, without limit,
as a server that loads is alive and not ready."""

SERVER = "server"
"""The container that serves."""

ACCELERATORS = "nvidia.com/"
"""Prefixes of the resources that the server can compute on."""

NOT_AWAITED = {SKIP_AWAIT: "true"}
"""The engine would wait for replicas that wait for a model, and give up before a run has made it; or for the first of
a service that is at none."""


def servers(
    service: ServicePlan, pool: NodePoolPlan, track: str, *, model_folder: str, replicas: int | None
) -> tuple[Manifest, Manifest, Manifest]:
    """ConfigMap, Deployment and Service. `replicas` is None where an autoscaler decides."""
    config = _config(service, track, model_folder)
    deployment = _deployment(service, pool, track, config=str(config["metadata"]["name"]), replicas=replicas)
    return config, deployment, _service(service, track)


def annotated(service: ServicePlan, name: str) -> dict[str, object]:
    """Metadata of what is not up before the service has its model, or while nobody asks."""
    own = metadata(name, service)
    may_be_down = service.follows_training or (service.autoscaling is not None and service.autoscaling.to_zero)
    return {**own, "annotations": dict(NOT_AWAITED)} if may_be_down else own


def _config(service: ServicePlan, track: str, model_folder: str) -> Manifest:
    """Named after its content, so that other content is another start of the servers."""
    waits = service.follows_training and model_folder == service.model_folder
    content = {**service.config, "modelFolder": model_folder, "port": service.ports[0], "waitForModel": waits}
    text = json.dumps(content, sort_keys=True, indent=1)
    name = f"{track_name(service, track)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(name, service),
        "immutable": True,
        "data": {CONFIG_FILE: text},
    }


def _deployment(service: ServicePlan, pool: NodePoolPlan, track: str, *, config: str, replicas: int | None) -> Manifest:
    spec = {
        "selector": {"matchLabels": dict(track_labels(service, track))},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": _rolling(service, replicas)},
        "revisionHistoryLimit": 3,
        "template": bind(
            {"metadata": {"labels": dict(track_labels(service, track))}, "spec": _pod(service, pool, track, config)},
            replica_share(pool.binding, _devices(service, pool)),
            container=SERVER,
        ),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": annotated(service, track_name(service, track)),
        "spec": spec if replicas is None else {"replicas": replicas, **spec},
    }


def _rolling(service: ServicePlan, replicas: int | None) -> dict[str, int | str]:
    """A new replica is ready before an old one goes, or where there is no room for both, the old one goes first.

    Where an autoscaler decides, there is no room at its most alone: the share that may be missing is rounded down
    (Kubernetes, Deployments), so that it is none of few replicas, and one of the most.
    """
    if service.surge:
        return {"maxUnavailable": 0, "maxSurge": 1}
    if replicas is None and service.autoscaling and service.autoscaling.max_replicas > 1:
        return {"maxUnavailable": f"{math.ceil(100 / service.autoscaling.max_replicas)}%", "maxSurge": 1}
    return {"maxUnavailable": 1, "maxSurge": 0}


def _pod(service: ServicePlan, pool: NodePoolPlan, track: str, config: str) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": FORGET_S + math.ceil(service.drain_s) + LEAVE_S,
        "topologySpreadConstraints": _apart(service, pool, track),
        "containers": [_container(service)],
        "volumes": [
            {"name": "config", "configMap": {"name": config}},
            {"name": "model", "persistentVolumeClaim": {"claimName": service.claim, "readOnly": True}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


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


def _container(service: ServicePlan) -> dict[str, Any]:
    return {
        "name": SERVER,
        "image": service.image,
        "command": ["python", *service.program, f"{CONFIG_FOLDER}/{CONFIG_FILE}"],
        "env": [{"name": key, "value": value} for key, value in service.env.items()],
        "ports": [{"name": HTTP, "containerPort": service.ports[0]}],
        "resources": _resources(service),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": FORGET_S}}},
        **_probes(),
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True},
            {"name": "model", "mountPath": service.mount_path, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # the only folder of the container that can be written
        ],
    }


def _probes() -> dict[str, Any]:
    """/health: the process answers, and its engine has not failed; /ready: it has its model and is not draining."""
    health, ready = ({"httpGet": {"path": path, "port": HTTP}} for path in ("/health", "/ready"))
    return {
        "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": START_S // 2},
        "readinessProbe": {**ready, "periodSeconds": 2, "timeoutSeconds": 2},
        "livenessProbe": {**health, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def _devices(service: ServicePlan, pool: NodePoolPlan) -> dict[str, int]:
    """One replica's share of a node: accelerators as planned, and nothing of the fabric, as it talks to no other."""
    names = [name for name in pool.binding.devices if name.startswith(ACCELERATORS)]
    return {names[0]: service.accelerators} if service.accelerators and names else {}


def _resources(service: ServicePlan) -> dict[str, Any]:
    memory = {"memory": gib(service.memory_gib)} if service.memory_gib else {}
    cpu = {"cpu": f"{round(service.cpu * 1000)}m"} if service.cpu else {}
    return {"requests": {**cpu, **memory}, "limits": memory}


def _service(service: ServicePlan, track: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": annotated(service, track_name(service, track)),
        "spec": {
            "type": "ClusterIP",
            "selector": dict(track_labels(service, track)),
            "ports": [{"name": HTTP, "port": PORT, "targetPort": HTTP}],
        },
    }
