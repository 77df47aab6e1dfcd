"""The job's file, as the pods of a job find it."""

import json
from pathlib import Path
from typing import Any

from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.work import JobPlan
from components.pods.naming import labels

FOLDER = "/etc/penstock"
FILE = "job.json"
AGENT = "agent.py"
"""Of a program of the user's own: its image has none."""


def job_file(job: JobPlan, name: str) -> Manifest:
    """A ConfigMap with the job's file, and with the agent of a command, which its image does not have."""
    agent = {AGENT: Path(__file__).with_name("command_agent.py").read_text()} if job.command else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels(job))},
        "immutable": True,
        "data": {FILE: json.dumps(job.config, sort_keys=True, indent=1), **agent},
    }


def volume(name: str) -> dict[str, Any]:
    return {"name": "job-file", "configMap": {"name": name}}


def mount() -> dict[str, Any]:
    return {"name": "job-file", "mountPath": FOLDER, "readOnly": True}
