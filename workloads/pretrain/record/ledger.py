"""The goodput ledger: what every second of a run was spent on, across restarts and kills.

Each line says what begins at that moment, `{"time", "kind", "step", "attempt"}`; it lasts until the next line. A
process that is killed writes no last line, so training repeats its line now and then: what follows the last repeat
until somebody writes again is time the run was down. A line may have a `cause`: `hang` says that what lasted until
then was no work, but waiting for a step that did not end. When training begins at an earlier step than was reached
before, the time of the steps that are done again moves from `train` to `lost`.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
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
    DATA = "data"
    """Steps of rank 0 that wait for their tokens: a slow file system. No line has it; it is taken out of `train`."""
    CHECKPOINT = "checkpoint"
    """Steps that wait for a checkpoint; not the writing behind them."""
    EVALUATE = "evaluate"
    EXPORT = "export"
    HANG = "hang"
    """From the last step that ended to the end of workers that no longer moved."""
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

    def __init__(self, path: Path, attempt: int, account: "TimeAccount | None" = None) -> None:
        """`account`: kept beside, so that the sums are known without reading the file again."""
        self._path, self._attempt, self._account = path, attempt, account
        self._kind: EventKind | None = None
        self._written = 0.0
        self._waited_s = 0.0

    def enter(
        self, kind: EventKind, step: int | None = None, reached: int | None = None, cause: EventKind | None = None
    ) -> None:
        """From now on, `kind`. `step`: optimizer steps done; `reached`: the most that were ever done; `cause`: HANG
        where workers that no longer moved were ended.
        """
        line: dict[str, object] = {"time": time.time(), "kind": kind, "step": step, "attempt": self._attempt}
        if reached is not None:
            line["reached"] = reached
        if cause is not None:
            line["cause"] = cause
        if self._waited_s:
            line["dataS"], self._waited_s = round(self._waited_s, 4), 0.0
        self._kind, self._written = kind, time.monotonic()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)
        if self._account is not None:
            self._account.add(line)

    def train(self, step: int, data_s: float = 0.0) -> None:
        """Training goes on, or has begun again after a pause; cheap enough for every step. `data_s`: what the step has
        waited for its data.
        """
        self._waited_s += data_s
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
    steps: int
    """Optimizer steps done and kept."""

    @property
    def shares(self) -> dict[str, float]:
        """Share of all time but `stopped`, by what it was spent on, `train` included; nothing for a run of no time."""
        spent = {kind: seconds for kind, seconds in self.seconds.items() if kind is not EventKind.STOPPED and seconds}
        total = sum(spent.values())
        return {kind.value: seconds / total for kind, seconds in sorted(spent.items())} if total > 0 else {}


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


class TimeAccount:
    """Sums of a ledger, one line after the other."""

    def __init__(self, lines: Iterable[Mapping[str, object]] = ()) -> None:
        self._seconds: dict[EventKind, float] = defaultdict(float)
        self._stretches: list[_Stretch] = []
        self._restarts = self._lost_steps = self._reached = 0
        self._last: Mapping[str, object] | None = None
        for line in lines:
            self.add(line)

    def add(self, line: Mapping[str, object]) -> None:
        """Ends what the line before began, and begins what this one says."""
        last, kind, step = self._last, EventKind(str(line["kind"])), _count(line["step"])
        if last is not None:
            self._end(last, line)
        before = None if last is None else EventKind(str(last["kind"]))
        self._restarts += kind is EventKind.RESTART and before not in {EventKind.RESTART, EventKind.STOPPED}
        if kind is EventKind.TRAIN and step is not None:
            self._begin_training(step, _count(line.get("reached")) or 0)
        self._reached, self._last = max(self._reached, step or 0), line

    def goodput(self, until: float | None = None) -> Goodput:
        """Sums up to the last line, or to `until` (unix seconds)."""
        seconds = dict(self._seconds)
        if self._last is not None:
            kind, since = EventKind(str(self._last["kind"])), _time(self._last)
            seconds[kind] = seconds.get(kind, 0.0) + max(0.0, (since if until is None else until) - since)
        seconds.setdefault(EventKind.TRAIN, 0.0)
        all_s = sum(seconds.values()) - seconds.get(EventKind.STOPPED, 0.0)
        share = seconds[EventKind.TRAIN] / all_s if all_s > 0 else 1.0
        return Goodput(
            share=share, seconds=seconds, restarts=self._restarts, lost_steps=self._lost_steps, steps=self._reached
        )

    def _begin_training(self, step: int, reached: int) -> None:
        known = max(self._reached, reached)
        if step < known:
            self._lost_steps += known - step
            lost = sum(stretch.lose_after(step) for stretch in self._stretches)
            self._seconds[EventKind.LOST] += lost
            self._seconds[EventKind.TRAIN] -= lost
        self._reached = min(known, step)

    def _end(self, line: Mapping[str, object], after: Mapping[str, object]) -> None:
        """Counts the time from one line to the next."""
        kind, step, duration = EventKind(str(line["kind"])), _count(line["step"]), _time(after) - _time(line)
        if _is_new_agent(after) and kind is not EventKind.STOPPED:
            self._restarts += 1
            kind = EventKind.DOWN
        elif after.get("cause") == EventKind.HANG:
            kind = EventKind.HANG
        elif kind is EventKind.TRAIN and (waited_s := min(duration, _seconds(after.get("dataS")))):
            self._seconds[EventKind.DATA] += waited_s
            duration -= waited_s
        if kind is EventKind.TRAIN and step is not None:
            self._stretches.append(_Stretch(duration, step, _count(after["step"])))
        self._seconds[kind] += duration


def summarize(path: Path, until: float | None = None) -> Goodput:
    """The goodput of the run that wrote a ledger, up to its last line or to `until` (unix seconds)."""
    return TimeAccount(json_lines(path)).goodput(until)


def _is_new_agent(line: Mapping[str, object]) -> bool:
    return line["kind"] == EventKind.START and line["attempt"] == 0


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, float | int) else 0.0


def _time(line: Mapping[str, object]) -> float:
    value = line["time"]
    assert isinstance(value, float | int)
    return float(value)
