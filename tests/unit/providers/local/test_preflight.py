"""Obstacles of this machine for a stack."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers.local import preflight
from providers.local.volume_folder import MARKER
from stacks.plan import plan_stack
from tests.clock import NOW

BATCH = {"sequences": 4, "microSequences": 2}

LISTEN = """
import socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


def plan(volume: Path, **parts: Any) -> StackPlan:
    pool = {"name": "here", "machineType": "this-machine"}
    config = {
        "cluster": {"cloud": "local", "nodePools": [pool]},
        "storage": {"volume": {"path": str(volume)}},
        **parts,
    }
    return plan_stack(parse_stack({f"penstock:{key}": value for key, value in config.items()}, "x"), "mine", NOW)


def obstacles(volume: Path, **parts: Any) -> list[str]:
    return [str(problem) for problem in preflight(plan(volume, **parts))]


@pytest.fixture
def stranger(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port that another process listens on; its arguments end with the test's parameter, if any."""
    extra = [request.param] if hasattr(request, "param") else []
    process = subprocess.Popen(
        [sys.executable, "-c", LISTEN, *extra], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.communicate()


def test_nothing_is_in_the_way_of_the_default_run(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert obstacles(tmp_path / "new" / "folder", training={}, inference={"port": port}) == []
    assert not (tmp_path / "new").exists(), "looking creates nothing"


def test_a_port_in_use_names_its_holder(tmp_path: Path, stranger: int) -> None:
    (problem,) = obstacles(tmp_path / "volume", training={}, inference={"port": stranger})
    assert problem.startswith(f"inference.port: 127.0.0.1:{stranger} cannot be listened on (Address already in use")
    assert "held by process" in problem
    assert problem.endswith("choose another port")


@pytest.mark.parametrize("stranger", ["/data/mine/services/serve/8000/server.json"], indirect=True)
def test_the_stacks_own_server_is_not_in_the_way(stranger: int) -> None:
    from providers.local.preflight import port_problem

    assert port_problem("127.0.0.1", stranger, "/data/mine/services/serve") == ""
    assert "held by process" in port_problem("127.0.0.1", stranger, "/data/other")


def test_replicas_past_the_last_port_are_refused(tmp_path: Path) -> None:
    found = obstacles(tmp_path / "volume", training={}, inference={"port": 65535, "replicas": 2})
    assert any("inference.replicas: the ports from inference.port on end at 65535" in problem for problem in found)


def test_an_address_that_this_machine_has_not(tmp_path: Path) -> None:
    (problem,) = obstacles(tmp_path / "volume", training={}, inference={"host": "203.0.113.9"})
    assert problem.startswith("inference.port: 203.0.113.9:8000 cannot be listened on")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing", None, "does not exist"),
        ("empty", "", "holds no text"),
        ("short", "a few words", "has 11 bytes to train on, but one batch of 4 sequences of 256 tokens needs"),
    ],
)
def test_a_corpus_that_cannot_be_learned_from(tmp_path: Path, name: str, content: str | None, expected: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    (problem,) = obstacles(tmp_path / "volume", training={"data": {"text": {"files": str(file)}}, "batch": BATCH})
    assert problem.startswith("training.data")
    assert expected in problem


def test_a_volume_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    (problem,) = obstacles(file / "volume", training={})
    assert problem.startswith("storage.volume.path: ")
    assert "is not a folder that this user can write to" in problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_volume_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (problem,) = obstacles(tmp_path / "volume", training={})
    assert "is not a folder that this user can write to" in problem


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (10 * 2**20, "has 10.5 MB free, at least 268.4 MB are needed; free some space, or name a folder"),
        (300 * 2**20, "fewer checkpoints (training.checkpoint.keep) need less"),
    ],
)
def test_a_disk_too_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: str) -> None:
    usage = type("Usage", (), {"free": free, "total": 10**12})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    model = {"layers": 4, "width": 512, "heads": 4, "kvHeads": 2, "vocabulary": 8192, "context": 256}
    (problem,) = obstacles(tmp_path, training={"model": model})
    assert problem.startswith("storage.volume.path: ")
    assert expected in problem


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (problem,) = obstacles(tmp_path, training={})
    assert problem == (
        f"storage.volume.path: {tmp_path} holds an entry that is not penstock's, such as 'thesis.txt'; name an empty "
        "or a new folder"
    )


def test_the_volume_of_another_stack_is_refused_and_ones_own_is_not(tmp_path: Path) -> None:
    marker = tmp_path / MARKER
    marker.write_text(json.dumps({"owner": "penstock/mine/mine-volume"}))
    assert obstacles(tmp_path, training={}) == []
    marker.write_text(json.dumps({"owner": "penstock/theirs/theirs-volume"}))
    (problem,) = obstacles(tmp_path, training={})
    assert f"{tmp_path} is the volume of penstock/theirs/theirs-volume, this one is stack mine" in problem


def test_a_file_system_that_keeps_no_files_is_refused() -> None:
    (problem,) = obstacles(Path("/proc/penstock"), training={})
    assert problem.startswith("storage.volume.path: /proc is on a file system that keeps no files; name a folder")


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (problem,) = obstacles(tmp_path / "link", training={})
    assert "is a link to a folder that does not exist" in problem


def test_a_model_path_without_a_model_is_refused(tmp_path: Path) -> None:
    (problem,) = obstacles(tmp_path / "volume", inference={"model": {"path": str(tmp_path)}, "port": 18999})
    assert problem.startswith("inference.model.path: ")
    assert "give the folder of a finished run or its export" in problem


def test_libraries_that_are_not_installed_are_named_with_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "xxhash"):
        monkeypatch.setitem(sys.modules, name, None)
    (told,) = obstacles(tmp_path / "v", training={"batch": BATCH}, inference={"model": {"path": "/nope"}})
    assert told.startswith("training: torch and xxhash not installed; run `make setup`, or pip install 'penstock[work")
