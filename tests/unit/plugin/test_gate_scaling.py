"""Pools that the gate has set to no nodes get their size back when it looks again."""

from typing import Any

import pytest

from plugin.kubernetes.gate import run as subject

SCALER = {"cloud": "fog", "group": "train-group"}
POOLS = [{"pool": name, "nodes": 4} for name in ("train", "serve", "edge")]


class Operations:
    """A cloud that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def restore(self, scaler: dict[str, str], nodes: int) -> None:
        self.asked.append((scaler["group"], nodes))


class Voice:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Call:
    def __init__(self) -> None:
        self.voice = Voice()


def test_restore_resizes_the_pools_that_were_emptied_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clouds = {"fog": Operations()}
    monkeypatch.setattr(subject, "operations", clouds.__getitem__)
    call: Any = Call()
    inputs = {"pools": POOLS, "scalers": {"train": SCALER, "serve": SCALER | {"group": "serve-group"}}}
    subject._Gate(call, Any, inputs).restore(["train", "edge"])  # type: ignore[arg-type]
    assert clouds["fog"].asked == [("train-group", 4)]
    assert call.voice.said == ["train is set to 4 nodes again"]
