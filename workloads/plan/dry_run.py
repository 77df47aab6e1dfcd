"""A step of the bundled trainer on fake tensors, beside a plan: the memory of a rank before anything is paid for."""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from components.errors import PenstockError, Problem, SpecError
from components.estimate.memory import MemoryEstimate, estimate_memory
from components.plan.cluster import NodePoolPlan
from components.plan.work import JobPlan
from components.spec.training import TrainingSpec
from workloads.plan.problems import too_little_memory
from workloads.plan.sizes import GIB, rank_gib

MODULE = "workloads.pretrain.train.dry_run"
TIMEOUT_S = 1800.0


def dry_run(job: JobPlan | None, pools: Sequence[NodePoolPlan]) -> str:
    """Memory that a rank was found to take, in one line; SpecError where its accelerator, or its machine, has less.

    PenstockError where there is nothing to run: no training, or a program that penstock does not know.
    """
    if job is None or job.command:
        what = "a command is not known to it" if job else "this stack trains nothing"
        raise PenstockError(f"--dry-run runs a step of penstock's own trainer, and {what}; leave it out")
    pool = next(pool for pool in pools if pool.name == job.pool)
    training = TrainingSpec.model_validate_json(json.dumps(job.config["training"]))
    estimate = estimate_memory(training)
    found = replace(estimate, state_bytes=tensor_bytes(job), gathered_bytes=0, activation_bytes=0)
    if problem := too_little_memory(training, pool, rank_gib(found, pool)):
        raise SpecError([problem])
    return _line(job, pool, found, estimate)


def tensor_bytes(job: JobPlan) -> int:
    """Bytes of tensors of rank 0 at the highest moment of a step, by the trainer's own code in another process."""
    if importlib.util.find_spec("torch") is None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")  # told with its remedy by the command line
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "job.json"
        file.write_text(json.dumps(job.config))
        command = [sys.executable, "-m", MODULE, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SpecError([Problem(path="training", message=f"its step fails on fake tensors: {said}")])
    return int(json.loads(done.stdout.splitlines()[-1])["peak_bytes"])


def _line(job: JobPlan, pool: NodePoolPlan, found: MemoryEstimate, estimate: MemoryEstimate) -> str:
    chip, ranks = pool.machine.accelerator, job.nodes * job.ranks_per_node
    room = (
        f"{chip.memory_gib:g} GiB of one {chip.name}" if chip else f"{pool.machine.memory_gib:.1f} GiB of the machine"
    )
    return (
        f"dry run: a step of rank 0 of {ranks} on fake tensors takes {found.tensor_bytes / GIB:.2f} GiB at its peak "
        f"(the plan's estimate: {estimate.tensor_bytes / GIB:.2f}); with what lies beside them "
        f"{rank_gib(found, pool):.2f} GiB, of {room}"
    )
