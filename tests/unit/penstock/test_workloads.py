"""The workloads by hand, in an environment that lacks what they import."""

import importlib.util
import os
import sys

import pytest

from penstock.__main__ import main


@pytest.mark.parametrize("command", ["train", "serve", "check"])
def test_a_workload_without_torch_is_told_before_it_starts(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else object())
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("it was started"))
    monkeypatch.setattr(sys, "argv", ["penstock", command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == (
        "torch is not installed; it comes with an extra: pip install 'penstock[workloads]', in a clone `make setup`\n"
    )
