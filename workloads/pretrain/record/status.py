"""status.json: where the run stands, for whoever watches it."""

import json
import time
from enum import StrEnum
from pathlib import Path

from workloads.pretrain.folder import replace_json

WRITE_EVERY_S = 0.5
"""A live display redraws about twice a second; more would cost steps."""

EMPTY: dict[str, object] = {
    "state": "starting",
    "step": 0,
    "steps": 0,
    "loss": None,
    "validationLoss": None,
    "tokensPerS": None,
    "etaS": None,
    "worldSize": 0,
    "attempt": 0,
    "checkpointStep": None,
    "updated": 0.0,
    "message": "",
    "warning": "",
}
"""`message` is of the moment, `warning` the last one of the run."""


class RunState(StrEnum):
    PREPARING = "preparing"
    STARTING = "starting"
    TRAINING = "training"
    CHECKPOINTING = "checkpointing"
    EXPORTING = "exporting"
    FINISHED = "finished"
    PREEMPTED = "preempted"
    FAILED = "failed"
    REFUSED = "refused"


class StatusFile:
    """Rank 0 writes it while there is one, the agent of node 0 otherwise; each keeps what the other said."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = 0.0

    def read(self) -> dict[str, object]:
        try:
            return EMPTY | dict(json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return dict(EMPTY)

    def write(self, state: RunState, **changes: object) -> None:
        """The new state and what changed with it, at once. Keys are the file's own."""
        self._written = time.monotonic()
        replace_json(self._path, self.read() | {"state": state, "updated": time.time()} | changes)

    def note(self, **changes: object) -> None:
        """Writes changes while the state stays."""
        self.write(RunState(str(self.read()["state"])), **changes)

    @property
    def due(self) -> bool:
        """True if the last write is old enough for a routine one."""
        return time.monotonic() - self._written >= WRITE_EVERY_S
