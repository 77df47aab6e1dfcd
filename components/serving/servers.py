"""The servers of one track: what starts them and keeps their number, and the address that finds them."""

import hashlib
import json
import math

from components.labels import SKIP_AWAIT
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import Manifest
from components.plan.work import ServicePlan
from components.pods.bind import bind, group_share, replica_share
from components.serving.engines.penstock import CONFIG_FILE
from components.serving.naming import (
    GROUP_API,
    GROUP_KIND,
    HTTP,
    PORT,
    follower_labels,
    metadata,
    track_labels,
    track_name,
)
from components.serving.pods import SERVER, follower, pod
from components.spec.inference import EngineKind

ACCELERATORS = "nvidia.com/"
"""Prefixes of the resources that the server can compute on."""

PULL_S = 900
"""Seconds for the image of an engine, ten gigabytes and more, to come to a node."""

TIMEOUT = "pulumi.com/timeoutSeconds"
"""Annotation of the engine's Kubernetes provider: seconds that it waits for an object. Its own default is 600."""

NOT_AWAITED = {SKIP_AWAIT: "true"}
"""The engine would wait for replicas that wait for a model, and give up before a run has made it; or for the first of
a service that is at none."""


def servers(
    service: ServicePlan, pool: NodePoolPlan, track: str, *, model_folder: str, replicas: int | None
) -> tuple[Manifest, ...]:
    """ConfigMap of an engine that has a file, Deployment or LeaderWorkerSet, and Service. `replicas` is None where an
    autoscaler decides."""
    if service.nodes_per_replica > 1:
        groups = _groups(service, pool, track, model=model_folder, replicas=replicas)
        return groups, _service(service, track)
    configs = [_config(service, track, model_folder)] if service.engine is EngineKind.PENSTOCK else []
    config = str(configs[0]["metadata"]["name"]) if configs else ""
    deployment = _deployment(service, pool, track, model=model_folder, config=config, replicas=replicas)
    return *configs, deployment, _service(service, track)


def annotated(service: ServicePlan, name: str) -> dict[str, object]:
    """Metadata of what is not up before the service has its model, or while nobody asks; or takes long."""
    own = metadata(name, service)
    if service.follows_training or (service.autoscaling is not None and service.autoscaling.to_zero):
        return {**own, "annotations": dict(NOT_AWAITED)}
    return {**own, "annotations": {TIMEOUT: str(_deadline_s(service))}} if service.start_s else own


def _deadline_s(service: ServicePlan) -> int:
    """Seconds until a server is ready, with its image still to come."""
    return PULL_S + math.ceil(service.start_s)


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


def _deployment(
    service: ServicePlan, pool: NodePoolPlan, track: str, *, model: str, config: str, replicas: int | None
) -> Manifest:
    template = {
        "metadata": {"labels": dict(track_labels(service, track))},
        "spec": pod(service, pool, track, model=model, config=config),
    }
    spec = {
        "selector": {"matchLabels": dict(track_labels(service, track))},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": _rolling(service, replicas)},
        "revisionHistoryLimit": 3,
        **({"progressDeadlineSeconds": _deadline_s(service)} if service.start_s else {}),
        "template": bind(
            template, replica_share(pool.binding, _devices(service, pool), service.claim), container=SERVER
        ),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": annotated(service, track_name(service, track)),
        "spec": spec if replicas is None else {"replicas": replicas, **spec},
    }


def _groups(service: ServicePlan, pool: NodePoolPlan, track: str, *, model: str, replicas: int | None) -> Manifest:
    """Replicas of several nodes: each node whole and on the fabric, as a job's; one that is lost takes its replica."""
    leader = {
        "metadata": {"labels": dict(track_labels(service, track))},
        "spec": pod(service, pool, track, model=model),
    }
    others = {
        "metadata": {"labels": dict(follower_labels(service, track))},
        "spec": follower(service, pool, model),
    }
    rolling = {"maxUnavailable": 0, "maxSurge": 1} if service.surge else {"maxUnavailable": 1, "maxSurge": 0}
    spec = {
        "rolloutStrategy": {"type": "RollingUpdate", "rollingUpdateConfiguration": rolling},
        "leaderWorkerTemplate": {
            "size": service.nodes_per_replica,
            "restartPolicy": "RecreateGroupOnPodRestart",
            "leaderTemplate": bind(leader, group_share(pool.binding, service.claim), container=SERVER),
            "workerTemplate": bind(others, group_share(pool.binding, service.claim), container=SERVER),
        },
    }
    return {
        "apiVersion": GROUP_API,
        "kind": GROUP_KIND,
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


def _devices(service: ServicePlan, pool: NodePoolPlan) -> dict[str, int]:
    """One replica's share of a node: accelerators as planned, and nothing of the fabric, as it talks to no other."""
    names = [name for name in pool.binding.devices if name.startswith(ACCELERATORS)]
    return {names[0]: service.accelerators} if service.accelerators and names else {}


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
