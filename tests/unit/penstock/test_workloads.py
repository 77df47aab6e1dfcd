"""The workloads by hand, in an environment that lacks what they import."""

import importlib.util
import os

import pytest
import typer

from components.errors import PenstockError
from penstock import workloads


@pytest.mark.parametrize("command", [workloads.train, workloads.serve, workloads.check])
def test_a_workload_without_torch_is_told_before_it_starts(command: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("it was started"))
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    assert callable(command)
    with pytest.raises(PenstockError, match=r"torch is not installed in this environment .*; run `make setup`"):
        command(context)
