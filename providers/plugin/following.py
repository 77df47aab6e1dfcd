"""A run's progress, as lines in the engine's output."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.plugin.calls import Call
from providers.plugin.files import read_json
from providers.plugin.supervision import Record, read_record

POLL_S = 0.3
LINES_A_RUN = 5
"""Lines that stay, spread over a run, so that a log without a live line shows progress too."""


@dataclass(slots=True)
class Follower:
    """Tells one resource's story. Says each thing once."""

    call: Call
    run_folder: Path
    told: int = 0
    attempt: int = 0
    restarts: int = 0
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

    def _tell_progress(self, status: Mapping[str, Any]) -> None:
        line, step, steps = progress_line(status), status.get("step") or 0, status.get("steps") or 0
        share = step * LINES_A_RUN // steps if steps else 0
        if status.get("state") == "training" and share > self.told and step < steps:
            self.told = share
            self.call.voice.say(line)
        self.call.voice.live(line)


def progress_line(status: Mapping[str, Any]) -> str:
    """One line for a status: `step 120/300  loss 3.41  5,210 tokens/s  48 s left`."""
    state, message = status.get("state", "starting"), status.get("message") or ""
    if state != "training":
        return f"{state}: {message}" if message else str(state)
    parts = [f"step {status.get('step', 0)}/{status.get('steps', 0)}"]
    if (loss := status.get("loss")) is not None:
        parts.append(f"loss {loss:.2f}")
    if (rate := status.get("tokensPerS")) is not None:
        parts.append(f"{rate:,.0f} tokens/s")
    if (left := status.get("etaS")) is not None:
        parts.append(f"{words_for_seconds(left)} left")
    return "  ".join(parts)


def words_for_seconds(seconds: float) -> str:
    """48 s, 12 min, 3 h 20 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
