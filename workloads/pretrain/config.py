"""The job file: everything one training run needs to know, decided and written down before it starts."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from components.errors import PenstockError, Problem, SpecError
from components.spec.base import Spec
from components.spec.explain import read_json
from components.spec.training import Sharding, TrainingSpec


class Device(StrEnum):
    CPU = "cpu"
    CUDA = "cuda"


class JobFile(Spec):
    """Input of `python -m workloads.pretrain`. In `training` nothing is left for the trainer to decide."""

    training: TrainingSpec
    run_folder: str = Field(pattern="^/")
    """Absolute; shared by all nodes of the run."""
    data_folder: str | None = Field(default=None, pattern="^/")
    """Folder of prepared text, which runs share; when left out, one in the run's own folder."""
    device: Device
    stop_s: float = Field(default=30.0, gt=0)
    """Seconds from SIGTERM to SIGKILL: a step, a checkpoint, and a margin have to fit."""
    peak_tflops: float | None = Field(default=None, gt=0)
    """Dense bf16 peak of one accelerator, of which MFU is a share; when left out, a matrix product is measured."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port on which each pod of the job answers Prometheus, on its own address; None where the job's nodes are no pods.
    """


def read_job(path: Path) -> JobFile:
    """The job a file describes; SpecError with all its problems, PenstockError where it cannot be read."""
    try:
        job = read_json(JobFile, path.read_bytes(), str(path))
    except OSError as error:
        remedy = "give a job file; `penstock train --help` says where there is one"
        raise PenstockError(f"{path}: cannot be read ({error.strerror}); {remedy}") from None
    problems = list(_undecided(job.training)) + list(_unfit(job.training))
    if problems:
        raise SpecError(problems, source=str(path))
    return job


def ranks_per_node(training: TrainingSpec) -> int:
    """Worker processes of one node; only for a job that `read_job` accepted."""
    assert training.ranks_per_node is not None
    return training.ranks_per_node


def _undecided(training: TrainingSpec) -> list[Problem]:
    values = {
        "training.ranksPerNode": training.ranks_per_node,
        "training.minNodes": training.min_nodes,
        "training.precision": training.precision,
        "training.parallel.sharding": training.parallel.sharding,
    }
    message = "is left out; a job file decides it, as `penstock plan` does from the stack file"
    return [Problem(path=path, message=message) for path, value in values.items() if value is None]


def _unfit(training: TrainingSpec) -> list[Problem]:
    problems = []
    ranks = training.nodes * (training.ranks_per_node or 1)
    sequences, shard_ranks = training.batch.sequences, training.parallel.shard_ranks
    if sequences < ranks:
        message = f"{sequences} is less than the {ranks} ranks; each needs one sequence a step: raise it, or use fewer"
        problems.append(Problem(path="training.batch.sequences", message=message))
    worlds = [nodes * (training.ranks_per_node or 1) for nodes in range(training.min_nodes or 1, training.nodes + 1)]
    odd = [world for world in worlds if shard_ranks and world % shard_ranks]
    if training.parallel.sharding is Sharding.HSDP and odd:
        message = (
            f"{shard_ranks} does not divide {odd[0]} ranks, to which the run may shrink; groups of one size are needed"
        )
        if odd[0] == ranks:
            message = f"{shard_ranks} does not divide the {ranks} ranks; groups of one size are needed"
        problems.append(Problem(path="training.parallel.shardRanks", message=message))
    return problems
