"""One rank: from a fresh process to the trained model."""

import logging
import os
import signal
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Final

import torch
import torch.distributed as dist
from prometheus_client import CollectorRegistry

from components.errors import SpecError
from workloads.pretrain.config import Device, JobFile, read_job
from workloads.pretrain.data.tokens import open_data
from workloads.pretrain.exits import ExitCode, die_with_parent
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.record.journal import Journal
from workloads.pretrain.record.ledger import EventKind
from workloads.pretrain.record.metrics import listener, serve
from workloads.pretrain.record.plot import plot_run
from workloads.pretrain.record.status import RunState
from workloads.pretrain.record.trackers import Trackers
from workloads.pretrain.train.export import export_run
from workloads.pretrain.train.trainer import Outcome, Trainer
from workloads.pretrain.train.watch import JOIN_S, MARGIN_S, HangWatch, Limits, RankPhase

CODES: Final = {
    Outcome.FINISHED: ExitCode.FINISHED,
    Outcome.STOPPED: ExitCode.PREEMPTED,
    Outcome.FAILED: ExitCode.GAVE_UP,
}


def main(job_file: str, attempt: str) -> None:
    """The entry of a worker process. Returns when the run is finished; ends the process with a code otherwise.

    At once, in the latter case: the threads of a checkpoint may hang in a collective with ranks that are gone.
    """
    job = read_job(Path(job_file))
    rank = int(os.environ["RANK"])
    _become_worker(RunFolder.of(job).rank_log(int(attempt), rank))
    journal = _journal(job, int(attempt), rank)
    watch = HangWatch(Limits.of(job.training), RunFolder.of(job).rank_log(int(attempt), rank).with_name("nccl-traces"))
    try:
        code = train(job, journal, watch, int(attempt))
    except SpecError as error:
        journal.close(RunState.REFUSED, step=None, message=str(error))
        code = ExitCode.REFUSED
    except BaseException:  # whatever it is, it belongs into this rank's log
        traceback.print_exc()
        code = ExitCode.FAILED
    if code is not ExitCode.FINISHED:
        sys.stderr.flush()
        os._exit(code)


def _journal(job: JobFile, attempt: int, rank: int) -> Journal:
    """The run's own, with its metrics, in rank 0; the first rank of another pod answers Prometheus with no values.

    Each pod so has somebody at the port that its template names, and none counts as down.
    """
    at = listener(job.metrics_port) if int(os.environ["LOCAL_RANK"]) == 0 else None
    if rank != 0 and job.metrics_port is not None:
        serve(CollectorRegistry(), at)
    ranks = int(os.environ["WORLD_SIZE"])
    accelerators = ranks if job.device is Device.CUDA else 0
    trackers = Trackers(job) if rank == 0 and job.training.trackers else None
    return Journal(
        RunFolder.of(job), job.training, attempt, rank, ranks,
        metrics_at=at, accelerators=accelerators, trackers=trackers,
    )  # fmt: skip


def train(job: JobFile, journal: Journal, watch: HangWatch, attempt: int) -> ExitCode:
    """Train, export: the whole life of a rank inside its process group."""
    watch.enter(RankPhase.JOIN)
    device = _join(job)
    journal.enter(RunState.STARTING, None)
    watch.enter(RankPhase.RESTORE)
    trainer = Trainer(job, open_data(RunFolder.of(job).data), device, journal, watch)
    trainer.begin()
    outcome = trainer.run()
    step = trainer.progress.step
    match outcome:
        case Outcome.STOPPED:
            journal.close(
                RunState.PREEMPTED, step, f"stopped at step {step}, with a checkpoint; start it again to go on"
            )
        case Outcome.FAILED:
            message = (
                f"failed at step {step}: too many bad batches in a row (guard.maxSkips); lower "
                "optimizer.learningRate, or look at the text"
            )
            journal.close(RunState.FAILED, step, message)
        case Outcome.FINISHED:
            journal.enter(RunState.EXPORTING, EventKind.EXPORT, step)
            watch.enter(RankPhase.EXPORT)
            watch.leave_groups()
            export_run(RunFolder.of(job), trainer.model.module, trainer.progress, trainer.validation_loss, attempt)
            watch.pause()
            if trainer.rank == 0:
                plot_run(RunFolder.of(job).path)
            journal.close(RunState.FINISHED, step, f"trained {step} steps")
            return CODES[outcome]
    # Nobody leaves before rank 0 has written the last word: the agent ends all workers as soon as one has left.
    dist.barrier()
    dist.destroy_process_group()
    return CODES[outcome]


def _become_worker(log_file: Path) -> None:
    """Output into the rank's own log, signals as a fresh process has them, and no life after the agent's."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    die_with_parent()


def _join(job: JobFile) -> torch.device:
    """This rank's device, with the process group up."""
    timeout = timedelta(seconds=JOIN_S + MARGIN_S)
    if job.device is Device.CPU:
        dist.init_process_group("gloo", timeout=timeout)
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    # gloo beside NCCL: checkpoints are planned and written on the CPU.
    dist.init_process_group("cpu:gloo,cuda:nccl", timeout=timeout, device_id=device)
    return device
