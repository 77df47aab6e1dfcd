"""The accident of the demo: one worker is killed in the middle of training."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from workloads.pretrain.folder import RunFolder

AFTER_SHARE = 0.45
"""Share of the steps after which the worker is killed: late enough that checkpoints exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accident:
    """The process that was killed, and the progress of the run."""

    rank: int
    pid: int
    attempt: int
    step: int
    checkpoint_step: int


class Saboteur:
    """Watches a run from a thread and kills its last rank once, with SIGKILL, past `AFTER_SHARE` of the steps."""

    def __init__(self, run_folder: Path, tell: Callable[[str], None]) -> None:
        self._folder = RunFolder(run_folder)
        self._tell = tell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.accident: Accident | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1) and self.accident is None:
            # Both files are replaced while they are read; one that is not there yet comes with the next look.
            with contextlib.suppress(OSError, ValueError, KeyError):
                self._inject()

    def _inject(self) -> None:
        status = json.loads(self._folder.status.read_text())
        due = status["state"] == "training" and status["step"] >= AFTER_SHARE * status["steps"]
        if not due or not status["checkpointStep"]:
            return
        gang = json.loads(self._folder.workers.read_text())
        victim = gang["workers"][-1]
        os.kill(victim["pid"], signal.SIGKILL)
        self.accident = Accident(
            rank=victim["rank"],
            pid=victim["pid"],
            attempt=gang["attempt"],
            step=status["step"],
            checkpoint_step=status["checkpointStep"],
        )
        self._tell(f"killed rank {victim['rank']} (process {victim['pid']}) at step {status['step']}, on purpose")
