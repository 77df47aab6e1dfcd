"""What runs inside a cluster, as tables for a terminal."""

from collections.abc import Iterator

from rich.table import Table

from components.plan.kubernetes import AddonPlan, InsidePlan, PoolExpectation
from penstock.tables import table


def addon_table(plan: InsidePlan) -> Table:
    """What is installed, in order, and why."""
    rows = table("add-on", "version", "namespace", "why")
    for addon in plan.platform.addons:
        rows.add_row(addon.name, _version(addon), addon.namespace, addon.reason)
    return rows


def _version(addon: AddonPlan) -> str:
    return addon.release.version if addon.release else "manifests"


def absent_table(plan: InsidePlan) -> Table:
    """The add-ons that are not installed, together where one reason holds for several."""
    by_reason: dict[str, list[str]] = {}
    for decision in plan.platform.decisions:
        if decision.value == "off":
            by_reason.setdefault(decision.reason, []).append(decision.path.rpartition(".")[2])
    rows = table("add-ons", "why not")
    for reason, names in by_reason.items():
        rows.add_row(", ".join(names), reason)
    return rows


def owner_table(plan: InsidePlan) -> Table:
    """Who does what on the cluster: one each."""
    rows = table("what", "done by", "whose", "why")
    for concern, one in sorted(plan.platform.owners.items()):
        rows.add_row(concern.value, one.by, one.owner.value, one.reason)
    return rows


def queue_table(plan: InsidePlan) -> Table:
    rows = table("queue", "its own nodes", "may borrow", "weight")
    for queue in plan.scheduler.queues:
        nodes = ", ".join(f"{count} of {pool}" for pool, count in queue.nodes.items())
        rows.add_row(queue.name, nodes, "yes" if queue.may_borrow else "no", str(queue.weight))
    return rows


def gate_lines(plan: InsidePlan) -> Iterator[str]:
    """What must be shown before queues open."""
    if plan.gate is None:
        yield "switched off: jobs start on nodes that nothing has looked at"
        return
    yield from (_expected(pool) for pool in plan.gate.pools)
    yield f"within {plan.gate.timeout_s} s, or the pool goes back to no nodes"


def _expected(pool: PoolExpectation) -> str:
    devices = ", ".join(f"{count} {name}" for name, count in pool.devices.items()) or "no devices"
    floor = f"; all-reduce at {pool.floor_gbps:g} GB/s or more ({pool.floor_source})" if pool.floor_gbps else ""
    return f"{pool.pool}: {pool.nodes} nodes, each with {devices}{floor}"
