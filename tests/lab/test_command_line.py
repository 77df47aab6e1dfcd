"""`penstock lab`, as a user types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.kubernetes.kubeconfig import read_kubeconfig
from penstock import lab as command


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "_home", lambda: tmp_path / "lab")
    return tmp_path / "lab"


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command.app, arguments, catch_exceptions=False)
    return done.exit_code, done.output


def test_up_status_down(home: Path) -> None:
    code, said = run("up", "--nodes", "0", "--kwok", "1")
    assert code == 0
    assert "kube-apiserver ready after" in said
    assert f"export KUBECONFIG={home / 'kubeconfig'}" in said
    assert read_kubeconfig(home / "kubeconfig").server.startswith("https://127.0.0.1:")

    code, said = run("status", "--json")
    shown = json.loads(said)
    assert (code, shown["up"]) == (0, True)
    assert {row["name"] for row in shown["processes"]} >= {"etcd", "kube-apiserver", "kwok", "door"}
    code, said = run("status")
    assert code == 0
    assert "kube-scheduler" in said

    code, said = run("down")
    assert (code, said) == (0, "the lab is down: 7 processes ended, none is left\n")


def test_where_none_is_up() -> None:
    assert run("status", "--json") == (1, json.dumps({"up": False, "processes": []}, indent=2) + "\n")
    assert run("status") == (1, "no lab is up; start one with: penstock lab up\n")
    assert run("down") == (0, "no lab was up\n")


@pytest.mark.parametrize("arguments", [("--nodes", "-1"), ("--nodes", "65"), ("--kwok", "5001"), ("--kwok", "many")])
def test_counts_that_cannot_be(arguments: tuple[str, str]) -> None:
    code, said = run("up", *arguments)
    assert code == 2
    assert f"Invalid value for '{arguments[0]}'" in said
