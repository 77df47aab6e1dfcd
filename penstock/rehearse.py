"""`penstock rehearse`: a stack through the real engine, in a home of its own."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

PROJECT = Path(__file__).parent.parent


class What(StrEnum):
    """rehearsal.cycle.Rehearsal, which `--help` must not wait for."""

    PREVIEW = "preview"
    UP = "up"
    REFRESH = "refresh"
    DESTROY = "destroy"
    CYCLE = "cycle"


def rehearse(
    what: Annotated[What, typer.Argument(help="cycle = up, up again, refresh, destroy.")],
    stack: Annotated[str, typer.Argument(help="The stack: stacks/Pulumi.STACK.yaml.")],
    keep: Annotated[bool, typer.Option("--keep", help="Leave what was deployed for the next rehearsal.")] = False,
    faults: Annotated[Path | None, typer.Option("--faults", help="What goes wrong: docs/faults/*.yaml.")] = None,
    report: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
) -> None:
    """Run a stack through the real engine, apart from your own state. Exits 0 only if every phase did what it must."""
    from rich.console import Console

    from penstock.live import Live
    from rehearsal.cycle import Listener, Rehearsal
    from rehearsal.cycle import rehearse as run
    from rehearsal.faults import read_faults

    with Live(Console(highlight=False), f"{what} {stack}") as live:
        listener = Listener(watch=live.watch, on_phase=lambda phase: live.say(str(phase)), say=live.move)
        script = read_faults(faults) if faults else None
        done = run(Rehearsal(what), stack, project=PROJECT, keep=keep, faults=script, listener=listener)
    if report:
        report.write_text(json.dumps(done.as_json(), indent=2) + "\n")
    for line in done.account_in_words():
        typer.echo(line)
    if done.kept:
        typer.echo(f"still there: {done.kept}; `penstock rehearse destroy {stack}` takes it down")
    if not done.ok:
        raise typer.Exit(1)
