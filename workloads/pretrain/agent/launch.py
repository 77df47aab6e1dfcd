"""The agent of a node: starts the workers, watches them, starts them again, and stops them in time.

Around torch's elastic agent, for what its command line does not do (seen on torch 2.15):
- a store of its own for each start of the workers: by default a restarted group meets the addresses of the dead
  (TORCH_DISABLE_SHARE_RDZV_TCP_STORE; pytorch issue 135712)
- an exit code that tells a preemption with a checkpoint from a failure; torchrun's is 1 for both
- no worker survives the agent, also when that is killed
- a request to stop reaches all workers once, and their time to write a checkpoint is ours to choose
- workers are forked from a server that has imported torch already, so a restart takes no imports
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing import forkserver
from pathlib import Path
from types import FrameType

from components.errors import PenstockError, SpecError
from components.stop_request import STOP_SIGNALS
from workloads.prepare.linking import is_prepared
from workloads.pretrain.agent.announce import Announcer
from workloads.pretrain.agent.entry import Worker
from workloads.pretrain.agent.preflight import check_job
from workloads.pretrain.config import Device, JobFile, ranks_per_node, read_job
from workloads.pretrain.exits import ExitCode
from workloads.pretrain.folder import RunFolder, replace_json
from workloads.pretrain.record.ledger import EventKind, Ledger
from workloads.pretrain.record.status import RunState, StatusFile

STOPPED_EARLY = "stopped before the workers were started; start it again to go on"

DESCRIPTION = """Trains a model on this machine, as `pulumi up` does: goes on from the newest
checkpoint in the job's run folder, prints its progress, and exports the model
at the end."""
EXAMPLE = """A job file is the `job` of a plan, and job.json in the folder of every run:

  penstock plan local --json | jq '.job[0].job' > job.json
  penstock train job.json

Exit codes: 0 finished, 75 stopped with a checkpoint (Ctrl-C, SIGTERM), 78 a
problem in the job, 70 not worth starting again, 69 and 71 not on this node
(71: its accelerators fail a check), 1 anything else."""


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """The command `penstock train`."""
    parser = argparse.ArgumentParser(
        prog="penstock train", description=DESCRIPTION, epilog=EXAMPLE, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("job", type=Path, metavar="JOB_FILE", help="what to train, and with how many ranks (JSON)")
    parser.add_argument("--rendezvous", metavar="HOST:PORT", help="where the nodes of a run of several nodes meet")
    parser.add_argument("--address", help="this node's address for the others; default: host name")
    options = parser.parse_args(arguments)
    return launch(options.job, rendezvous=options.rendezvous, address=options.address)


def launch(
    job_file: Path, *, rendezvous: str | None = None, address: str | None = None, worker: Worker | None = None
) -> ExitCode:
    """Run a job on this node to its end; `worker` is the entry of its workers, that of train/worker.py by default.

    A mistake of the user's is told on stderr and in status.json.
    """
    try:
        job = read_job(job_file)
    except PenstockError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.REFUSED
    folder = RunFolder.of(job)
    try:
        check_job(job, rendezvous)
    except SpecError as error:
        _refuse(folder, str(error))
        return ExitCode.REFUSED
    _keep(job_file, folder.job)
    _log_to(folder.logs / "agent.log")
    # The server's imports and this process's own go on at the same time.
    _start_fork_server(job)
    _listen_early(folder)
    if job.training.nodes == 1:
        # Of several nodes, only the one with rank 0 may say so, and none has it yet.
        Ledger(folder.ledger, attempt=0).enter(EventKind.START)
        StatusFile(folder.status).write(
            RunState.STARTING, steps=job.training.steps, message="starting workers", warning=""
        )
    with Announcer(job) as announcer:
        code = _prepare(job_file, job)
        if code is not ExitCode.FINISHED:
            return code
        from workloads.pretrain.agent.elastic import run_agent  # torch takes seconds to import

        code = run_agent(job_file, job, rendezvous=rendezvous, address=address, worker=worker)
    announcer.tell_end(code)
    return code


def _prepare(job_file: Path, job: JobFile) -> ExitCode:
    """The text is there when this returns FINISHED: a process of its own makes it, before any worker is started."""
    if is_prepared(job):
        return ExitCode.FINISHED
    ledger = Ledger(RunFolder.of(job).ledger, attempt=0)
    ledger.enter(EventKind.PREPARE)
    command = [sys.executable, "-m", "workloads.prepare", str(job_file.resolve()), "--with-parent"]
    with subprocess.Popen(command) as preparing:
        try:
            code = preparing.wait()
        finally:  # a request to stop ends this process here
            preparing.kill()
    if code == ExitCode.FINISHED:
        ledger.enter(EventKind.START)
        return ExitCode.FINISHED
    ledger.enter(EventKind.STOPPED)
    return ExitCode.REFUSED if code == ExitCode.REFUSED else ExitCode.FAILED


def _keep(job_file: Path, own: Path) -> None:
    """The job's file in the run's folder too, where what reads a run looks for it; a pod has it from elsewhere."""
    if job_file.resolve() != own.resolve():
        replace_json(own, json.loads(job_file.read_text()))


def _start_fork_server(job: JobFile) -> None:
    """The process that workers are forked from, with everything imported that they need."""
    os.environ.setdefault("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1")
    cores = len(os.sched_getaffinity(0))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // ranks_per_node(job.training))))
    if job.device is Device.CUDA:
        # Pieces of changing sizes leave fewer gaps (PyTorch's notes on CUDA, "Optimizing memory usage").
        os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    forkserver.set_forkserver_preload(["workloads.pretrain.agent.preload"])
    forkserver.ensure_running()


def _listen_early(folder: RunFolder) -> None:
    """A request to stop, before the agent listens for it, ends this process as one without workers ends."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        Ledger(folder.ledger, attempt=0).enter(EventKind.STOPPED)
        StatusFile(folder.status).write(RunState.PREEMPTED, message=STOPPED_EARLY)
        sys.stderr.write(f"{STOPPED_EARLY}\n")
        sys.exit(ExitCode.PREEMPTED)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def _refuse(folder: RunFolder, message: str) -> None:
    sys.stderr.write(f"{message}\n")
    if folder.path.is_dir():
        # A folder that cannot be written, or on a full volume, is what the message is about.
        with contextlib.suppress(OSError):
            StatusFile(folder.status).write(RunState.REFUSED, message=message)


def _log_to(file: Path) -> None:
    """Lines into the file, and penstock's own on stderr too: that is all a scheduler's log has."""
    file.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=file, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    shown = logging.StreamHandler(sys.stderr)
    shown.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    shown.addFilter(logging.Filter(__package__))
    logging.getLogger().addHandler(shown)
