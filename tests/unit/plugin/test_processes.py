"""Processes known by pid and start, and found by their mark."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from components.labels import PROCESS_MARK
from plugin.local.processes import Process, clean_environment, kill, marked, stop

SLEEP = "import time; time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"


def known(pid: int) -> Process:
    process = Process.of(pid)
    assert process
    return process


def test_another_process_with_the_pid_is_not_taken_for_it() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as child:
        process = known(child.pid)
        earlier = replace(process, started="another boot/1")
        assert process.is_alive
        assert not earlier.is_alive
        earlier.signal(signal.SIGKILL)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        child.kill()


def test_a_zombie_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as child:
        process = known(child.pid)
        child.kill()
        assert process.wait(10)
        assert Process.of(child.pid) is None


def test_a_record_is_read_back_and_rubbish_is_none() -> None:
    myself = known(os.getpid())
    assert Process.parse(myself.record()) == myself
    assert Process.parse({"pid": "7"}) is None
    assert Process.parse(None) is None


def test_marked_processes_are_found_wherever_they_hang(tmp_path: Path) -> None:
    """A grandchild in a session of its own, whose parent is gone."""
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
    subprocess.run([sys.executable, "-c", script], env=os.environ | {PROCESS_MARK: str(tmp_path)}, check=True)
    assert len(marked(tmp_path)) == 1
    assert not marked(tmp_path / "other")
    assert kill(tmp_path) == 1
    assert not marked(tmp_path)


def test_who_does_not_listen_is_killed(tmp_path: Path) -> None:
    env = os.environ | {PROCESS_MARK: str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", DEAF], env=env, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"deaf\n"
        told: list[float] = []
        assert stop(known(child.pid), tmp_path, 0.5, told.append) is False
        assert told[0] == pytest.approx(0, abs=0.1)
        assert child.wait(10) == -signal.SIGKILL


def test_who_listens_ends_by_itself(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP], env=os.environ | {PROCESS_MARK: str(tmp_path)}) as child:
        time.sleep(0.1)
        assert stop(known(child.pid), tmp_path, 30, lambda _: None) is True
        assert child.wait(10) == -signal.SIGTERM


def test_the_engines_variables_do_not_reach_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "hunter2")
    env = clean_environment(tmp_path, "dev", {"OMP_NUM_THREADS": "1"})
    assert not [name for name in env if name.startswith("PULUMI_")]
    assert env["OMP_NUM_THREADS"] == "1"
    assert env["PENSTOCK_STACK"] == "dev"
