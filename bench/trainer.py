"""The trainer against a bare torch loop of the same model, and a lost worker against a fresh start.

Both train the default model on two ranks with one thread each, one after the other, several times.
"""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure
from components.spec.training import CheckpointSpec, ModelSpec, ParallelSpec, Precision, Sharding, TrainingSpec
from workloads.prepare.linking import prepare_run
from workloads.pretrain.config import Device, JobFile
from workloads.pretrain.folder import json_lines

CHECKOUT = Path(__file__).parent.parent
RANKS = 2
STEPS = 40
SAVE_EVERY_STEPS = 10
ROUNDS = 3
WARM_UP_STEPS = 5
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Speed:
    """One run of either."""

    step_s: float
    """Median of the steps after the first few."""
    peak_bytes: int
    """Resident memory of rank 0 at its highest."""


def figures(*, model: ModelSpec | None = None, steps: int = STEPS, rounds: int = ROUNDS) -> list[Figure]:
    """Speed, memory, checkpoints and restart of the trainer, with the default model where none is given."""
    model = model or ModelSpec()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _agent(_write_job(folder / "first", model, steps=1)).wait()
        ours, bare, stalls = [], [], []
        for number in range(rounds):
            job = _write_job(folder / f"run-{number}", model, steps=steps)
            ours.append(_train(job))
            bare.append(_train_bare(job, steps))
            stalls.append(_stall_share(job.parent, ours[-1].step_s, steps))
        kill_s, start_s = [], []
        for number in range(rounds):
            job = _write_job(folder / f"kill-{number}", model, steps=10_000)
            kill_s.append(_kill_to_training_s(job))
            start_s.append(_start_bare_s(job))
    return [*_speed(ours, bare), _stall(stalls), _restart(kill_s, start_s)]


def _speed(ours: Sequence[Speed], bare: Sequence[Speed]) -> list[Figure]:
    our_s, bare_s = (statistics.median(speed.step_s for speed in speeds) for speeds in (ours, bare))
    our_peak, bare_peak = (statistics.median(speed.peak_bytes for speed in speeds) for speeds in (ours, bare))
    return [
        Figure(
            what="tokens/s of the trainer / of a bare loop",
            value=bare_s / our_s,
            at_least=0.97,
            note=f"{1000 * our_s:.0f} ms a step against {1000 * bare_s:.0f}",
        ),
        Figure(
            what="peak memory of a rank / of the bare loop's",
            value=our_peak / bare_peak,
            at_most=1.15,
            note=f"{our_peak / 2**20:.0f} MiB against {bare_peak / 2**20:.0f}",
        ),
    ]


def _stall(shares: Sequence[float]) -> Figure:
    note = "one checkpoint every 50 steps"
    return Figure(what="steps waiting for checkpoints / run", value=statistics.median(shares), at_most=0.01, note=note)


def _restart(kill_s: Sequence[float], start_s: Sequence[float]) -> Figure:
    ours, bare = statistics.median(kill_s), statistics.median(start_s)
    note = f"{ours:.2f} s against {bare:.2f} s"
    return Figure(what="kill to training again / bare start and rendezvous", value=ours / bare, at_most=1.2, note=note)


def _train(job: Path) -> Speed:
    agent = _agent(job)
    peak = 0
    while agent.poll() is None:
        peak = max(peak, _peak_of_rank_0(job.parent))
        time.sleep(0.2)
    if agent.returncode:
        raise RuntimeError((job.parent / "status.json").read_text())
    steps = [line for line in json_lines(job.parent / "metrics.jsonl") if "loss" in line][WARM_UP_STEPS:]
    training = json.loads(job.read_text())["training"]
    tokens = training["batch"]["sequences"] * training["model"]["context"]
    seconds = [tokens / float(str(line["tokensPerS"])) for line in steps]
    return Speed(statistics.median(seconds), peak)


def _train_bare(job: Path, steps: int) -> Speed:
    result = _bare(job, steps)
    return Speed(statistics.median(result["seconds"][WARM_UP_STEPS:]), result["peakBytes"])


def _stall_share(folder: Path, step_s: float, steps: int) -> float:
    """One stall over the steps between two checkpoints at the default interval; here they are more frequent."""
    metrics = (folder / "metrics.prom").read_text()
    stall_s = float(metrics.split("\npenstock_checkpoint_stall_seconds ")[1].split("\n")[0])
    return stall_s / (steps // SAVE_EVERY_STEPS) / (CheckpointSpec().every_steps * step_s)


def _kill_to_training_s(job: Path) -> float:
    folder = job.parent
    agent = _agent(job)
    _wait_for_training(folder, times=1)
    workers = json.loads((folder / "workers.json").read_text())["workers"]
    killed = time.time()
    os.kill(workers[-1]["pid"], signal.SIGKILL)
    again = _wait_for_training(folder, times=2)
    agent.terminate()
    agent.wait()
    return again - killed


def _wait_for_training(folder: Path, times: int) -> float:
    """Waits until training has begun for the so-manieth time, and returns when that was."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        begun = [line for line in json_lines(folder / "ledger.jsonl") if "reached" in line]
        if len(begun) >= times:
            return float(str(begun[times - 1]["time"]))
        time.sleep(0.02)
    raise TimeoutError((folder / "status.json").read_text())


def _start_bare_s(job: Path) -> float:
    begin = time.time()
    met: float = _bare(job, 0)["met"]
    return met - begin


def _bare(job: Path, steps: int) -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = _environment() | {"WORLD_SIZE": str(RANKS), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, "-m", "bench.trainer_bare", str(job), str(steps)]
    ranks = [
        subprocess.Popen(command, cwd=CHECKOUT, env=environment | {"RANK": str(rank)}, stdout=subprocess.PIPE)
        for rank in range(RANKS)
    ]
    outputs = [rank.communicate()[0] for rank in ranks]
    result: dict[str, Any] = json.loads(outputs[0])
    return result


def _agent(job: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "workloads.pretrain", str(job)], cwd=CHECKOUT, env=_environment())


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def _write_job(folder: Path, model: ModelSpec, steps: int) -> Path:
    """A job whose text is prepared, by the first of them."""
    folder.mkdir()
    training = TrainingSpec(
        model=model,
        steps=steps,
        ranks_per_node=RANKS,
        min_nodes=1,
        precision=Precision.FP32,
        parallel=ParallelSpec(sharding=Sharding.DDP),
        checkpoint=CheckpointSpec(every_steps=SAVE_EVERY_STEPS),
    )
    text = str(folder.parent / "text")
    job = JobFile(training=training, run_folder=str(folder), data_folder=text, device=Device.CPU)
    prepare_run(job, says=False)
    file = folder / "job.json"
    file.write_text(job.model_dump_json(by_alias=True))
    return file


def _peak_of_rank_0(folder: Path) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = json.loads((folder / "workers.json").read_text())["workers"][0]["pid"]
        status = Path(f"/proc/{pid}/status").read_text()
        # A process that has just ended has no such line.
        return 1024 * max((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), default=0)
    return 0
