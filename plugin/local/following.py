"""A run's progress, as lines in the engine's output."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.files import read_json
from plugin.calls import Call
from plugin.local.supervision import Record, read_record
from workloads.pretrain.record.words import progress_line

POLL_S = 0.3
LINES_A_RUN = 5
"""Lines that stay, spread over a run: the engine repeats them at its end."""
LIVE_EVERY_S = 5.0
LIVE_SHARE = 0.02
"""Of the time that has passed: a pipe and `--diff` print every live line, and a long run shall not print thousands."""


@dataclass(slots=True)
class Follower:
    """Tells one resource's story. Says each thing once."""

    call: Call
    run_folder: Path
    told: int = 0
    attempt: int = 0
    restarts: int = 0
    warned: str = ""
    next_live: float = 0.0
    begun: float = field(default_factory=time.monotonic)
    states: set[str] = field(default_factory=set)
    since: float = 0.0
    """Unix seconds; a status written before is an earlier attempt's and is not told."""

    def follow(self, supervisor: "subprocess.Popen[bytes]") -> Record | None:
        """The supervisor's last record, once it has ended. A cancelled call stops the run, with a checkpoint."""
        asked = False
        while supervisor.poll() is None:
            if not self.call.cancelled.wait(POLL_S):
                self._tell()
            elif not asked:
                self.call.voice.live("stopping: writing a checkpoint")
                supervisor.terminate()
                asked = True
            else:
                time.sleep(POLL_S)
        return read_record(self.run_folder)

    def _tell(self) -> None:
        record, status = read_record(self.run_folder), read_json(self.run_folder / "status.json")
        if record and record.restarts > self.restarts:
            self.restarts = record.restarts
            self.attempt, self.since = 0, time.time()  # the dead agent's status is none of the next one's
            self.call.voice.warn(f"the training agent died and is started again (restart {record.restarts})")
        if status.get("updated", 0.0) < self.since:
            return
        self._tell_attempt(status)
        self._tell_warning(status)
        self._tell_progress(status)

    def _tell_attempt(self, status: Mapping[str, Any]) -> None:
        """Attempts are counted over a run's whole life, so the first one that trains here is nobody's loss."""
        attempt = status.get("attempt") or 0
        if self.attempt and attempt > self.attempt:
            step = status.get("checkpointStep") or 0
            self.call.voice.warn(f"a worker was lost; all are started again from step {step} (attempt {attempt})")
            self.attempt = attempt
        elif status.get("state") == "training":
            self.attempt = attempt

    def _tell_warning(self, status: Mapping[str, Any]) -> None:
        """Passes on the trainer's warnings while it goes on, such as a checkpoint that could not be written."""
        warning = status.get("warning") or ""
        if warning and warning != self.warned:
            self.warned = warning
            self.call.voice.warn(warning)

    def _tell_progress(self, status: Mapping[str, Any]) -> None:
        line, step, steps = progress_line(status), status.get("step") or 0, status.get("steps") or 0
        share = step * LINES_A_RUN // steps if steps else 0
        if status.get("state") == "training" and share > self.told and step < steps:
            self.told = share
            self.call.voice.say(line)
        state, now = str(status.get("state")), time.monotonic()
        if state not in self.states or now >= self.next_live:
            self.states.add(state)
            self.next_live = now + max(LIVE_EVERY_S, LIVE_SHARE * (now - self.begun))
            self.call.voice.headline(line)
