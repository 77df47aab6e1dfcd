"""The job that makes a run's text into tokens, on processors, before the run is handed in."""

import json
from typing import Any

from components.labels import POOL_LABEL
from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.work import JobPlan, PreparationPlan
from components.pods import config_map
from components.pods.bind import bind
from components.pods.naming import labels, named
from components.pods.template import gib
from components.schedulers.exits import REFUSED

TIMEOUT = "pulumi.com/timeoutSeconds"
LONGEST_S = 48 * 3600
"""Seconds that `pulumi up` waits for it: 3.4 TB of text on 192 cores take about five hours at 1 MB/s a core. Pulumi's
own ten minutes are for jobs that migrate a database."""
ATTEMPTS = 5
"""A lost node costs the parts that were under way, and nothing else."""
CONTAINER = "prepare"


def preparation(job: JobPlan) -> tuple[Manifest, ...]:
    """The preparation's file and its Job, which the run's own objects wait for; nothing where there is nothing to
    prepare. Its name tells its content, and no more of the run than its text: a run that goes on with other steps finds
    it done.
    """
    asked = job.preparation
    if asked is None:
        return ()
    return named(job, lambda name: (_file(job, asked, f"{name}-text"), _job(job, asked, f"{name}-text")))


def _file(job: JobPlan, asked: PreparationPlan, name: str) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": _labels(job)}
    data = {config_map.FILE: json.dumps(asked.config, sort_keys=True, indent=1)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": data}


def _labels(job: JobPlan) -> dict[str, str]:
    """As the run's, but for the pool: its pods are elsewhere."""
    return {key: value for key, value in labels(job).items() if key != POOL_LABEL}


def _job(job: JobPlan, asked: PreparationPlan, name: str) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": _labels(job),
            "annotations": {TIMEOUT: str(LONGEST_S)},
        },
        "spec": {
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": ATTEMPTS,
            "podFailurePolicy": {
                "rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [REFUSED]}}]
            },
            "template": bind(_pod(job, asked, name), asked.binding, container=CONTAINER),
        },
    }


def _pod(job: JobPlan, asked: PreparationPlan, name: str) -> dict[str, Any]:
    memory = {"memory": gib(asked.memory_gib)}
    container = {
        "name": CONTAINER,
        "image": job.image,
        "command": ["python", "-m", "workloads.prepare", f"{config_map.FOLDER}/{config_map.FILE}"],
        "resources": {"requests": {"cpu": f"{round(asked.cpu * 1000)}m", **memory}, "limits": memory},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [config_map.mount(), {"name": job.claim, "mountPath": job.mount_path}],
    }
    return {
        "metadata": {"labels": _labels(job), "annotations": {}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [
                config_map.volume(name),
                {"name": job.claim, "persistentVolumeClaim": {"claimName": job.claim}},
            ],
        },
    }
