"""The last message of a command: folded in a terminal, as it is in a pipe."""

import io
import sys

import pytest

from components.errors import Problem, SpecError
from penstock.failures import end

REFUSED = str(
    SpecError(
        [
            Problem(path="cluster.region", message=f"{'word ' * 30}end"),
            Problem(path="cluster.nodePools.train.machineType", message=f"'{'x' * 90}' is none; take another"),
        ],
        "Pulumi.mine.yaml",
    )
)


class Stream(io.StringIO):
    """An output that may be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def told(message: str, monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    stream = Stream(terminal=terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(SystemExit):
        end(message)
    return stream.getvalue()


def test_a_message_is_folded_between_words_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    heading, *lines = told(f"{REFUSED}\n\nlast", monkeypatch, terminal=True).splitlines()
    assert heading == "Pulumi.mine.yaml: 2 problems, nothing was created"
    assert [line for line in lines if len(line) > 80] == [f"      '{'x' * 90}' is none; take another"[:98]]
    assert lines[0].startswith("  cluster.region: word word")
    assert all(line.startswith("      word") for line in lines[1:3])
    assert lines[-2:] == ["", "last"]


def test_a_message_in_a_pipe_has_a_line_for_each_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(REFUSED, monkeypatch, terminal=False) == f"{REFUSED}\n"
