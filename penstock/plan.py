"""`penstock plan`: what a stack becomes, and why."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.stack_argument import Stack

if TYPE_CHECKING:
    from components.plan.stack import StackPlan

NAMES = ("bill", "quotas", "addresses", "addons", "owners", "queues", "decisions")
"""Sections of a plan, beside its first screen."""


def _sections(text: str) -> str:
    """The same text where it names sections; else every wrong name in one refusal."""
    from components.spec.explain import suggestion

    names = [name.strip() for name in text.split(",")] if text else []
    known = [*NAMES, "all"]
    wrong = [f"{name!r} is not a section{suggestion(name, known)}" for name in names if name not in known]
    if wrong:
        raise typer.BadParameter(f"{', '.join(wrong)}; available: {', '.join(known)}")
    return text


def plan(
    stack: Stack,
    show: Annotated[
        str, typer.Option(help=f"Sections in place of the summary: {','.join(NAMES)}, or all.", callback=_sections)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The whole plan as JSON (docs/plan.md).")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Also run a step of the training on fake tensors, for the memory it takes."),
    ] = False,
) -> None:
    """Show what would exist and why. Nothing is created and no engine is started."""
    from stacks.config import read_path, stack_file
    from stacks.plan import plan_read

    if show and as_json:
        raise typer.BadParameter("--json is the whole plan already; leave one of the two out", param_hint="'--show'")
    if dry_run and as_json:
        raise typer.BadParameter("--json prints the plan alone; leave one of the two out", param_hint="'--dry-run'")
    found = stack_file(stack)
    decided = plan_read(lambda: read_path(found.path), found.name, datetime.now(UTC))
    if as_json:
        from penstock.plan_json import as_form

        typer.echo(json.dumps(as_form(decided), indent=2))
    else:
        _show(decided, tuple(name.strip() for name in show.split(",")) if show else ())
    if dry_run:
        from workloads.plan.dry_run import dry_run as measured

        typer.echo(measured(decided.training, decided.cluster.node_pools))


def _show(plan: "StackPlan", names: tuple[str, ...]) -> None:
    from rich.console import Console

    from penstock import sections, tables

    console = Console(highlight=False)
    width = tables.width_of(console)
    if not names:
        lines = sections.screen(plan, width)
    elif "all" in names:
        lines = sections.everything(plan, width)
    else:
        lines = sections.chosen(names, plan, width)
    tables.show(lines, console)
