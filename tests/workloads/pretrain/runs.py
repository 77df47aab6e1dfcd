"""Jobs, and what a test asks about them."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workloads.pretrain.folder import json_lines

REPOSITORY = Path(__file__).parents[3]
PATIENCE_S = 240.0
STEPS = 90
EVERY = 10

TRAINING: Mapping[str, object] = {
    "nodes": 1,
    "minNodes": 1,
    "ranksPerNode": 2,
    "precision": "fp32",
    "parallel": {"sharding": "ddp"},
    "steps": STEPS,
    "model": {"layers": 2, "width": 32, "heads": 2, "kvHeads": 1, "vocabulary": 384, "context": 32},
    "data": {"validationShare": 0.05},
    "batch": {"sequences": 8, "microSequences": 2},
    "optimizer": {"warmupSteps": 5},
    "checkpoint": {"everySteps": EVERY, "keep": 3},
    "evaluateEverySteps": 45,
}


@dataclass(frozen=True)
class Run:
    """A run's folder, read as a user would."""

    folder: Path

    @property
    def job(self) -> Path:
        return self.folder / "job.json"

    @property
    def status(self) -> dict[str, object]:
        with contextlib.suppress(FileNotFoundError):
            content: dict[str, object] = json.loads((self.folder / "status.json").read_text())
            return content
        return {"state": None, "step": 0, "attempt": 0}

    @property
    def step(self) -> int:
        """The last step in the metrics, which are written at every step."""
        return max((int(str(line["step"])) for line in self.lines if "loss" in line), default=0)

    @property
    def lines(self) -> list[dict[str, object]]:
        return json_lines(self.folder / "metrics.jsonl")

    @property
    def losses(self) -> dict[int, float]:
        """Step -> loss; of a step done twice, the last time."""
        return {int(str(line["step"])): float(str(line["loss"])) for line in self.lines if "loss" in line}

    @property
    def digest(self) -> str:
        """Of the exported model: equal weights, equal digest."""
        return str(json.loads((self.export / "manifest.json").read_text())["digest"])

    @property
    def export(self) -> Path:
        return max(self.folder.glob("export/step-*"))

    @property
    def checkpoints(self) -> list[Path]:
        """Oldest first."""
        return sorted(self.folder.glob("checkpoints/step-*"))

    @property
    def workers(self) -> dict[int, int]:
        """Rank -> pid."""
        content = json.loads((self.folder / "workers.json").read_text())
        return {worker["rank"]: worker["pid"] for worker in content["workers"]}

    def log(self, rank: int, attempt: int = 1) -> str:
        return (self.folder / "logs" / f"attempt-{attempt}" / f"rank-{rank}.log").read_text()

    def change(self, **training: object) -> None:
        """Other values in the job file; a mapping is merged one level deep."""
        job = json.loads(self.job.read_text())
        for key, value in training.items():
            old = job["training"].get(key)
            job["training"][key] = old | value if isinstance(old, dict) and isinstance(value, dict) else value
        self.job.write_text(json.dumps(job))

    def wait_until(self, condition: Callable[["Run"], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition(self):
            assert time.monotonic() < deadline, self.status
            time.sleep(0.005)


class AgentHost:
    """One agent process, warm, for one job after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, run: Run, worker: str | None = None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"job": str(run.job), "worker": worker}) + "\n")
        self._process.stdin.flush()

    def wait(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def run(self, run: Run, worker: str | None = None) -> int:
        self.start(run, worker)
        return self.wait()

    def stop(self) -> int:
        """SIGTERM, as a scheduler sends it."""
        os.kill(self._process.pid, signal.SIGTERM)
        return self.wait()


def make_run(folder: Path, texts: Path, **training: object) -> Run:
    """A job file for a tiny model on the texts."""
    run = Run(folder)
    data = {"text": {"files": str(texts)}, "validationShare": 0.05}
    job = {"training": {**TRAINING, "data": data}, "runFolder": str(folder), "device": "cpu", "stopS": 20.0}
    run.job.write_text(json.dumps(job))
    run.change(**training)
    return run
