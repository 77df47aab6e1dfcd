"""One training job on the lab, left alone or hurt in its middle: `python -m rehearsal.campaigns.lab_job --out FILE`.

The job is the bundled one, with the manifests that the stack file `lab` renders; Kueue and JobSet are the real ones.
Equal ranks do equal arithmetic, so a job that went on rightly has, to the last bit, the losses of one left alone.
"""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.stack import StackPlan
from components.spec.stack import StackSpec, parse_stack
from lab.addons import install
from lab.errors import LabError
from lab.lab import Lab, down, up
from lab.node.sandbox import host_name
from lab.programs import programs_for
from lab.proof import job_state
from lab.run import prepares, shape_of_plan
from plugin.local.processes import family
from providers import clouds
from rehearsal.stack_file import settings_in
from stacks.plan import plan_stack
from workloads.pretrain.folder import RunFolder, json_lines

STEPS, CHECKPOINT_EVERY = 240, 40
HURT_AT = 100
"""A step between two checkpoints, so that there is something to be done again."""
ENDS_S = 300.0
NODE_AWAY_S = 25.0
"""Longer than the lab's nodes may be silent."""
POLL_S = 0.1
VOLUME = "trained"
KUEUE, JOBSET = "kueue-system", "jobset-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Result of a job."""

    fault: str
    completed: bool
    seconds: float
    losses: Mapping[int, float]
    """Of every step that counts: the last that was written of it."""
    written: int
    """Lines of steps; more than steps where some were done again."""
    checkpoints: tuple[str, ...]
    attempts: int
    """Times that training began."""

    def as_row(self, quiet: "Trained") -> dict[str, Any]:
        """Beside the job that was left alone."""
        return {
            "fault": self.fault, "completed": self.completed, "seconds": round(self.seconds, 1),
            "steps": len(self.losses), "done again": self.written - len(self.losses), "starts": self.attempts,
            "final loss": self.losses[max(self.losses)], "checkpoint": self.checkpoints[-1],
            "same losses": self.losses == quiet.losses,
        }  # fmt: skip


def plan_of(file: Path, name: str, steps: int = STEPS) -> StackPlan:
    """The stack file's plan, with a job of this name; it is long enough to be hurt if nothing is said."""
    config: dict[str, Any] = settings_in(file)["config"]
    job = config["penstock:training"] | {"name": name, "steps": steps}
    job["checkpoint"] = {"everySteps": CHECKPOINT_EVERY}
    spec: StackSpec = parse_stack(config | {"penstock:training": job}, file.name, clouds())
    return plan_stack(spec, "lab", datetime.now(UTC))


@contextlib.contextmanager
def training_lab(file: Path, home: Path) -> Iterator["TrainingLab"]:
    """A lab with the stack's nodes, controllers, queues and volume, while the block runs."""
    plan = plan_of(file, "first")
    with queued_lab(plan, home, lambda lab: _grounds(plan.cluster.volume.claim, lab)) as (lab, api):
        yield TrainingLab(lab=lab, api=api, file=file, mount_path=plan.cluster.volume.mount_path)


@contextlib.contextmanager
def queued_lab(
    plan: StackPlan, home: Path, grounds: Callable[[Lab], Iterable[Manifest]]
) -> Iterator[tuple[Lab, KubernetesApi]]:
    """A lab with the plan's nodes, controllers and open queues on those grounds, while the block runs."""
    assert plan.inside is not None
    shape, scheduler = shape_of_plan(plan), plan.inside.scheduler
    tools = programs_for(shape)
    lab = up(home, shape, tools, stays=False)
    try:
        install(lab, plan.inside.platform.addons, tools)
        with KubernetesApi(lab.access()) as api:
            for manifest in (*grounds(lab), *scheduler.objects, *scheduler.opening):
                patiently(api, manifest)
            yield lab, api
    finally:
        down(home)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLab:
    """A lab on which jobs train, one after the other."""

    lab: Lab
    api: KubernetesApi
    file: Path
    mount_path: str

    def train(self, name: str, hurts: Sequence[tuple[int, str]] = ()) -> Trained:
        """The job of that name once it has ended, hurt at each of those steps by one of FAULTS.

        Where no step is said it is hurt by the fault of its own name, in its middle.
        """
        plan = plan_of(self.file, name)
        folder, job = self.run_folder(plan), plan.job[-1]
        for manifest in plan.job:
            self.api.apply(manifest, force=True)
            if prepares(manifest) and manifest["kind"] == "Job":
                self._await_text(manifest)
        begin = time.monotonic()
        for step, fault in hurts or ((HURT_AT, name),):
            self._await_step(step, name, folder, job)
            FAULTS[fault](self.lab, self.api, job)
        _until(lambda: self._state(job) is not None, f"the end of {name}, which stands at step {_step(folder)}")
        return _trained(name, bool(self._state(job)), time.monotonic() - begin, folder)

    def _await_text(self, job: Manifest) -> None:
        name = job["metadata"]["name"]
        _until(lambda: self._state(job) is not None, f"the end of {name}")
        if not self._state(job):
            raise LabError(f"{name} has failed; {_last_words(self.lab, job)}")

    def run_folder(self, plan: StackPlan) -> RunFolder:
        """Of the plan's job, on this machine."""
        assert plan.training is not None
        return RunFolder(_volume(self.lab) / Path(plan.training.run_folder).relative_to(self.mount_path))

    def _await_step(self, step: int, name: str, folder: RunFolder, job: Manifest) -> None:
        _until(lambda: _step(folder) >= step or self._state(job) is not None, f"step {step} of {name}")
        if self._state(job) is not None:
            raise LabError(f"{name}: the job has ended before it could be hurt; {_last_words(self.lab, job)}")

    def _state(self, job: Manifest) -> bool | None:
        """None too while the API server is away."""
        with contextlib.suppress(ApiError, UnreachableError):
            return job_state(self.api, job)
        return None


Hurt = Callable[[Lab, KubernetesApi, Manifest], object]


def _kill_rank(lab: Lab, api: KubernetesApi, job: Manifest) -> None:
    """One worker of the second node, as its agent's fork server has made it; the agent lives."""
    agent = processes(lab, _pods(api, job)[1])[0]
    ranks = [one for server in agent.children() for one in server.children()]
    ranks[-1].send_signal(signal.SIGKILL)


def _kill_pod(lab: Lab, api: KubernetesApi, job: Manifest) -> None:
    """The main process of the second node's container."""
    processes(lab, _pods(api, job)[1])[0].send_signal(signal.SIGKILL)


def _kill_node(lab: Lab, api: KubernetesApi, job: Manifest) -> None:
    """The node of the second pod, away for long enough to be noticed."""
    node = _pods(api, job)[1]["spec"]["nodeName"]
    lab.kill_node(node)
    time.sleep(NODE_AWAY_S)
    lab.start_nodes()


def _kill_all_control(lab: Lab, api: KubernetesApi, _job: Manifest) -> None:
    for namespace in (KUEUE, JOBSET):
        kill_controller(lab, api, namespace)
    lab.kill("kube-apiserver")


FAULTS: Mapping[str, Hurt] = {
    "nothing": lambda *_: None,
    "rank": _kill_rank,
    "pod": _kill_pod,
    "kueue": lambda lab, api, _: kill_controller(lab, api, KUEUE),
    "jobset": lambda lab, api, _: kill_controller(lab, api, JOBSET),
    "api-server": lambda lab, *_: lab.kill("kube-apiserver"),
    "control": _kill_all_control,
    "node": _kill_node,
}
"""Processes that are killed in the middle of a job."""


def kill_controller(lab: Lab, api: KubernetesApi, namespace: str) -> None:
    """Kills the process of every pod in there, as a crash would; LabError where none runs."""
    killed = 0
    for pod in api.list("v1", "Pod", namespace):
        for process in processes(lab, pod)[:1]:
            process.send_signal(signal.SIGKILL)
            killed += 1
    if not killed:
        raise LabError(f"no process runs in the namespace {namespace}")


def processes(lab: Lab, pod: Mapping[str, Any]) -> list[psutil.Process]:
    """A pod's processes on this machine, its container's main process first: its host name is in their environment."""
    name, found = host_name(dict(pod)), []
    for member in family(lab.init):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(member.pid)
            if process.environ().get("HOSTNAME") == name:
                found.append(process)
    return found


def _pods(api: KubernetesApi, job: Manifest) -> list[dict[str, Any]]:
    label = f"jobset.sigs.k8s.io/jobset-name={job['metadata']['name']}"
    pods = api.list("v1", "Pod", NAMESPACE, labels=label)
    return sorted(pods, key=lambda pod: str(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]))


def _last_words(lab: Lab, job: Manifest) -> str:
    """The last lines of the logs of a job's pods."""
    logs = sorted(lab.home.nodes.glob(f"pods/*_{job['metadata']['name']}-*/*.log"))
    return (
        "; ".join(f"{log.parent.name}: {log.read_text(errors='replace')[-600:]}" for log in logs) or "no pod has a log"
    )


def _trained(fault: str, completed: bool, seconds: float, folder: RunFolder) -> Trained:
    lines = [line for line in json_lines(folder.metrics) if "loss" in line]
    losses = {int(str(line["step"])): float(str(line["loss"])) for line in lines}
    starts = {line["attempt"] for line in lines}
    return Trained(
        fault=fault, completed=completed, seconds=seconds, losses=losses, written=len(lines), attempts=len(starts),
        checkpoints=tuple(sorted(path.name for path in folder.checkpoints.glob("step-*"))),
    )  # fmt: skip


def _step(folder: RunFolder) -> int:
    """The step that the run stands at."""
    lines = json_lines(folder.metrics)
    return int(str(lines[-1]["step"])) if lines else 0


def _volume(lab: Lab) -> Path:
    return lab.home.folder / VOLUME


def _grounds(claim: str, lab: Lab) -> Iterator[Manifest]:
    """The namespace, and a folder of the lab in the place of the file system."""
    _volume(lab).mkdir()
    size, modes, name = {"storage": "1Gi"}, ["ReadWriteMany"], f"{NAMESPACE}-{claim}"
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    there = {"hostPath": {"path": str(_volume(lab))}, "claimRef": {"namespace": NAMESPACE, "name": claim}}
    spec: dict[str, Any] = {"capacity": size, "accessModes": modes, **there}
    yield {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    asked = {"resources": {"requests": size}, "accessModes": modes, "storageClassName": "", "volumeName": name}
    metadata = {"name": claim, "namespace": NAMESPACE}
    yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": asked}


def patiently(api: KubernetesApi, manifest: Manifest) -> None:
    """Applied; a webhook serves some moments after its pod is ready."""
    until = time.monotonic() + 30
    while True:
        try:
            api.apply(manifest, force=True)
            return
        except ApiError:
            if time.monotonic() > until:
                raise
            time.sleep(1)


def _until(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + ENDS_S
    while not holds():
        if time.monotonic() > until:
            raise LabError(f"not within {ENDS_S:.0f} s: {what}")
        time.sleep(POLL_S)


def main() -> int:
    """Prints a line for each fault; 0 when every job ended as the one left alone did."""
    parser = argparse.ArgumentParser(description="Train on a lab, and kill something in the middle of each job.")
    parser.add_argument("--stack-file", type=Path, default=Path("stacks/Pulumi.lab.yaml"))
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--out", type=Path, required=True, help="the rows, as JSON")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder, training_lab(given.stack_file, Path(folder) / "lab") as lab:
        quiet = lab.train("nothing")
        for fault in given.faults:
            row = (quiet if fault == "nothing" else lab.train(fault)).as_row(quiet)
            rows.append(row)
            print(row, flush=True)
    given.out.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if all(row["completed"] and row["same losses"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
