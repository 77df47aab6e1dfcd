"""`penstock plan`: what a stack becomes, and why."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from components.plan.types import StackPlan


def plan(
    stack: Annotated[str, typer.Argument(help="The stack: stacks/Pulumi.STACK.yaml.")],
    as_json: Annotated[bool, typer.Option("--json", help="The whole plan as JSON.")] = False,
) -> None:
    """Show what would exist and why. Nothing is created and no engine is started."""
    from rich.console import Console

    from stacks.config import read_file
    from stacks.plan import plan_stack

    decided = plan_stack(read_file(stack), stack)
    if as_json:
        typer.echo(json.dumps(asdict(decided), indent=2))
    else:
        _show(decided, Console())


def _show(plan: "StackPlan", console: "Console") -> None:
    from rich.table import Table

    console.print(f"[bold]{plan.stack}[/] on {plan.cluster.cloud}, scheduler {plan.cluster.scheduler}\n")
    what = Table(box=None, pad_edge=False, show_header=False)
    what.add_column(style="bold")
    what.add_column(overflow="fold")
    for role, text in _rows(plan):
        what.add_row(role, text)
    console.print(what)
    console.print("\n[bold]decided for you[/]")
    for decision in (*plan.cluster.decisions, *plan.decisions):
        console.print(f"  {decision.path} = [cyan]{decision.value}[/]\n    {decision.reason}", highlight=False)
    for warning in plan.warnings:
        console.print(f"[yellow]warning[/] {warning}")


def _rows(plan: "StackPlan") -> list[tuple[str, str]]:
    rows = []
    for pool in plan.cluster.node_pools:
        machine = pool.machine
        chips = f", {machine.accelerator_count} x {machine.accelerator.name}" if machine.accelerator else ""
        size = f"{machine.cores} cores, {machine.memory_gib:.1f} GiB{chips}"
        fabric = f"{pool.collective} over {pool.fabric}"
        rows.append((f"pool {pool.name}", f"{pool.node_count} x {machine.name} ({size}), {fabric}"))
    volume = plan.cluster.volume
    rows.append(("volume", f"{volume.path}; on destroy: {volume.on_destroy}"))
    if job := plan.training:
        ranks = f"{job.nodes} x {job.ranks_per_node} ranks, about {job.memory_gib:.1f} GiB a node"
        steps = job.config["training"]["steps"]
        rows.append((f"training {job.name}", f"{ranks}, {steps} steps, in {job.run_folder}"))
    if service := plan.inference:
        urls = ", ".join(f"http://{service.host}:{port}" for port in service.ports)
        source = (
            f"training {plan.training.name}" if service.follows_training and plan.training else service.model_folder
        )
        rows.append((f"inference {service.name}", f"{urls}, model of {source}"))
    return rows
