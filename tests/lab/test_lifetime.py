"""A lab comes up once, is found again, and goes without a trace, whatever ends it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from components.kubernetes.api import KubernetesApi
from lab.errors import LabError
from lab.lab import Lab, down, find_lab, up
from lab.programs import programs_for
from lab.shape import plain_shape
from plugin.local.processes import Process, marked_below
from tools.lab import Tools

SMALL = plain_shape(process=0, kwok=1)
UP = """
import sys
from pathlib import Path
from lab.lab import up
from lab.programs import programs_for
from lab.shape import plain_shape
shape = plain_shape(process=0, kwok=1)
say = lambda line: print(line, flush=True)
up(Path(sys.argv[1]), shape, programs_for(shape), stays=sys.argv[2] == "stays", say=say)
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def small_tools() -> Tools:
    return programs_for(SMALL)


def living(home: Path) -> list[Process]:
    """All processes that work for the lab in this folder."""
    return marked_below(home)


def port_of(lab: Lab) -> int:
    return urlsplit(lab.access().server).port or 0


def start_up(home: Path, stays: str = "goes") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", UP, str(home), stays], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_gone(home: Path) -> None:
    end = time.monotonic() + 30
    while left := living(home):
        assert time.monotonic() < end, left
        time.sleep(0.05)


def test_up_again_finds_it_and_down_leaves_nothing(tmp_path: Path, small_tools: Tools) -> None:
    home = tmp_path / "lab"
    first = up(home, SMALL, small_tools)
    assert up(home, SMALL, small_tools).init == first.init
    with pytest.raises(LabError, match=r"another shape is up in .*penstock lab down"):
        up(home, plain_shape(process=0, kwok=2), small_tools)
    port = port_of(first)
    processes = living(home)
    assert len(processes) >= 7
    assert down(home) == len(processes) - 1  # all but unshare itself, which waits outside
    wait_gone(home)
    assert not any(process.is_alive for process in processes)
    assert not home.exists()
    with socket.create_server(("127.0.0.1", port)):
        pass  # the port is free
    assert find_lab(home) is None
    assert down(home) == 0


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("etcd ready", signal.SIGKILL),
        ("kube-apiserver ready", signal.SIGINT),
        ("up", signal.SIGKILL),
        ("up", signal.SIGINT),
    ],
)
def test_a_lab_whose_maker_is_ended_goes_with_it(tmp_path: Path, small_tools: Tools, moment: str, number: int) -> None:
    home = tmp_path / "lab"
    maker = start_up(home)
    assert maker.stdout is not None
    assert any(line.startswith(moment) for line in maker.stdout)
    assert living(home)
    if moment != "up":
        with pytest.raises(LabError, match="another command works on the lab"):
            down(home)
    maker.send_signal(number)
    maker.communicate(timeout=60)
    wait_gone(home)
    assert find_lab(home) is None


def test_a_lab_that_stays_outlives_its_maker(tmp_path: Path, small_tools: Tools) -> None:
    home = tmp_path / "lab"
    maker = start_up(home, "stays")
    assert maker.stdout is not None
    assert any(line.startswith("up") for line in maker.stdout)
    maker.kill()
    maker.communicate(timeout=60)
    lab = find_lab(home)
    assert lab is not None
    with KubernetesApi(lab.access()) as api:
        assert api.call("GET", "/readyz") == "ok"
    down(home)
    wait_gone(home)


@pytest.mark.parametrize("who", ["supervisor", "unshare"])
def test_whoever_dies_of_its_own_takes_all_along(tmp_path: Path, small_tools: Tools, who: str) -> None:
    home = tmp_path / "lab"
    lab = up(home, SMALL, small_tools)
    os.kill(lab.init.pid if who == "supervisor" else unshare_of(lab), signal.SIGKILL)
    assert lab.init.wait(30)
    wait_gone(home)
    assert find_lab(home) is None
    if who == "supervisor":
        again = up(home, SMALL, small_tools)  # over what the dead one left
        assert again.init != lab.init
        down(home)


def unshare_of(lab: Lab) -> int:
    stat = Path(f"/proc/{lab.init.pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def test_a_process_that_does_not_come_up_is_named_with_what_it_says(tmp_path: Path, small_tools: Tools) -> None:
    home = tmp_path / "lab"
    broken = tmp_path / "etcd-3"
    (broken / "bin").mkdir(parents=True)
    (broken / "bin" / "etcd").write_text("#!/bin/sh\necho the disk is made of cheese >&2\nexit 1\n")
    (broken / "bin" / "etcd").chmod(0o755)
    tools = Tools(folders={**small_tools.folders, "etcd": broken})
    with pytest.raises(LabError, match=r"etcd of the lab does not come up; it says\n.*made of cheese"):
        up(home, SMALL, tools)
    wait_gone(home)
