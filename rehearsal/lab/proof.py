"""What a stack must have done on the lab after `up`: trained to its end, kept a checkpoint, answered a request."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.types import JobPlan, ServicePlan, StackPlan
from providers.existing.api import ApiError, KubernetesApi, UnreachableError
from workloads.pretrain.folder import RunFolder

FINISHES_S = 900.0
ANSWERS_S = 180.0
POLL_S = 0.5
PROMPT = "def main("

Say = Callable[[str], None]

_DONE: Mapping[str, tuple[tuple[str, ...], frozenset[str], frozenset[str]]] = {
    "RayJob": (("status", "jobStatus"), frozenset({"SUCCEEDED"}), frozenset({"FAILED", "STOPPED"})),
    "Job/batch.volcano.sh": (
        ("status", "state", "phase"),
        frozenset({"Completed"}),
        frozenset({"Failed", "Aborted", "Terminated"}),
    ),
}
"""Kinds that say by a word where they stand: where the word is, and which ones mean success and failure."""


class ProofError(Exception):
    """What the stack did not do, in one sentence."""


def prove(api: KubernetesApi, plan: StackPlan, on_host: Callable[[str], Path], say: Say) -> tuple[str, ...]:
    """What was seen, a line each. ProofError names the first thing that did not happen.

    `on_host` gives the folder of this machine in which a path of the volume lies.
    """
    seen: list[str] = []
    if plan.training:
        seen += _trained(api, plan.training, plan.job[-1], on_host, say)
    if plan.inference:
        seen += _answers(api, plan.inference, say)
    return tuple(seen)


def _trained(
    api: KubernetesApi, job: JobPlan, manifest: Manifest, on_host: Callable[[str], Path], say: Say
) -> Iterator[str]:
    folder = RunFolder(on_host(job.run_folder))
    _wait_finished(api, manifest, folder, say)
    status = json.loads(folder.status.read_text())
    checkpoints = sorted(path.name for path in folder.checkpoints.glob("step-*"))
    if not checkpoints:
        raise ProofError(f"training {job.name} finished and left no checkpoint in {job.run_folder}")
    ranks = job.nodes * job.ranks_per_node
    if status["worldSize"] != ranks:
        raise ProofError(f"training {job.name} ran with {status['worldSize']} ranks, not {ranks}")
    yield f"{manifest['kind']} {manifest['metadata']['name']}: {job.nodes} nodes x {job.ranks_per_node} ranks"
    yield f"loss {status['loss']:.3f} at step {status['step']}, checkpoint {checkpoints[-1]} on the volume"


def _wait_finished(api: KubernetesApi, manifest: Manifest, folder: RunFolder, say: Say) -> None:
    name, until = manifest["metadata"]["name"], time.monotonic() + FINISHES_S
    while (state := job_state(api, manifest)) is None:
        if time.monotonic() > until:
            raise ProofError(f"{manifest['kind']} {name} has not finished after {FINISHES_S:.0f} s")
        say(_progress(folder, name))
        time.sleep(POLL_S)
    if not state:
        raise ProofError(f"{manifest['kind']} {name} failed; see its pods' logs in the lab's folder")


def job_state(api: KubernetesApi, manifest: Manifest) -> bool | None:
    """Whether the job has succeeded; None while it waits or runs."""
    metadata = manifest["metadata"]
    found = api.get(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata["namespace"])
    if found is None:
        raise ProofError(f"{manifest['kind']} {metadata['name']} is not there")
    group = manifest["apiVersion"].partition("/")[0]
    for key in (manifest["kind"], f"{manifest['kind']}/{group}"):
        if key in _DONE:
            return _by_word(found, *_DONE[key])
    return _by_conditions(found)


def _by_word(found: Mapping[str, Any], path: tuple[str, ...], good: frozenset[str], bad: frozenset[str]) -> bool | None:
    value: Any = found
    for key in path:
        value = value.get(key, {}) if isinstance(value, Mapping) else {}
    return True if value in good else False if value in bad else None


def _by_conditions(found: Mapping[str, Any]) -> bool | None:
    conditions = found.get("status", {}).get("conditions", ())
    true = {row["type"] for row in conditions if row["status"] == "True"}
    if true & {"Completed", "Complete", "Succeeded"}:
        return True
    return False if "Failed" in true else None


def _progress(folder: RunFolder, name: str) -> str:
    try:
        status = json.loads(folder.status.read_text())
    except (OSError, ValueError):
        return f"{name}: waiting for its pods"
    return f"{name}: step {status['step']} of {status['steps']}, {status['state']}"


def _answers(api: KubernetesApi, service: ServicePlan, say: Say) -> Iterator[str]:
    """A completion through the Service's address, by way of the API server."""
    port = service.ports[0]
    path = f"/api/v1/namespaces/{NAMESPACE}/services/http:{service.name}:{port}/proxy/v1/completions"
    body = {"model": service.name, "prompt": PROMPT, "max_tokens": 16, "temperature": 0}
    until = time.monotonic() + ANSWERS_S
    while True:
        try:
            answer = api.call("POST", path, body=body)
            break
        except (ApiError, UnreachableError) as error:
            if time.monotonic() > until:
                raise ProofError(f"service {service.name} does not answer after {ANSWERS_S:.0f} s: {error}") from None
            say(f"{service.name}: waiting until it answers")
            time.sleep(POLL_S)
    tokens = answer["usage"]["completion_tokens"]
    if not tokens:
        raise ProofError(f"service {service.name} answered without a token: {answer}")
    yield f"service {service.name} answered {tokens} tokens through its Service"
