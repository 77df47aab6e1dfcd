"""Things that are made once: complete or absent, by one process at a time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.cache import cache_root, make_once
from tools.steps import SetupError

BUILDER = """
import sys, time
from pathlib import Path
from tools.cache import make_once

def build(folder):
    (folder / "content").write_text(sys.argv[2])
    Path(sys.argv[1] + ".begun").touch()
    while not Path(sys.argv[3]).exists():
        time.sleep(0.02)

Path(sys.argv[1] + "." + sys.argv[2]).touch()
make_once(Path(sys.argv[1]), build)
"""


def start_builder(target: Path, content: str, until: Path) -> subprocess.Popen[str]:
    """A process that builds until the file is there."""
    command = [sys.executable, "-c", BUILDER, str(target), content, str(until)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.02)


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise SetupError("no")

    with pytest.raises(SetupError):
        make_once(tmp_path / "thing", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]


def test_it_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []
    for _ in range(2):
        make_once(tmp_path / "thing", made.append)
    assert len(made) == 1
    assert (tmp_path / "thing").is_dir()


def test_a_second_builder_waits_and_says_for_whom(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    first = start_builder(target, "first", tmp_path / "go")
    wait_for(tmp_path / "thing.begun")
    second = start_builder(target, "second", tmp_path / "go")
    wait_for(tmp_path / "thing.second")
    time.sleep(1.0)  # it now waits for the lock; nothing tells when it does
    (tmp_path / "go").touch()
    _, said = second.communicate(timeout=30)
    assert first.wait(timeout=30) == 0
    assert f"thing: process {first.pid} (since " in said
    assert "is making it, waiting" in said
    assert (target / "content").read_text() == "first"


def test_what_a_killed_builder_left_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    killed = start_builder(target, "killed", tmp_path / "never")
    wait_for(tmp_path / "thing.begun")
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=30)
    assert list(tmp_path.glob("thing.partial-*"))
    make_once(target, lambda folder: None)
    assert not list(tmp_path.glob("thing.partial-*"))
    assert not list(target.iterdir())


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PENSTOCK_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "penstock"
    monkeypatch.setenv("PENSTOCK_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="set PENSTOCK_CACHE to one that can"):
        make_once(tmp_path / "file" / "thing", lambda folder: None)
