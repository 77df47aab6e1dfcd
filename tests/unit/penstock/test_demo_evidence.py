"""The demo's claims can fail: what it reads from a run decides."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from components.errors import PenstockError
from penstock.demo.__main__ import judge
from penstock.demo.accident import Accident
from penstock.demo.evidence import leftovers, read_learning, read_recovery

ACCIDENT = Accident(rank=1, pid=1, attempt=1, step=7, checkpoint_step=5)


def run_with(folder: Path, attempts: list[tuple[int, range]]) -> Path:
    """A run's metrics: each attempt with the steps that it finished, a second each."""
    lines, now = [], 100.0
    for attempt, steps in attempts:
        for step in steps:
            now += 1
            lines.append({"time": now, "step": step, "loss": 9.0 - step / 10, "tokensPerS": 50.0, "attempt": attempt})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_recovery_from_the_checkpoint(tmp_path: Path) -> None:
    recovery = read_recovery(run_with(tmp_path, [(1, range(1, 8)), (2, range(6, 11))]), ACCIDENT)
    assert (recovery.reached, recovery.resumed_from, recovery.repeated, recovery.gap_s) == (7, 5, 2, 1.0)


def test_a_newer_checkpoint_may_have_been_committed_meanwhile(tmp_path: Path) -> None:
    assert read_recovery(run_with(tmp_path, [(1, range(1, 8)), (2, range(8, 11))]), ACCIDENT).repeated == 0


def test_a_run_that_fell_back_further_is_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fell back to step 2, before its checkpoint 5"):
        read_recovery(run_with(tmp_path, [(1, range(1, 8)), (2, range(3, 11))]), ACCIDENT)


def test_a_run_that_did_not_go_on_is_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did not go on"):
        read_recovery(run_with(tmp_path, [(1, range(1, 8))]), ACCIDENT)


def test_what_was_learned_is_read_from_the_run(tmp_path: Path) -> None:
    run_with(tmp_path, [(1, range(1, 4))])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"time": 200.0, "step": 3, "validationLoss": 4.5}) + "\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "corpus.json").write_text('{"unigramLoss": 6.25}')
    found = read_learning(tmp_path)
    assert (found.first_loss, found.validation_loss, found.unigram_loss) == (8.9, 4.5, 6.25)


def test_nothing_is_left_of_nothing(tmp_path: Path) -> None:
    assert leftovers(tmp_path / "gone", (), ()) == []


def test_whatever_is_left_is_named(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        command = [sys.executable, "-c", "import sys; sys.stdin.read()", str(volume / "job.json")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            found = leftovers(volume, (port,), ("urn:x",))
        finally:
            process.communicate()
    assert found[0] == f"the folder {volume}"
    assert found[1].startswith(f"process {process.pid}: ")
    assert found[2:] == [f"something listens on port {port}", "urn:x in the engine's state"]


@pytest.mark.parametrize(
    ("theirs", "words"), [("ab", "the same 32 likeliest tokens"), (None, "transformers is not installed")]
)
def test_the_second_opinion_is_told(theirs: str | None, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    judge("ab", theirs, Console())
    assert words in capsys.readouterr().out


def test_another_text_than_that_of_transformers_ends_the_demo() -> None:
    with pytest.raises(PenstockError, match=r"the service writes 'ab', but transformers writes 'ac'"):
        judge("ab", "ac", Console())
