"""`penstock lab`: a real Kubernetes control plane on this machine."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.stack_argument import Stack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.lab import ProcessStatus

MOST_PROCESS_NODES = 64
MOST_KWOK_NODES = 5000
"""Number of nodes that Kubernetes itself is tested with."""

app = typer.Typer(help="A real Kubernetes control plane on this machine.", no_args_is_help=True)


@app.command("up")
def up(
    nodes: Annotated[
        int, typer.Option(min=0, max=MOST_PROCESS_NODES, help="Nodes that run pods as processes of this machine.")
    ] = 2,
    kwok: Annotated[int, typer.Option(min=0, max=MOST_KWOK_NODES, help="Nodes that only say that they do.")] = 0,
) -> None:
    """Bring it up, or find it up. Its programs are brought first, once: docs/lab.md says from where."""
    from lab.lab import up as bring_up
    from lab.programs import programs_for
    from lab.shape import plain_shape

    shape = plain_shape(nodes, kwok)
    lab = bring_up(_home(), shape, programs_for(shape), say=lambda line: typer.echo(f"    {line}"))
    typer.echo(
        f"the lab is up: {nodes} process node{'' if nodes == 1 else 's'}, {kwok} KWOK node{'' if kwok == 1 else 's'}"
    )
    typer.echo(f"export KUBECONFIG={lab.kubeconfig}")


@app.command("run")
def run(stack: Stack) -> None:
    """Hand a stack's jobs in on a lab with its nodes, its platform and its queues. `penstock lab down` ends it."""
    from lab.run import run as hand_in
    from stacks.config import read_path, stack_file
    from stacks.plan import plan_stack

    found = stack_file(stack)
    plan = plan_stack(read_path(found.path), found.name, datetime.now(UTC))
    for line in hand_in(plan, _home(), lambda line: typer.echo(f"    {line}")):
        typer.echo(line)


@app.command("status")
def status(as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False) -> None:
    """Show each process: whether it serves, how often it was started again, its memory. Exits 0 only if all serve."""
    from lab.lab import find_lab

    lab = find_lab(_home())
    rows = lab.status() if lab else ()
    if as_json:
        typer.echo(json.dumps({"up": lab is not None, "processes": [asdict(row) for row in rows]}, indent=2))
    elif lab:
        _show(rows)
        typer.echo(f"export KUBECONFIG={lab.kubeconfig}")
    else:
        typer.echo("no lab is up; start one with: penstock lab up")
    if not rows or not all(row.ready for row in rows):
        raise typer.Exit(1)


@app.command("down")
def down() -> None:
    """Take it down: no process is left, nor what it stored."""
    from lab.lab import down as take_down

    count = take_down(_home())
    typer.echo(
        f"the lab is down: {count} process{'' if count == 1 else 'es'} ended, none is left"
        if count
        else "no lab was up"
    )


def _home() -> "Path":
    """The folder of the project's lab."""
    from components.project import find_project

    return find_project().folder / ".penstock" / "lab"


def _show(rows: "Sequence[ProcessStatus]") -> None:
    from rich.console import Console

    from penstock.tables import Table, show, width_of

    console = Console(highlight=False)
    cells = [(row.name, str(row.pid or ""), _state(row), str(row.restarts or ""), f"{row.rss_mib:.0f}") for row in rows]
    cells.append(("all", "", "", "", f"{sum(row.rss_mib for row in rows):.0f}"))
    headers = ("process", "pid", "state", "started again", "MiB")
    lines = Table(headers, cells, right=("pid", "MiB"), drop=("started again", "MiB")).lines(width_of(console))
    show(lines, console)


def _state(row: "ProcessStatus") -> str:
    return "ready" if row.ready else "not ready" if row.alive else "dead"
