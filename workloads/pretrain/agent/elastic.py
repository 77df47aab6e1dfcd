"""torch's elastic agent, taught to stop, to tell why its workers ended, and to leave none behind."""

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec, WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.rendezvous import RendezvousError, RendezvousParameters
from torch.distributed.elastic.rendezvous.registry import get_rendezvous_handler
from torch.numa.binding import AffinityMode, NumaOptions

from components.stop_request import STOP_SIGNALS
from workloads.pretrain.agent.entry import Worker, run_worker
from workloads.pretrain.agent.judge import WorkersEnd, judge
from workloads.pretrain.agent.meeting import await_meeting
from workloads.pretrain.agent.node_check import check_node
from workloads.pretrain.config import Device, JobFile, ranks_per_node
from workloads.pretrain.exits import ExitCode
from workloads.pretrain.folder import RunFolder, replace_json
from workloads.pretrain.record.ledger import EventKind, Ledger
from workloads.pretrain.record.status import RunState, StatusFile
from workloads.pretrain.train.watch import hang_of

log = logging.getLogger(__name__)

MONITOR_EVERY_S = 0.05
RENDEZVOUS = {"timeout": 900, "last_call_timeout": 3, "keep_alive_interval": 1, "keep_alive_max_attempt": 3}
"""Seconds: a lost node is noticed after 3; latecomers of an elastic run are waited for as long again."""

LEAVE_S = 10.0
"""Seconds that the other workers get to leave once one has left in order."""

LOOPBACK = "127.0.0.1"
NUMA = NumaOptions(affinity_mode=AffinityMode.NODE, should_fall_back_if_binding_fails=True)
ORDERLY = (ExitCode.PREEMPTED, ExitCode.REFUSED, ExitCode.GAVE_UP)


class Stopped(Exception):  # noqa: N818  # not an error
    """Raised out of a rendezvous by a request to stop: there are no workers to wait for."""


class Agent(LocalElasticAgent):
    """Starts the workers again until they finish, are stopped, or fail for good."""

    def __init__(self, job: JobFile, spec: WorkerSpec) -> None:
        super().__init__(spec, DefaultLogsSpecs(), start_method="forkserver", exit_barrier_timeout=job.stop_s)
        self._job, self._folder = job, RunFolder.of(job)
        self._restarts_left = job.training.max_restarts
        self._counted_step: object = None
        """Step of the newest checkpoint when a loss was last counted."""
        self._processes: dict[int, BaseProcess] = {}
        self._attempt = 0
        self._kill_at: float | None = None
        self._stopping = False
        self._for_good: ExitCode | None = None
        self._reason = ""

    def run_to_end(self) -> ExitCode:
        """The end of the workers, told in status.json where rank 0 could not."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        try:
            result = self.run()
        except Stopped:
            self._for_good, self._reason = ExitCode.PREEMPTED, "stopped while no worker was running"
        except RendezvousError as error:
            self._for_good, self._reason = ExitCode.FAILED, f"the nodes did not meet: {error}"
        else:
            if result is None or (result.is_failed() and self._for_good is None):
                self._for_good, self._reason = (
                    ExitCode.FAILED,
                    "the nodes lost contact with each other; start the run again",
                )
        if self._for_good is None or not self._stopping:
            # Closes the run for every node, so not when only this one leaves.
            self._worker_group.spec.rdzv_handler.shutdown()
        self._tell_end()
        code = self._for_good or ExitCode.FINISHED
        log.info("ends with code %d%s", code, f": {self._reason}" if self._reason else "")
        return code

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, int]:
        again, self._attempt = self._attempt > 0, self._agree_on_attempt(worker_group)
        worker_group.spec.args = (*worker_group.spec.args[:1], str(self._attempt))
        if self._leads and (again or self._job.training.nodes > 1):
            Ledger(self._folder.ledger, self._attempt if again else 0).enter(
                EventKind.RESTART if again else EventKind.START
            )
            StatusFile(self._folder.status).write(RunState.STARTING, attempt=self._attempt)
        ids: dict[int, int] = super()._start_workers(worker_group)
        children = {process.pid: process for process in multiprocessing.active_children()}
        # One that is not among the children any more has ended already; torch's own monitoring finds that.
        self._processes = {
            worker.global_rank: children[pid]
            for worker in worker_group.workers
            if (pid := ids[worker.local_rank]) in children
        }
        if self._leads:
            workers = [{"rank": rank, "pid": process.pid} for rank, process in self._processes.items()]
            replace_json(self._folder.workers, {"agent": os.getpid(), "attempt": self._attempt, "workers": workers})
        log.info("attempt %d: workers %s", self._attempt, {r: p.pid for r, p in self._processes.items()})
        if self._stopping:
            self._signal_workers(signal.SIGTERM)
        return ids

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self._signal_workers(signal.SIGKILL)
        ended = self._ended()
        if not ended:
            result: RunResult = super()._monitor_workers(worker_group)
            # One may have ended since the line above.
            ended = self._ended()
            if not result.is_failed() or not ended:
                return result
        # The first to fail is the cause; one that ended in order on purpose says more than one killed for it.
        rank, code = max(ended.items(), key=lambda item: item[1])
        if code in ORDERLY:
            self._wait_for_workers(LEAVE_S)
        # What is left waits for a rank that is gone: it cannot save anything, so it gets no grace.
        self._signal_workers(signal.SIGKILL)
        self._wait_for_workers(LEAVE_S)
        self._carry_out(rank, code)
        if self._for_good is not None:
            self._remaining_restarts = 0
        return RunResult(state=WorkerState.FAILED)

    def _ended(self) -> dict[int, int]:
        """Rank -> exit code, of the workers that ended otherwise than by finishing."""
        return {rank: code for rank, process in self._processes.items() if (code := process.exitcode)}

    def _restart_workers(self, worker_group: WorkerGroup) -> None:
        """torch's, which asks the workers to leave: those of a gang that may not shrink wait for a lost node, and can
        save nothing.
        """
        if self._job.training.min_nodes == self._job.training.nodes:
            self._signal_workers(signal.SIGKILL)
        super()._restart_workers(worker_group)

    def _shutdown(self, death_sig: signal.Signals = signal.SIGTERM, timeout: int = 0) -> None:
        # torch's 30 s may be less than a step and a checkpoint.
        super()._shutdown(death_sig, timeout or round(self._job.stop_s))

    def _carry_out(self, rank: int, code: int) -> None:
        """Acts on the end of the workers, which are gone: `_for_good` is set where it ends the run here."""
        self._reason = self._explain(rank, code)
        log.warning("%s", self._reason)
        training, status = self._job.training, StatusFile(self._folder.status).read()
        end = WorkersEnd(
            code=code,
            stopping=self._stopping,
            begun=status["state"] not in {RunState.STARTING, RunState.PREPARING},
            progressed=status["checkpointStep"] not in {None, self._counted_step},
        )
        verdict = judge(
            end,
            restarts_left=self._restarts_left,
            max_restarts=training.max_restarts,
            may_shrink=training.min_nodes != training.nodes,
        )
        self._for_good, self._restarts_left = verdict.code, verdict.restarts_left
        self._counted_step = status["checkpointStep"]
        if verdict.code is ExitCode.EXHAUSTED:
            self._reason += f"; ended after {training.max_restarts} restarts without a new checkpoint between them"
            node = check_node(self._job.device, ranks_per_node(training))
            self._for_good = ExitCode.BROKEN_NODE if node.broken else self._for_good
            self._reason += f" (training.maxRestarts); {node}"
        elif self._for_good is None and code != ExitCode.PREEMPTED and self._leads:
            hung = code == ExitCode.FAILED and hang_of(self._folder.rank_log(self._attempt, rank))
            Ledger(self._folder.ledger, self._attempt).enter(EventKind.RESTART, cause=EventKind.HANG if hung else None)
            StatusFile(self._folder.status).write(RunState.STARTING, message=f"{self._reason}; starting again")

    def _explain(self, rank: int, code: int) -> str:
        log_file = self._folder.rank_log(self._attempt, rank)
        if code < 0:
            return f"rank {rank} was killed by {signal.Signals(-code).name}"
        if code == ExitCode.FAILED and (hang := hang_of(log_file)):
            return f"rank {rank}: {hang}; stacks are in {log_file}"
        if code == ExitCode.PREEMPTED:
            return "the workers have stopped on request"
        return f"rank {rank} ended with code {code}; see {log_file}"

    def _tell_end(self) -> None:
        """status.json for the ends of which rank 0 does not know."""
        status = StatusFile(self._folder.status)
        ends = {
            ExitCode.PREEMPTED: RunState.PREEMPTED,
            ExitCode.FAILED: RunState.FAILED,
            ExitCode.BROKEN_NODE: RunState.FAILED,
            ExitCode.EXHAUSTED: RunState.FAILED,
            ExitCode.GAVE_UP: RunState.FAILED,
        }
        state = ends.get(self._for_good) if self._for_good is not None else None
        if state is None or not self._leads or status.read()["state"] == state:
            return
        with contextlib.suppress(OSError):  # the volume may be full; the exit code says how it ended
            Ledger(self._folder.ledger, self._attempt).enter(EventKind.STOPPED)
            status.write(state, etaS=None, message=self._reason)

    @property
    def _leads(self) -> bool:
        """True if rank 0 is, or would be, on this node."""
        return self._worker_group.group_rank in {None, 0}

    def _agree_on_attempt(self, worker_group: WorkerGroup) -> int:
        """One more than any attempt of this run had, and the same on all nodes."""
        store, key = worker_group.store, "penstock/attempt"
        assert store is not None
        if worker_group.group_rank == 0:
            attempts = [int(path.name.split("-")[1]) for path in self._folder.logs.glob("attempt-*")]
            attempt = max(attempts, default=0) + 1
            # Taken here: workers that end before they open their logs would leave the number to the next attempt.
            self._folder.rank_log(attempt, 0).parent.mkdir(parents=True, exist_ok=True)
            store.set(key, str(attempt))
        return int(store.get(key))

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._kill_at = time.monotonic() + self._job.stop_s
        if not self._signal_workers(signal.SIGTERM):
            raise Stopped

    def _signal_workers(self, number: signal.Signals) -> int:
        """Signals the workers, and returns how many were left to get it."""
        alive = [process for process in self._processes.values() if process.exitcode is None]
        for process in alive:
            assert process.pid is not None
            os.kill(process.pid, number)
        return len(alive)

    def _wait_for_workers(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        for process in self._processes.values():
            process.join(max(0.0, deadline - time.monotonic()))


def run_agent(
    job_file: Path, job: JobFile, *, rendezvous: str | None, address: str | None, worker: Worker | None
) -> ExitCode:
    """Run the workers of this node to the end of the run."""
    _log_to_file_only()
    # The agent's own handlers stay: torch's raise an exception wherever the agent just is.
    os.environ["TORCHELASTIC_SIGNALS_TO_HANDLE"] = "SIGQUIT"
    keeps_store = await_meeting(rendezvous, RENDEZVOUS["timeout"]) if rendezvous else None
    spec = WorkerSpec(
        role="trainer",
        local_world_size=ranks_per_node(job.training),
        entrypoint=worker or run_worker,
        args=(str(job_file.resolve()),),
        rdzv_handler=get_rendezvous_handler(_rendezvous(job, rendezvous, address, keeps_store)),
        # Restarts are counted here, because a change of the world size is none.
        max_restarts=10**6,
        monitor_interval=MONITOR_EVERY_S,
        local_addr=address or (LOOPBACK if rendezvous is None else None),
        # A rank computes on the cores beside its accelerator; a node that does not tell which goes without.
        numa_options=NUMA if job.device is Device.CUDA else None,
    )
    return Agent(job, spec).run_to_end()


def _log_to_file_only() -> None:
    """Torch tells of a lost worker with a traceback of its own code: that is for agent.log, not for the user."""
    for name in ("torch", "torch.distributed", "torch.distributed.elastic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _rendezvous(
    job: JobFile, rendezvous: str | None, address: str | None, keeps_store: bool | None
) -> RendezvousParameters:
    training = job.training
    assert training.min_nodes is not None
    return RendezvousParameters(
        backend="c10d",
        # Port 0: any free one, known to this agent alone.
        endpoint=rendezvous or f"{LOOPBACK}:0",
        run_id=training.name,
        min_nodes=training.min_nodes,
        max_nodes=training.nodes,
        local_addr=address or (LOOPBACK if rendezvous is None else None),
        # None: torch finds out.
        is_host=keeps_store,
        **RENDEZVOUS,
    )
