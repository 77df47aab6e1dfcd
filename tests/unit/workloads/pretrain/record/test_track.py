"""A tracker gets every line once and in order, whatever it does, and no step waits for it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.spec.observe import TrackerKind, TrackerSpec
from components.spec.training import TrainingSpec
from tests.unit.workloads.pretrain.record.test_journal import journal
from workloads.pretrain.config import Device, JobFile
from workloads.pretrain.folder import RunFolder, replace_json
from workloads.pretrain.record.status import RunState, StatusFile
from workloads.pretrain.record.track import LINES_AT_ONCE, LineSender, read_state, state_file, unsent
from workloads.pretrain.record.tracker_kinds import AwayError, RefusedError, numbers
from workloads.pretrain.record.trackers import Trackers


class Fake:
    """A tracker that answers as it is told."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.opened: list[str | None] = []
        self.fault: Callable[[], Exception] | None = None

    def open(self, run: str | None) -> str:
        self._fail()
        self.opened.append(run)
        return run or "one"

    def send(self, lines: Sequence[Mapping[str, Any]]) -> None:
        self._fail()
        self.got += [line["step"] for line in lines]

    def close(self, finished: bool) -> None:
        self._fail()

    def _fail(self) -> None:
        if self.fault:
            raise self.fault()


def write(folder: Path, steps: range) -> None:
    with (folder / "metrics.jsonl").open("a") as stream:
        stream.writelines(json.dumps({"time": 1.0, "step": step, "loss": 2.0}) + "\n" for step in steps)


def follower(folder: Path, tracker: Fake, now: Callable[[], float] = time.monotonic) -> LineSender:
    return LineSender(folder / "metrics.jsonl", state_file(RunFolder(folder), TrackerKind.WANDB), tracker, now)


def test_it_gets_every_line_in_order_and_none_twice(tmp_path: Path) -> None:
    tracker, many = Fake(), 2 * LINES_AT_ONCE + 7
    write(tmp_path, range(many))
    first = follower(tmp_path, tracker)
    while first.turn():
        pass
    write(tmp_path, range(many, many + 3))
    second = follower(tmp_path, tracker)  # of the next start
    while second.turn():
        pass
    assert tracker.got == list(range(many + 3))
    assert tracker.opened == [None, "one"], "the second start goes on in the run of the first"
    assert unsent(RunFolder(tmp_path), TrackerKind.WANDB) == 0


def test_what_a_tracker_that_is_down_missed_it_gets_later(tmp_path: Path) -> None:
    tracker, clock = Fake(), [0.0]
    write(tmp_path, range(5))
    follows = follower(tmp_path, tracker, lambda: clock[0])
    tracker.fault = lambda: AwayError("no route")
    assert not follows.turn()
    tracker.fault = None
    assert not follows.turn(), "it is left alone for a while"
    assert tracker.got == []
    assert read_state(state_file(RunFolder(tmp_path), TrackerKind.WANDB))["message"] == "no route"
    clock[0] += 5
    assert follows.turn()
    assert tracker.got == list(range(5))
    assert follows.state["message"] == ""


def test_a_library_that_breaks_is_asked_again(tmp_path: Path) -> None:
    tracker, clock = Fake(), [0.0]
    write(tmp_path, range(2))
    follows = follower(tmp_path, tracker, lambda: clock[0])
    tracker.fault = lambda: AttributeError("gone")
    follows.turn()
    assert follows.state["message"] == "AttributeError: gone"
    tracker.fault, clock[0] = None, 5.0
    follows.turn()
    assert tracker.got == [0, 1]


def test_lines_that_it_will_never_take_are_counted_and_passed_over(tmp_path: Path) -> None:
    tracker = Fake()
    write(tmp_path, range(3))
    follows = follower(tmp_path, tracker)
    assert follows.turn()
    tracker.fault = lambda: RefusedError("too large")
    write(tmp_path, range(3, 5))
    follows.turn()
    tracker.fault = None
    write(tmp_path, range(5, 6))
    follows.turn()
    assert tracker.got == [0, 1, 2, 5]
    assert (follows.state["sent"], follows.state["refused"]) == (4, 2)


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    tracker = Fake()
    write(tmp_path, range(1))
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write('{"time": 1.0, "ste')
    follows = follower(tmp_path, tracker)
    follows.turn()
    assert not follows.turn()
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write('p": 1}\n')
    follows.turn()
    assert tracker.got == [0, 1]


def test_only_finite_numbers_are_points() -> None:
    line = {"time": 1.0, "step": 3, "loss": 2.5, "skippedLoss": "nan", "gradientNorm": float("inf"), "attempt": 1}
    assert numbers(line) == {"loss": 2.5, "attempt": 1.0}


def job(path: Path, spec: TrackerSpec) -> JobFile:
    training = TrainingSpec.model_validate_json(
        '{"minNodes": 1, "ranksPerNode": 1, "precision": "fp32", "parallel": {"sharding": "ddp"}}'
    ).model_copy(update={"trackers": (spec,)})
    found = JobFile(training=training, run_folder=str(path), device=Device.CPU)
    replace_json(RunFolder(path).job, found.model_dump(mode="json", by_alias=True))
    return found


def test_a_run_ends_in_time_and_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The follower is real; a server that nobody has, or no package at all: it cannot send either way."""
    monkeypatch.setattr("workloads.pretrain.record.trackers.STOPPED_S", 1.0)
    spec = TrackerSpec(kind=TrackerKind.MLFLOW, project="p", url="http://127.0.0.1:9")
    kept = journal(tmp_path, trackers=Trackers(job(tmp_path, spec)))
    begun = time.monotonic()
    kept.close(RunState.PREEMPTED, 1, "stopped")
    assert time.monotonic() - begun < 5
    told = StatusFile(tmp_path / "status.json").read()
    assert told["state"] == "preempted"
    assert "mlflow: 1 lines of metrics.jsonl were not sent" in str(told["warning"])
