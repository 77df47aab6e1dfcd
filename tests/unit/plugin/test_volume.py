"""The volume's folder: taken over only when it is one's own."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from components.errors import PenstockError
from components.labels import PROCESS_MARK
from plugin.calls import Call
from plugin.console import Voice
from plugin.local import volume
from providers.local import volume_folder


class Spoken:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, _urn: str, text: str, *, severity: Any, ephemeral: bool) -> None:
        self.lines.append(text)


@pytest.fixture
def spoken() -> Spoken:
    return Spoken()


def call(spoken: Spoken, stack: str = "dev") -> Call:
    urn = f"urn:pulumi:{stack}::penstock::penstock:local:Volume::volume"
    return Call(urn=urn, voice=Voice(spoken, urn), cancelled=threading.Event())


def inputs(folder: Path, on_destroy: str = "keep") -> dict[str, Any]:
    return {"path": str(folder), "onDestroy": on_destroy}


def test_the_folder_is_the_owners_only_and_taken_over_again(tmp_path: Path, spoken: Spoken) -> None:
    folder = tmp_path / "deep" / "volume"
    volume.create(call(spoken), inputs(folder))
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "runs").mkdir()
    volume.create(call(spoken), inputs(folder))
    assert volume.read(inputs(folder)) is not None
    with pytest.raises(PenstockError, match=r"is the volume of penstock/dev/volume, this one is penstock/prod/volume"):
        volume.create(call(spoken, "prod"), inputs(folder))


def test_a_file_in_the_way(tmp_path: Path, spoken: Spoken) -> None:
    (tmp_path / "volume").write_text("a file")
    with pytest.raises(PenstockError, match=r"storage.volume.path: .*volume: File exists"):
        volume.create(call(spoken), inputs(tmp_path / "volume"))


def test_a_strangers_folder_is_refused_and_left_alone(tmp_path: Path, spoken: Spoken) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(PenstockError, match=r"holds an entry that is not penstock's, such as 'thesis\.txt'"):
        volume.create(call(spoken), inputs(tmp_path))
    volume.delete(call(spoken), inputs(tmp_path, "delete"))
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_another_path_leaves_the_old_folder_as_it_is(tmp_path: Path, spoken: Spoken) -> None:
    """Even where a destroy would delete it: its checkpoints cannot be had back."""
    old, new = inputs(tmp_path / "old", "delete"), inputs(tmp_path / "new", "delete")
    volume.create(call(spoken), old)
    (tmp_path / "old" / "weights").write_bytes(b"x")
    assert [(change.name, change.replaces) for change in volume.diff(old, new, {})] == [("path", False)]
    volume.update(call(spoken), old, new)
    assert any(f"kept {tmp_path / 'old'}" in line for line in spoken.lines), spoken.lines
    assert (tmp_path / "old" / "weights").exists()
    assert (tmp_path / "new").is_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable(tmp_path: Path, spoken: Spoken) -> None:
    (tmp_path / "volume").mkdir(mode=0o500)
    with pytest.raises(PenstockError, match=r"Permission denied; make it writable"):
        volume.create(call(spoken), inputs(tmp_path / "volume"))


def test_too_little_room(tmp_path: Path, spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "NEEDED_BYTES", 10**18)
    with pytest.raises(PenstockError, match=r"free, at least 1000000.0 TB are needed"):
        volume.create(call(spoken), inputs(tmp_path / "volume"))
    assert not (tmp_path / "volume").exists(), "nothing half-made"


def test_what_was_lost_is_a_change(tmp_path: Path, spoken: Spoken) -> None:
    asked = inputs(tmp_path / "volume")
    volume.create(call(spoken), asked)
    assert volume.diff(asked, asked, {}) == []
    (tmp_path / "volume" / volume_folder.MARKER).unlink()
    assert [change.name for change in volume.diff(asked, asked, {})] == ["path"]
    assert volume.read(asked) is None


def test_keep_says_where_and_how_to_remove(tmp_path: Path, spoken: Spoken) -> None:
    folder = tmp_path / "volume"
    volume.create(call(spoken), inputs(folder))
    (folder / "weights").write_bytes(b"x" * 4_100_000)
    volume.delete(call(spoken), inputs(folder))
    assert spoken.lines == [f"kept {folder} (4.1 MB: checkpoints, exports and logs); to remove it: rm -r {folder}"]
    assert (folder / "weights").exists()


def test_an_empty_volume_is_removed_even_when_kept(tmp_path: Path, spoken: Spoken) -> None:
    volume.create(call(spoken), inputs(tmp_path / "volume"))
    volume.delete(call(spoken), inputs(tmp_path / "volume"))
    assert not (tmp_path / "volume").exists()


def test_delete_touches_no_folder_without_its_mark(tmp_path: Path, spoken: Spoken) -> None:
    (tmp_path / "mine").write_text("mine")
    volume.delete(call(spoken), inputs(tmp_path, "delete"))
    assert (tmp_path / "mine").exists()


def test_delete_keeps_and_names_what_penstock_has_not_made(tmp_path: Path, spoken: Spoken) -> None:
    folder = tmp_path / "volume"
    volume.create(call(spoken), inputs(folder, "delete"))
    run, server = folder / "runs" / "pretrain-1234abcd", folder / "services" / "serve" / "8000"
    for own, file in ((run, "job.json"), (server, "config.json")):
        own.mkdir(parents=True)
        (own / file).write_text("{}")
    (run / "weights").write_bytes(b"x" * 4_100_000)
    (folder / "notes.txt").write_text("mine")
    (folder / "runs" / "mine").mkdir()
    (folder / "runs" / "mine" / "plot.svg").write_text("mine")
    (folder / "models" / "llama").mkdir(parents=True)
    (folder / "models" / "llama" / "config.json").write_text("mine")  # as every model of a hub has one
    volume.delete(call(spoken), inputs(folder, "delete"))
    (said,) = spoken.lines
    assert said == (
        f"deleted 4.1 MB of runs and servers in {folder}, as onDestroy: delete asks; kept what penstock has not made: "
        f"models/llama/config.json, notes.txt, runs/mine/plot.svg; to remove it too: rm -r {folder}"
    )
    assert not run.exists()
    assert not (folder / "services").exists()
    assert (folder / "runs" / "mine" / "plot.svg").read_text() == "mine"
    volume.create(call(spoken), inputs(folder, "delete"))  # still the stack's: the next `up` takes it over


def test_delete_removes_all_of_a_volume_that_is_penstocks_alone(tmp_path: Path, spoken: Spoken) -> None:
    folder = tmp_path / "volume"
    volume.create(call(spoken), inputs(folder, "delete"))
    (folder / "runs" / "a" / "logs").mkdir(parents=True)
    (folder / "runs" / "a" / "job.json").write_text("{}")
    volume.delete(call(spoken), inputs(folder, "delete"))
    assert not folder.exists()


def test_delete_refuses_while_a_process_works_in_it(tmp_path: Path, spoken: Spoken) -> None:
    folder = tmp_path / "volume"
    volume.create(call(spoken), inputs(folder, "delete"))
    env = os.environ | {PROCESS_MARK: str(folder / "runs" / "a")}
    with subprocess.Popen([sys.executable, "-c", "input()"], env=env, stdin=subprocess.PIPE) as worker:
        with pytest.raises(PenstockError, match=f"process {worker.pid} still works in it; nothing was removed"):
            volume.delete(call(spoken), inputs(folder, "delete"))
        worker.kill()
    volume.delete(call(spoken), inputs(folder, "delete"))
    assert any(f"deleted {folder}" in line for line in spoken.lines), spoken.lines
    assert not folder.exists()
