"""The parts of a plan as tables for a terminal."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich.table import Table

from components.estimate.cost import known_usd_per_hour
from components.plan.types import BillLine, NodePoolPlan, QuotaNeed, StackPlan, SubnetPlan


def table(*headers: str) -> Table:
    """An empty one with those columns, which fold where they are too long."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for header in headers:
        made.add_column(header, overflow="fold")
    return made


def pool_table(pools: Sequence[NodePoolPlan]) -> Table:
    """Each pool with what all its nodes hold together."""
    rows = table("pool", "nodes", "machine type", "cores", "memory GiB", "accelerators", "fabric")
    for pool in pools:
        machine, count = pool.machine, pool.node_count
        chips = f"{machine.accelerator_count * count} x {machine.accelerator.name}" if machine.accelerator else "-"
        rows.add_row(
            pool.name, _nodes(pool), machine.name, f"{machine.cores * count}", f"{machine.memory_gib * count:.0f}",
            chips, _fabric(pool),
        )  # fmt: skip
    return rows


def _nodes(pool: NodePoolPlan) -> str:
    if pool.min_count == pool.max_count:
        return str(pool.node_count)
    return f"{pool.node_count} ({pool.min_count} to {pool.max_count})"


def _fabric(pool: NodePoolPlan) -> str:
    devices = sum(count for name, count in pool.binding.devices.items() if name.endswith(f"/{pool.fabric}"))
    each = f" x {devices} a node, {pool.machine.fabric_gbps:.0f} Gbit/s" if devices else ""
    return f"{pool.collective} over {pool.fabric}{each}"


def subnet_table(subnets: Sequence[SubnetPlan]) -> Table:
    """Each subnet with the addresses that are free when every pool has grown to its largest."""
    rows = table("subnet", "zone", "range", "usable", "needed", "free")
    for subnet in subnets:
        free = subnet.usable - subnet.needed
        rows.add_row(
            subnet.name, subnet.zone, subnet.cidr, f"{subnet.usable:,}", f"{subnet.needed:,}", f"{free:,}"
        )  # fmt: skip
    return rows


def quota_table(quotas: Sequence[QuotaNeed]) -> Table:
    rows = table("service", "code", "quota", "needed", "for")
    for quota in quotas:
        rows.add_row(quota.service, quota.code, quota.name, f"{quota.needed:,.0f} {quota.unit}", quota.reason)
    return rows


def bill_table(bill: Sequence[BillLine]) -> Table:
    """Each line with its price and the number of its source, then the sum of those that have a price."""
    sources = bill_sources(bill)
    rows = table("what", "count", "$ an hour", "from", "until", "price")
    for line in bill:
        rows.add_row(
            line.what, f"{line.count:g}", _dollars(line.usd_per_hour), _when(line.since, "up"),
            _when(line.until, "destroy"), f"({sources.index(line.source) + 1})",
        )  # fmt: skip
    unknown = sum(line.usd_per_hour is None for line in bill)
    rows.add_row("[bold]together[/]", "", f"[bold]{_dollars(known_usd_per_hour(bill))}[/]", "", "", "")
    rows.add_row(f"and {unknown} lines without a known price" if unknown else "", "", "", "", "", "")
    return rows


def bill_sources(bill: Sequence[BillLine]) -> tuple[str, ...]:
    """Where the prices come from, each once, in the order of the lines."""
    return tuple(dict.fromkeys(line.source for line in bill))


def _dollars(amount: Decimal | None) -> str:
    if amount is None:
        return "unknown"
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def _when(moment: datetime | None, otherwise: str) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z" if moment else otherwise


def work_table(plan: StackPlan) -> Table:
    """The volume, the training run and the service."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for role, text in _work(plan):
        table.add_row(role, text)
    return table


def _work(plan: StackPlan) -> list[tuple[str, str]]:
    volume = plan.cluster.volume
    rows = [("volume", f"{volume.path}; on destroy: {volume.on_destroy}")] if volume.path else []
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
