"""The process beside a training run: starts its agent, starts it again when it dies, and stops it.

It lives in a session of its own, so that it survives the provider that started it; when that is gone it stops the run
with a checkpoint. It holds a lock on the run's folder for as long as it lives: there is never a second one.
"""

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout

from components.files import write_json
from components.stop_request import StopRequest
from plugin.local.processes import ROOT, Process, kill
from plugin.local.supervision import KILL_MARGIN_S, End, Orders, Record, lock_of, record_path
from workloads.pretrain.exits import ExitCode

POLL_S = 0.2
NO_BETTER_HERE = (ExitCode.GAVE_UP, ExitCode.EXHAUSTED, ExitCode.BROKEN_NODE)
"""Ends after which another start on the same machine would be no use."""

LONGEST_PAUSE_S = 30.0
LOCKED_EXIT = 4
UNWRITABLE_EXIT = 5


def main(run_folder: Path) -> int:
    """Runs the orders on stdin to their end; LOCKED_EXIT when the run has a supervisor already.

    Tells on stderr, its log, when it begins: the block that the file system gives it for that has room for a last word
    on a volume that is full.
    """
    orders = Orders.parse(json.load(sys.stdin))
    _tell(f"supervises the run in {run_folder}")
    try:
        with lock_of(run_folder):
            RunSupervisor.over(run_folder, orders).run()
    except Timeout:
        return LOCKED_EXIT
    except OSError as error:
        _tell(f"{error.filename or run_folder}: {error.strerror}; the run is ended")
        kill(run_folder)
        return UNWRITABLE_EXIT
    return 0


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")
        sys.stderr.flush()


@dataclass(slots=True)
class RunSupervisor:
    """One run. `record` is on disk before anybody can ask for it."""

    folder: Path
    orders: Orders
    record: Record
    asked: StopRequest = field(default_factory=StopRequest)
    unwatched: bool = False

    @classmethod
    def over(cls, folder: Path, orders: Orders) -> "RunSupervisor":
        """A supervisor that SIGTERM and SIGINT ask to stop."""
        myself = Process.of(os.getpid())
        assert myself is not None
        supervisor = cls(folder=folder, orders=orders, record=Record(supervisor=myself, owner=orders.owner))
        supervisor.asked.listen()
        supervisor._note()
        return supervisor

    def run(self) -> None:
        """Until the run finished, was stopped or refused, or its agent died once too often."""
        while True:
            code, killed = self._attempt()
            end = self._judge(code, killed)
            if end is None and not self._pause():
                end = End.UNWATCHED if self.unwatched else End.STOPPED
            if end is not None:
                return self._note(end=end, exit_code=code, agent=None)
            self._note(restarts=self.record.restarts + 1)

    def _attempt(self) -> tuple[int, bool]:
        """Run the agent once: its exit code, and whether it had to be killed. Nothing of it is left after."""
        logs = self.folder / "logs"
        with (logs / "agent.log").open("ab") as log, (logs / "progress.log").open("ab") as progress:
            agent = subprocess.Popen(
                [sys.executable, *self.orders.program, self.orders.job_file],
                cwd=ROOT, env=dict(self.orders.env), stdin=subprocess.DEVNULL, stdout=progress, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._note(agent=Process.of(agent.pid))
        while agent.poll() is None and not self._must_stop(POLL_S):
            pass
        killed = agent.poll() is None and not self._stop(agent)
        kill(self.folder)
        return agent.wait(), killed

    def _stop(self, agent: "subprocess.Popen[bytes]") -> bool:
        """Stops the agent; false if it did not end when it was asked to and was killed."""
        agent.terminate()
        try:
            agent.wait(self.orders.stop_s + KILL_MARGIN_S)
        except subprocess.TimeoutExpired:
            agent.kill()
            return False
        return True

    def _must_stop(self, wait_s: float) -> bool:
        """True if somebody asks to stop, or nobody watches any more; waits that long for it."""
        if self.asked.wait(wait_s):
            return True
        self.unwatched = not self.orders.owner.is_alive
        return self.unwatched

    def _judge(self, code: int, killed: bool) -> End | None:
        """Ending of the run; None when its agent is to be started again."""
        if killed:
            return End.KILLED
        if code == ExitCode.FINISHED:
            return End.FINISHED
        if code == ExitCode.REFUSED:
            return End.REFUSED
        if code == ExitCode.PREEMPTED or self.asked.requested or self.unwatched:
            return End.UNWATCHED if self.unwatched else End.STOPPED
        hopeless = code in NO_BETTER_HERE or self.record.restarts >= self.orders.max_agent_restarts
        return End.FAILED if hopeless else None

    def _pause(self) -> bool:
        """Wait before the next attempt, longer each time; False when the run is to stop instead."""
        left_s = min(LONGEST_PAUSE_S, 2.0**self.record.restarts)
        while left_s > 0:
            if self._must_stop(POLL_S):
                return False
            left_s -= POLL_S
        return True

    def _note(self, **changes: object) -> None:
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]  # the fields' own types, by name
        write_json(record_path(self.folder), self.record.content())
