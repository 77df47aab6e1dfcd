"""A volume that is full while a run trains: the user reads that, and not that something was lost."""

import errno
import io
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.errors import PenstockError
from engine.provider.errors import UnfinishedError
from plugin.calls import Call
from plugin.console import Voice
from plugin.local import full_volume, supervisor, training_run
from plugin.local.processes import Process

INPUTS = {"job": {"training": {"steps": 300}}}


class Silent:
    def log(self, *_: Any, **__: Any) -> None:
        return


@pytest.fixture
def call() -> Call:
    urn = "urn:pulumi:dev::penstock::penstock:local:TrainingRun::pretrain"
    return Call(urn=urn, voice=Voice(Silent(), urn), cancelled=threading.Event())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with a checkpoint of step 100."""
    (tmp_path / "checkpoints" / "step-00000100").mkdir(parents=True)
    (tmp_path / "logs" / "attempt-2").mkdir(parents=True)
    return tmp_path


def free(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(total=10**12, free=count))


def test_a_run_that_lost_its_supervisor_on_a_full_volume(
    folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 0)
    with pytest.raises(UnfinishedError) as stopped:
        training_run._conclude(call, folder, INPUTS, None)
    assert str(stopped.value) == (
        "the volume is full (0 B free): the run ended at step 100 of 300 with a checkpoint; free some space, then "
        "`pulumi up` goes on from there"
    )


def test_with_room_it_is_the_supervisor_that_was_lost(
    folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 10**9)
    with pytest.raises(UnfinishedError, match="lost its supervisor"):
        training_run._conclude(call, folder, INPUTS, None)


def test_a_volume_that_was_full_is_known_by_the_newest_attempts_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room that a failed checkpoint held is free again by then."""
    free(monkeypatch, 5 * 10**6)
    assert full_volume.fullness(folder) == ""
    (folder / "logs" / "attempt-2" / "rank-0.log").write_text(f"OSError: [Errno 28] {os.strerror(errno.ENOSPC)}\n")
    assert full_volume.fullness(folder) == "the volume is full (5.0 MB free)"
    (folder / "logs" / "attempt-10").mkdir()
    assert full_volume.fullness(folder) == "", "an attempt later had room"


def test_a_run_that_cannot_be_begun_says_that_there_is_no_room(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "job.json"))

    monkeypatch.setattr(training_run, "write_json", full)
    inputs = INPUTS | {"runFolder": str(tmp_path / "runs" / "a"), "volume": str(tmp_path)}
    with pytest.raises(PenstockError, match=r"job.json: No space left on device; free some space, then `pulumi up`"):
        training_run.create(call, inputs)


def test_the_supervisors_log_has_a_last_word(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    myself = Process.of(os.getpid())
    assert myself is not None
    orders = {
        "program": ["-c", "import sys; sys.exit(1)"], "job_file": "job.json", "env": dict(os.environ),
        "max_agent_restarts": 1, "stop_s": 1.0, "owner_pid": myself.pid, "owner_started": myself.started,
    }  # fmt: skip
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(orders)))
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def full(path: Path, _: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(supervisor, "write_json", full)
    assert supervisor.main(folder) == supervisor.UNWRITABLE_EXIT
    first, last = capsys.readouterr().err.splitlines()
    assert f"supervises the run in {folder}" in first
    assert last.endswith("supervisor.json: No space left on device; the run is ended")
