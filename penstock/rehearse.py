"""`penstock rehearse`: a stack through the real engine, in a home of its own."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.stack_argument import Stack

if TYPE_CHECKING:
    from rich.console import Console

    from rehearsal.cycle import Phase, Report


class What(StrEnum):
    """rehearsal.cycle.Rehearsal, which `--help` must not wait for."""

    PREVIEW = "preview"
    UP = "up"
    REFRESH = "refresh"
    DESTROY = "destroy"
    CYCLE = "cycle"


def rehearse(
    what: Annotated[What, typer.Argument(help="cycle = up, up again, refresh, destroy.")],
    stack: Stack,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what was deployed for the next rehearsal.")] = False,
    faults: Annotated[Path | None, typer.Option("--faults", help="A script of what goes wrong: docs/faults.")] = None,
    report: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every resource, and all that programs print.")
    ] = False,
) -> None:
    """Run a stack through the real engine, apart from your own state. Exits 0 only if every phase did what it must."""
    from rich.console import Console

    from components.errors import PenstockError
    from components.project import find_project, find_stack
    from penstock.live import Live
    from penstock.output_file import output_file
    from rehearsal.cycle import Listener, Rehearsal
    from rehearsal.cycle import rehearse as run
    from rehearsal.faults import read_faults

    found = find_stack(stack)
    if found.project is None:
        folder = find_project().stack_folder
        raise PenstockError(f"{found.path}: is not among the project's stack files; copy it to {folder}/ first")
    script = read_faults(faults) if faults else None
    console = Console(highlight=False, markup=False, soft_wrap=True)
    with output_file(report) as write:
        with Live(console, f"{what} {found.name}", verbose=verbose) as live:
            listener = Listener(
                watch=live.watch, on_begin=live.begin, on_phase=_Table(console, verbose=verbose).add, say=live.move
            )
            done = run(
                Rehearsal(what), found.name, project=found.project.folder, keep=keep, faults=script, listener=listener
            )
        write(json.dumps(done.as_json(), indent=2) + "\n")
    _conclude(done, console)
    if not done.ok:
        raise typer.Exit(1)


class _Table:
    """The phases as they end, a line each, under one title. Warnings that come before the first stand above it."""

    def __init__(self, console: "Console", *, verbose: bool) -> None:
        self._console, self._verbose, self._is_begun = console, verbose, False

    def add(self, phase: "Phase") -> None:
        from rich.markup import escape

        from penstock.live import indented
        from penstock.summary import TITLE, details, row

        if not self._is_begun:
            self._console.print(TITLE, style="bold")
        self._is_begun = True
        self._console.print(row(phase), style="red" if phase.problem and not phase.repeated else None)
        for line in details(phase, verbose=self._verbose):
            indented(self._console, escape(line))


def _conclude(done: "Report", console: "Console") -> None:
    from penstock.summary import verdict

    console.print()
    for line in (*done.notes, *done.account_in_words()):
        console.print(line)
    if done.kept:
        console.print(f"still there: {done.kept}; `penstock rehearse destroy {done.stack}` takes it down")
    console.print(verdict(done), style="green" if done.ok else "red", soft_wrap=not console.is_terminal)
