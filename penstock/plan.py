"""`penstock plan`: what a stack becomes, and why."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from components.plan.kubernetes import InsidePlan
    from components.plan.types import StackPlan


def plan(
    stack: Annotated[str, typer.Argument(help="The stack, by the name or the path of its file Pulumi.STACK.yaml.")],
    as_json: Annotated[bool, typer.Option("--json", help="The whole plan as JSON.")] = False,
) -> None:
    """Show what would exist and why. Nothing is created and no engine is started."""
    from rich.console import Console

    from providers import look
    from stacks.config import read_path, stack_file
    from stacks.plan import plan_stack

    found = stack_file(stack)
    decided = plan_stack(look(read_path(found.path)), found.name)
    if as_json:
        typer.echo(json.dumps(asdict(decided), indent=2, default=str))
    else:
        _show(decided, Console(highlight=False))


def _show(plan: "StackPlan", console: "Console") -> None:
    from penstock.tables import bill_sources, bill_table, pool_table, quota_table, subnet_table, work_table

    cluster = plan.cluster
    console.print(f"[bold]{plan.stack}[/] on {cluster.cloud}, scheduler {cluster.scheduler or 'none yet'}\n")
    console.print(pool_table(cluster.node_pools))
    if cluster.subnets:
        _section(console, "addresses", subnet_table(cluster.subnets))
    if cluster.quotas:
        _section(console, "quotas the account must have", quota_table(cluster.quotas))
    if cluster.bill:
        _section(console, "billed", bill_table(cluster.bill))
    for number, source in enumerate(bill_sources(cluster.bill), start=1):
        console.print(f"[dim]({number}) {source}[/]")
    if plan.inside:
        _show_inside(plan.inside, console)
    console.print(work_table(plan))
    console.print("\n[bold]decided for you[/]")
    inside = plan.inside.scheduler.decisions if plan.inside else ()
    for decision in (*cluster.decisions, *inside, *plan.decisions):
        console.print(f"  {decision.path} = [cyan]{decision.value}[/]\n    {decision.reason}")
    for warning in plan.warnings:
        console.print(f"[yellow]warning[/] {warning}")


def _show_inside(inside: "InsidePlan", console: "Console") -> None:
    from penstock.inside_tables import absent_table, addon_table, gate_lines, owner_table, queue_table

    _section(console, f"installed on Kubernetes {inside.facts.version}", addon_table(inside))
    _section(console, "not installed; platform.addons.NAME: true installs one", absent_table(inside))
    _section(console, "who does what", owner_table(inside))
    if inside.scheduler.queues:
        _section(console, "queues", queue_table(inside))
    console.print("\n[bold]before queues open[/]")
    for line in gate_lines(inside):
        console.print(f"  {line}")
    console.print()


def _section(console: "Console", title: str, table: "Table") -> None:
    console.print(f"\n[bold]{title}[/]")
    console.print(table)
