"""Tables of what runs inside a cluster."""

from collections.abc import Iterator

from components.plan.kubernetes import AddonPlan, GatePlan, InsidePlan, PoolExpectation
from penstock.tables import Line, Table, folded


def addon_lines(plan: InsidePlan, width: int) -> Iterator[Line]:
    """Lines of the add-ons that are installed, in order, and of those that are not, with the reasons."""
    yield Line(f"installed on Kubernetes {plan.facts.version}", "bold")
    rows = [(addon.name, _version(addon), addon.namespace, addon.reason) for addon in plan.platform.addons]
    yield from Table(("add-on", "version", "namespace", "why"), rows, drop=("namespace",), prose=True).lines(width)
    off = [(one.path.rpartition(".")[2], one.reason) for one in plan.platform.decisions if one.value == "off"]
    if off:
        yield from (Line(""), Line("not installed; platform.addons.NAME: true installs one", "bold"))
        yield from Table(("add-on", "why not"), off, prose=True).lines(width)


def _version(addon: AddonPlan) -> str:
    return addon.release.version if addon.release else "manifests"


def owner_lines(plan: InsidePlan, width: int) -> Iterator[Line]:
    """The one piece of software that does each thing."""
    yield Line("who does what", "bold")
    rows = [
        (concern.value, one.by, one.owner.value, one.reason) for concern, one in sorted(plan.platform.owners.items())
    ]
    yield from Table(("what", "done by", "whose", "why"), rows, drop=("whose",), prose=True).lines(width)


def queue_lines(plan: InsidePlan, width: int) -> Iterator[Line]:
    """Queues, and the gate that opens them."""
    if plan.scheduler.queues:
        yield Line("queues", "bold")
        rows = [
            (
                queue.name,
                "yes" if queue.may_borrow else "no",
                str(queue.weight),
                ", ".join(f"{count} of {pool}" for pool, count in queue.nodes.items() if count) or "none",
            )
            for queue in plan.scheduler.queues
        ]
        headers = ("queue", "may borrow", "weight", "its own nodes")
        yield from Table(headers, rows, drop=("weight", "may borrow"), prose=True).lines(width)
        yield Line("")
    yield Line("before queues open", "bold")
    if plan.gate is None:
        yield Line("  nothing is checked: platform.gate.enabled is false")
        return
    for pool in plan.gate.pools:
        yield from (Line(text) for text in folded(_expected(pool), width, "    ", first="  "))
    yield Line(f"  within {plan.gate.timeout_s} s, or a pool that lacks nodes goes back to none")


def _expected(pool: PoolExpectation) -> str:
    devices = ", ".join(f"{count} {name}" for name, count in pool.devices.items()) or "no devices"
    floor = f"; all-reduce at {pool.floor_gbps:g} GB/s or more ({pool.floor_source})" if pool.floor_gbps else ""
    return f"{pool.pool}: {pool.nodes} nodes, each with {devices}{floor}"


def gate_summary(plan: InsidePlan) -> str:
    """The gate in a line."""
    if plan.gate is None:
        return "off, so queues open on nodes that nothing has checked"
    counts = ", ".join(f"{pool.nodes} of {pool.pool}" for pool in plan.gate.pools if pool.nodes) or "no node yet"
    return (
        f"queues open when these show all their devices: {counts}{_floors(plan.gate)}; within {plan.gate.timeout_s} s"
    )


def _floors(gate: GatePlan) -> str:
    found = [f"{pool.floor_gbps:g} GB/s on {pool.pool}" for pool in gate.pools if pool.floor_gbps]
    return f", and all-reduce reaches {', '.join(found)}" if found else ""
