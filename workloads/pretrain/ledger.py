"""The goodput ledger: what every second of a run was spent on, across restarts and kills.

Each line says what begins at that moment, `{"time", "kind", "step", "attempt"}`; it lasts until the next line. A
process that is killed writes no last line, so training repeats its line now and then: what follows the last repeat
until somebody writes again is time the run was down. When training begins at an earlier step than was reached
before, the time of the steps that are done again moves from `train` to `lost`.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workloads.pretrain.folder import json_lines

REPEAT_EVERY_S = 2.0
"""The longest time of a killed run that is taken for down although it trained."""


class EventKind(StrEnum):
    PREPARE = "prepare"
    """Tokenizer and token shards."""
    START = "start"
    """Processes, rendezvous, model, loading: from the agent's start to the first step."""
    TRAIN = "train"
    CHECKPOINT = "checkpoint"
    """Steps that wait for a checkpoint; not the writing behind them."""
    EVALUATE = "evaluate"
    EXPORT = "export"
    RESTART = "restart"
    """From the loss of a worker, or a change of the world size, to the next step."""
    STOPPED = "stopped"
    """Stopped on request, finished or refused: nobody's loss, so it is left out of the share."""
    LOST = "lost"
    """Training that was done again."""
    DOWN = "down"
    """Nothing ran although nobody had asked for that."""


class Ledger:
    """Appends to the ledger; several processes may, one line at a time. Attempt 0 is an agent without workers yet."""

    def __init__(self, path: Path, attempt: int) -> None:
        self._path, self._attempt = path, attempt
        self._kind: EventKind | None = None
        self._written = 0.0

    def enter(self, kind: EventKind, step: int | None = None, reached: int | None = None) -> None:
        """From now on, `kind`. `step`: optimizer steps done; `reached`: the most that were ever done."""
        line: dict[str, object] = {"time": time.time(), "kind": kind, "step": step, "attempt": self._attempt}
        if reached is not None:
            line["reached"] = reached
        self._kind, self._written = kind, time.monotonic()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)

    def train(self, step: int) -> None:
        """Training goes on, or has begun again after a pause; cheap enough for every step."""
        if self._kind is not EventKind.TRAIN or time.monotonic() - self._written >= REPEAT_EVERY_S:
            self.enter(EventKind.TRAIN, step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodput:
    """A run's time, told apart."""

    share: float
    """Training that counted, of all time but `stopped`; 1 for a run of no time."""
    seconds: Mapping[EventKind, float]
    restarts: int
    """Times training began again without having been stopped on request."""
    lost_steps: int
    """Optimizer steps that were done more than once."""


@dataclass(slots=True)
class _Stretch:
    """Training without a pause: `first` steps were done at its begin, `last` at its end when that is known."""

    seconds: float
    first: int
    last: int | None

    def lose_after(self, step: int) -> float:
        """The seconds spent on steps after `step`, taken out of the stretch."""
        if self.last is None or self.last <= self.first:
            share = 1.0 if self.first >= step else 0.0
        else:
            share = min(1.0, max(0.0, (self.last - step) / (self.last - self.first)))
        lost = share * self.seconds
        self.seconds -= lost
        return lost


def summarize(path: Path, until: float | None = None) -> Goodput:
    """The goodput of the run that wrote a ledger, up to its last line or to `until` (unix seconds)."""
    lines = json_lines(path)
    seconds: dict[EventKind, float] = defaultdict(float)
    stretches: list[_Stretch] = []
    restarts = lost_steps = reached = 0
    before: EventKind | None = None
    following: list[dict[str, object] | None] = [*lines, None][1:]
    for line, after in zip(lines, following, strict=True):
        kind, step = EventKind(str(line["kind"])), _count(line["step"])
        restarts += kind is EventKind.RESTART and before not in {EventKind.RESTART, EventKind.STOPPED}
        before = kind
        if kind is EventKind.TRAIN and step is not None:
            known = max(reached, _count(line.get("reached")) or 0)
            if step < known:
                lost_steps += known - step
                seconds[EventKind.LOST] += sum(stretch.lose_after(step) for stretch in stretches)
                known = step
            reached = known
        reached = max(reached, step or 0)
        duration = _time(after, until, line) - _time(line, None, line)
        killed = after is not None and _is_new_agent(after) and kind is not EventKind.STOPPED
        if killed:
            restarts += 1
            seconds[EventKind.DOWN] += duration
        elif kind is EventKind.TRAIN and step is not None:
            stretches.append(_Stretch(duration, step, _count(after["step"]) if after else None))
        else:
            seconds[kind] += duration
    seconds[EventKind.TRAIN] = sum(stretch.seconds for stretch in stretches)
    all_s = sum(seconds.values()) - seconds[EventKind.STOPPED]
    share = seconds[EventKind.TRAIN] / all_s if all_s > 0 else 1.0
    return Goodput(share=share, seconds=dict(seconds), restarts=restarts, lost_steps=lost_steps)


def _is_new_agent(line: dict[str, object]) -> bool:
    return line["kind"] == EventKind.START and line["attempt"] == 0


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _time(line: dict[str, object] | None, until: float | None, otherwise: dict[str, object]) -> float:
    if line is None:
        return until if until is not None else _time(otherwise, None, otherwise)
    value = line["time"]
    assert isinstance(value, float | int)
    return float(value)
