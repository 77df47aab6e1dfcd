"""A run's progress in the engine's output: the right words, in the right row, and not too many of them."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from plugin.calls import Call
from plugin.console import Voice
from plugin.local.following import Follower

URN = "urn:pulumi:dev::penstock::penstock:local:TrainingRun::pretrain"


class Heard:
    """Keeps what reaches the engine: urn, text, whether the next line replaces it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, bool]] = []

    def log(self, urn: str, text: str, *, severity: Any, ephemeral: bool) -> None:
        self.lines.append((urn, text, ephemeral))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def follower(tmp_path: Path, heard: Heard) -> Follower:
    return Follower(call=Call(urn=URN, voice=Voice(heard, URN), cancelled=threading.Event()), run_folder=tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, follower: Follower) -> list[float]:
    """The time that has passed, in its one element."""
    passed = [0.0]
    monkeypatch.setattr("plugin.local.following.time.monotonic", lambda: follower.begun + passed[0])
    return passed


def at_step(follower: Follower, step: int, **status: Any) -> None:
    content = {"state": "training", "step": step, "steps": 1000, "loss": 5.08, "etaS": 120.0, "attempt": 1, **status}
    (follower.run_folder / "status.json").write_text(json.dumps(content))
    follower._tell()


def live(heard: Heard) -> list[str]:
    return [text for _, text, ephemeral in heard.lines if ephemeral]


def test_progress_stands_in_the_stacks_row_shortest_first(follower: Follower, heard: Heard) -> None:
    at_step(follower, 10)
    assert heard.lines == [("", "1% 2m 5.08 loss, step 10/1000", True)]


def test_a_pipe_gets_a_line_now_and_then_and_a_new_state_at_once(
    follower: Follower, heard: Heard, clock: list[float]
) -> None:
    for step in range(1, 200):
        clock[0] = step * 0.5
        at_step(follower, step)
    assert 15 <= len(live(heard)) <= 21, "one in 5 s"
    at_step(follower, 199, state="exporting", message="")
    assert live(heard)[-1] == "exporting step 199/1000"


def test_a_run_of_hours_prints_fewer_lines(follower: Follower, heard: Heard, clock: list[float]) -> None:
    for minute in range(600):
        clock[0] = minute * 60.0
        at_step(follower, minute)
    assert len(live(heard)) < 300


def test_what_the_trainer_warns_of_is_a_warning_told_once(follower: Follower, heard: Heard) -> None:
    said = "the checkpoint of step 50 could not be written (No space left on device)"
    at_step(follower, 51, warning=said)
    at_step(follower, 52, warning=said)
    assert [line for line in heard.lines if line[1] == said] == [(URN, said, False)]
