"""The lines shown while the engine works: in a pipe, and in a terminal of 80 columns."""

import io

import pytest
from rich.console import Console

from engine.events import Diagnostic, EventPhase, ResourceStep
from penstock.live import Live

NET = ResourceStep(phase=EventPhase.FINISHED, op="create", urn="urn:pulumi:a::b::c::net", type="aws:ec2/vpc:Vpc")
SAME = ResourceStep(phase=EventPhase.FINISHED, op="same", urn="urn:pulumi:a::b::c::old", type="aws:ec2/vpc:Vpc")


def piped(*, verbose: bool = False) -> tuple[io.StringIO, Live]:
    out = io.StringIO()
    return out, Live(Console(file=out, width=80), "up", verbose=verbose)


def test_resources_are_shown_to_whom_asks_for_them() -> None:
    for verbose, expected in ((False, ""), (True, "    created aws:ec2/vpc:Vpc net\n")):
        out, shown = piped(verbose=verbose)
        with shown:
            shown.take(NET)
            shown.take(SAME)
        assert out.getvalue() == expected


def test_a_warning_is_shown_once_and_unfolded_in_a_pipe() -> None:
    out, shown = piped()
    for _ in range(2):
        shown.take(Diagnostic(severity="warning", message="pools[0]: " + "long " * 40))
    assert out.getvalue() == "    warning pools[0]: " + "long " * 40 + "\n"


def test_a_warning_of_many_lines_is_shown_whole_to_whom_asks_for_it() -> None:
    for verbose, expected in ((False, "2 pending (-v shows the rest)\n"), (True, "2 pending\n  * urn\n")):
        out, shown = piped(verbose=verbose)
        shown.take(Diagnostic(severity="warning", message="2 pending\n  * urn"))
        assert out.getvalue() == f"    warning {expected}"


def test_what_a_program_prints_is_shown_to_whom_asks_for_it() -> None:
    for verbose, expected in ((False, ""), (True, "    [red]a trace[/]\n")):
        out, shown = piped(verbose=verbose)
        shown.take(Diagnostic(severity="info#err", message="[red]a trace[/]"))
        assert out.getvalue() == expected


def test_a_pipe_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    out, shown = piped()
    shown.begin("refresh", 4)
    for clock[0] in (1.0, 14.0, 16.0, 17.0, 40.0):
        shown.take(SAME)
    assert out.getvalue() == "    refresh: 3/4 Vpc old, 16 s\n    refresh: 5 Vpc old, 40 s\n"


def test_a_terminal_gets_one_line_that_never_folds() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None)
    with Live(console, "up") as shown:
        shown.begin("up", 0)
        shown.take(
            ResourceStep(phase=EventPhase.FINISHED, op="create", urn="a::" + "n" * 200, type="a:b:SecurityGroup")
        )
        shown._progress.refresh()
    lines = out.getvalue().replace("\r", "\n").replace("\x1b[2K", "").splitlines()
    assert any("up: 1 SecurityGroup nnn" in line for line in lines)
    assert max(len(line.partition("\x1b")[0]) for line in lines) <= 80
