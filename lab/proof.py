"""Proof of a stack on the lab after `up`: it trained to its end, kept a checkpoint, answered a request.

What belongs to a pool that the acceptance gate keeps shut is told, and not waited for.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.labels import JOB_LABEL, POOL_LABEL, SERVICE_LABEL
from components.plan.kubernetes import NAMESPACE, Manifest
from engine.state import StackState
from workloads.pretrain.folder import RunFolder

FINISHES_S = 900.0
ANSWERS_S = 180.0
POLL_S = 0.5
JOBS = frozenset({"JobSet", "TrainJob", "Job", "RayJob", "MPIJob"})
GATE = "penstock:kubernetes:Gate"
JOB_FILE = "job.json"
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
    """A part of the proof that the stack failed, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """Deployed parts of a stack that are to be proven."""

    job: Manifest | None
    """The object that a queue admits."""
    config: Mapping[str, Any]
    """The job's file."""
    service: Manifest | None
    waiting: tuple[str, ...] = ()
    """In words, what is handed in for pools that the gate keeps shut."""

    @classmethod
    def of(cls, state: StackState) -> Self:
        """The job and the service among the resources of the state, by the labels that all of theirs have. What
        prepares its text is bound to no pool of the job's.
        """
        inputs = [resource.inputs for resource in state.resources if resource.type.startswith("kubernetes:")]
        held = [(one, pool) for one in inputs if (pool := _shut_pool(one, state))]
        names = {one["metadata"]["name"] for one, _ in held}
        inputs = [one for one in inputs if (one.get("metadata") or {}).get("name") not in names]
        own = [one for one in inputs if {JOB_LABEL, POOL_LABEL} <= {*_labels(one)}]
        jobs = [one for one in own if one.get("kind") in JOBS]
        files = [one["data"][JOB_FILE] for one in own if JOB_FILE in (one.get("data") or {})]
        services = [one for one in inputs if one.get("kind") == "Service" and SERVICE_LABEL in _labels(one)]
        config = json.loads(files[0]) if files else {}
        waiting = tuple(f"{one['kind']} {one['metadata']['name']} waits: {pool} is shut" for one, pool in held)
        return cls(
            job=next(iter(jobs), None), config=config, service=next(iter(services), None), waiting=waiting
        )  # fmt: skip


def _shut_pool(body: Mapping[str, Any], state: StackState) -> str:
    """The pool that the job or the servers are for, where the gate keeps it shut; empty where it does not."""
    gates = [one for one in state.resources if one.type == GATE]
    shut = {pool for gate in gates for pool in gate.outputs.get("shut") or ()}
    if body.get("kind") in JOBS and (pool := _labels(body).get(POOL_LABEL)) in shut:
        return str(pool)
    if body.get("kind") != "Deployment" or SERVICE_LABEL not in _labels(body):
        return ""
    wanted = body["spec"]["template"]["spec"].get("nodeSelector") or {}
    pools = (pool for gate in gates for pool in gate.inputs["pools"] if pool["pool"] in shut)
    return next((str(pool["pool"]) for pool in pools if pool["selector"].items() <= wanted.items()), "")


def _labels(body: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = (body.get("metadata") or {}).get("labels") or {}
    return labels


def prove(api: KubernetesApi, deployed: Deployed, on_host: Callable[[str], Path], say: Say) -> tuple[str, ...]:
    """Findings, a line each. ProofError names the first thing that did not happen.

    `on_host` gives the place on this machine of a path of the volume.
    """
    seen = list(deployed.waiting)
    if deployed.job:
        folder = RunFolder(on_host(deployed.config["runFolder"]))
        seen += _trained(api, deployed.job, deployed.config["training"], folder, say)
    if deployed.service:
        seen += _answers(api, deployed.service, say)
    return tuple(seen)


def _trained(
    api: KubernetesApi, job: Manifest, training: Mapping[str, Any], folder: RunFolder, say: Say
) -> Iterator[str]:
    _wait_finished(api, job, folder, say)
    status = json.loads(folder.status.read_text())
    name, nodes, ranks = job["metadata"]["name"], training["nodes"], training["ranksPerNode"]
    if status["step"] != training["steps"]:
        raise ProofError(f"{job['kind']} {name} ended at step {status['step']} of {training['steps']}")
    if status["worldSize"] != nodes * ranks:
        raise ProofError(f"{job['kind']} {name} ran with {status['worldSize']} ranks, not {nodes * ranks}")
    checkpoints = sorted(path.name for path in folder.checkpoints.glob("step-*"))
    if not checkpoints:
        raise ProofError(f"{job['kind']} {name} finished and left no checkpoint in {folder.path}")
    yield f"{job['kind']} {name}: {nodes} nodes x {ranks} ranks trained to step {status['step']}"
    yield f"loss {status['loss']:.3f}, checkpoint {checkpoints[-1]} on the volume"


def _wait_finished(api: KubernetesApi, job: Manifest, folder: RunFolder, say: Say) -> None:
    name, until = job["metadata"]["name"], time.monotonic() + FINISHES_S
    while (state := job_state(api, job)) is None:
        if time.monotonic() > until:
            raise ProofError(f"{job['kind']} {name} has not finished after {FINISHES_S:.0f} s")
        say(_progress(folder, name))
        time.sleep(POLL_S)
    if not state:
        raise ProofError(f"{job['kind']} {name} failed")


def job_state(api: KubernetesApi, manifest: Manifest) -> bool | None:
    """True if the job has succeeded; None while it waits or runs."""
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
        value = value.get(key) if isinstance(value, Mapping) else None
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


def _answers(api: KubernetesApi, service: Manifest, say: Say) -> Iterator[str]:
    """A completion through the Service's address, by way of the API server."""
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]
    root = f"/api/v1/namespaces/{NAMESPACE}/services/http:{name}:{port}/proxy/v1"
    until = time.monotonic() + ANSWERS_S
    while True:
        try:
            model = api.call("GET", f"{root}/models")["data"][0]["id"]
            body = {"model": model, "prompt": PROMPT, "max_tokens": 16, "temperature": 0}
            answer = api.call("POST", f"{root}/completions", body=body)
            break
        except (ApiError, UnreachableError, LookupError) as error:
            if time.monotonic() > until:
                raise ProofError(f"service {name} does not answer after {ANSWERS_S:.0f} s: {error}") from None
            say(f"{name}: waiting until it answers")
            time.sleep(POLL_S)
    if not answer["usage"]["completion_tokens"]:
        raise ProofError(f"service {name} answered without a token: {answer}")
    yield f"service {name} answered {answer['usage']['completion_tokens']} tokens of model {model} through its address"
