"""A plan on one screen: verdict, pools, cost, what to do before `up`, and what runs."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from components.estimate.cost import totals
from components.plan.cluster import ClusterPlan, NodePoolPlan
from components.plan.images import Copied, ImagePlan
from components.plan.part import BillLine, Decision
from components.plan.stack import StackPlan
from components.plan.work import ServicePlan
from penstock.inside_tables import gate_summary
from penstock.tables import Line, Table, entry, folded

MOST_DECISIONS = 10
"""Decisions that are shown on the first screen; more are a section of their own."""
BLANK = Line("")


def summary(plan: StackPlan, width: int, more: Sequence[str]) -> Iterator[Line]:
    """The screen; `more` are the sections that this plan has something to show in."""
    yield from _head(plan, width)
    yield BLANK
    yield from pools(plan.cluster.node_pools, width)
    cost = tuple(_cost(plan.cluster, width))
    if cost:
        yield from (BLANK, *cost)
    todo = tuple(_before_up(plan, width))
    if todo:
        yield from (BLANK, Line("before `pulumi up`", "bold"), *todo)
    if work := tuple(_work(plan, width)):
        yield from (BLANK, *work)
    decided = decisions_of(plan)
    if len(decided) <= MOST_DECISIONS:
        yield from (BLANK, Line("decided for you", "bold"), *decision_lines(decided, width))
    yield BLANK
    shown = [name for name in more if name != "decisions" or len(decided) > MOST_DECISIONS]
    names = f"--show {','.join(shown)} or all; " if shown else ""
    yield from entry("details", f"{names}--json for programs", width)


def _head(plan: StackPlan, width: int) -> Iterator[Line]:
    cluster = plan.cluster
    place = f"{cluster.cloud} {cluster.region}".rstrip()
    parts = [
        f"Kubernetes {cluster.kubernetes.version}" if cluster.kubernetes else "",
        f"scheduler {cluster.scheduler}" if cluster.scheduler else "jobs by the control plane's own commands",
    ]
    yield Line(f"{plan.stack} on {place}: {', '.join(filter(None, parts))}", "bold")
    count = len(plan.warnings)
    warned = f"{count} warning{'' if count == 1 else 's'}" if count else "no warnings"
    yield Line(f"valid, {warned}; `pulumi preview` also asks the account or machine", "yellow" if count else "green")
    for warning in plan.warnings:
        yield from (Line(text, "yellow") for text in folded(f"warning: {warning}", width, "  ", first=""))


def pools(planned: Sequence[NodePoolPlan], width: int) -> Iterator[Line]:
    """Each pool with the cores of all its nodes, and one node's memory beside what kubelet and daemons leave of it."""
    headers = ("pool", "nodes", "machine type", "accelerators", "GiB a node", "for pods", "fabric", "Gbit/s", "cores")
    rows = [
        (
            pool.name, _nodes(pool), pool.machine.name, _chips(pool),
            f"{pool.machine.memory_gib:.0f}", f"{math.floor(pool.room.memory_gib)}", *_fabric(pool),
            f"{pool.machine.cores * pool.node_count}",
        )
        for pool in planned
    ]  # fmt: skip
    right = ("GiB a node", "for pods", "Gbit/s", "cores")
    return Table(headers, rows, right=right, drop=("cores", "Gbit/s", "fabric")).lines(width)


def _nodes(pool: NodePoolPlan) -> str:
    if pool.min_count == pool.max_count:
        return str(pool.node_count)
    return f"{pool.node_count} ({pool.min_count} to {pool.max_count})"


def _chips(pool: NodePoolPlan) -> str:
    machine = pool.machine
    return f"{machine.accelerator_count * pool.node_count} x {machine.accelerator.name}" if machine.accelerator else "-"


def _fabric(pool: NodePoolPlan) -> tuple[str, str]:
    """The fabric with its devices on a node, and what a node sends over them."""
    devices = sum(count for name, count in pool.binding.devices.items() if name.endswith(f"/{pool.fabric}"))
    return (f"{devices} x {pool.fabric}", f"{pool.machine.fabric_gbps:.0f}") if devices else (str(pool.fabric), "-")


def _cost(cluster: ClusterPlan, width: int) -> Iterator[Line]:
    """Nothing where nothing is billed and the file says neither budget nor end."""
    if cluster.bill:
        yield from _billed(cluster, width)
    elif cluster.budget_usd_per_hour is not None:
        text = f"no price is known, so the budget of ${cluster.budget_usd_per_hour:g} an hour is not checked"
        yield from entry("cost", text, width)
    if cluster.bill or cluster.expires_at:
        ends = f"{moment(cluster.expires_at)} (cluster.expiresAt)" if cluster.expires_at else "no end is set"
        yield from entry("until", f"{ends}; only `pulumi destroy` ends it", width)


def _billed(cluster: ClusterPlan, width: int) -> Iterator[Line]:
    sums, budget = totals(cluster.bill), cluster.budget_usd_per_hour
    hour, day = f"${sums.usd_per_hour:,.2f}", f"${sums.usd_per_day:,.2f} a day"
    if budget is None:
        known = f"{hour} an hour, {day}; no budget is set (cluster.budgetUsdPerHour)"
    else:
        share = 100 * sums.usd_per_hour / Decimal(str(budget))
        known = f"{hour} of ${budget:g} an hour ({share:.0f} % of the budget), {day}"
    yield from entry("cost", f"{known}; known prices only", width)
    if sums.most_usd_per_hour > sums.usd_per_hour:
        most = f"${sums.most_usd_per_hour:,.2f} an hour when every pool has its largest size"
        over = budget is not None and sums.most_usd_per_hour > Decimal(str(budget))
        checked = "; over the budget, which is held against the sizes of `up`" if over else ""
        yield from entry("  at most", f"{most}{checked}", width)
    if sums.prepaid:
        yield from entry("  prepaid", _things(sums.prepaid), width)
    if sums.unknown:
        yield from entry("  unknown", _things(sums.unknown), width)


def _things(lines: Sequence[BillLine]) -> str:
    return "; ".join(line.what if line.count == 1 else f"{line.count:g} x {line.what}" for line in lines)


def _before_up(plan: StackPlan, width: int) -> Iterator[Line]:
    yield from _quotas(plan.cluster, width)
    yield from _images(plan.images, plan.stack, width)
    yield from _dates(plan.cluster, width)
    if plan.inside:
        yield from _folded_lines(f"gate: {gate_summary(plan.inside)}", width)


def _images(images: Sequence[ImagePlan], stack: str, width: int) -> Iterator[Line]:
    """Images that a command brings to the stack's registry, and those that the user pushes elsewhere."""
    brought = [image for image in images if image.is_the_stacks]
    if brought:
        names = ", ".join(image.name for image in brought if not isinstance(image.origin, Copied))
        copies = sum(isinstance(image.origin, Copied) for image in brought)
        also = f" and {copies} copies of public ones" if copies else ""
        yield from _folded_lines(f"penstock images push {stack}: {names}{also}, in the stack's own registry", width)
    others = [image for image in images if not image.is_the_stacks]
    if others:
        yield Line("  images that their registries must have (docs/images.md)")
        yield from (Line(f"    {image.registry}/{image.name}".replace(" /", " ")) for image in others)


def _quotas(cluster: ClusterPlan, width: int) -> Iterator[Line]:
    asked = [quota for quota in cluster.quotas if quota.to_ask_for]
    if asked:
        yield Line(f"  quotas to ask for in {cluster.region}, as a new account has less")
        rows = [
            (quota.service, quota.code or "no code", f"{quota.needed:,.0f} {quota.unit}".rstrip(), quota.name)
            for quota in asked
        ]
        lines = Table(("service", "code", "needed", "quota"), rows, prose=True, indent="    ").lines(width)
        yield from list(lines)[1:]
    others = len(cluster.quotas) - len(asked)
    if others:
        yield from _folded_lines(f"{others} more quotas are within a new account's defaults (--show quotas)", width)


def _dates(cluster: ClusterPlan, width: int) -> Iterator[Line]:
    """The first line of the bill for each time that something begins."""
    begins: dict[datetime, BillLine] = {}
    for line in cluster.bill:
        if line.since:
            begins.setdefault(line.since, line)
    for since, line in sorted(begins.items()):
        until = f" to {moment(line.until)}" if line.until else " on"
        price = f", ${dollars(line.usd_per_hour)} an hour" if line.usd_per_hour else ""
        yield from _folded_lines(f"{moment(since)}{until}: {line.what}{price}", width)


def _folded_lines(text: str, width: int) -> Iterator[Line]:
    """A point of a list."""
    return (Line(line) for line in folded(text, width, "    ", first="  "))


def moment(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}Z" if when else ""


def dollars(amount: Decimal | None) -> str:
    if amount is None:
        return "unknown"
    return f"{amount:,.2f}" if not amount or amount >= Decimal("0.1") else f"{amount:.4f}"


def _work(plan: StackPlan, width: int) -> Iterator[Line]:
    volume = plan.cluster.volume
    if volume.path:
        yield from entry("volume", f"{volume.path}; on destroy: {volume.on_destroy}", width)
    if job := plan.training:
        memory = f", about {job.memory_gib:.1f} GiB a node" if job.memory_gib else ""
        ranks = f"{job.nodes} x {job.ranks_per_node} ranks{memory}"
        does = job.command[0] if job.command else f"{job.config['training']['steps']} steps"
        yield from entry("training", f"{job.name}: {ranks}, {does}, in {job.run_folder}", width)
    if service := plan.inference:
        trained = plan.training.name if service.follows_training and plan.training else ""
        source = f"training {trained}" if trained else service.model_folder
        yield from entry("inference", f"{service.name}: {_servers(service)}, model of {source}", width)


def _servers(service: ServicePlan) -> str:
    """Their addresses on one machine; their number where they are pods behind one address."""
    if not service.claim:
        return ", ".join(f"http://{service.host}:{port}" for port in service.ports)
    count, scaling = len(service.ports), service.autoscaling
    growing = f" ({scaling.min_replicas} to {scaling.max_replicas} by {scaling.by})" if scaling else ""
    return f"{count} replica{'' if count == 1 else 's'}{growing} on the pool {service.pool}"


def decisions_of(plan: StackPlan) -> tuple[Decision, ...]:
    """All that was left open, but add-ons, which have a section of their own."""
    inside = plan.inside.scheduler.decisions if plan.inside else ()
    return (*plan.cluster.decisions, *inside, *plan.decisions)


def decision_lines(decisions: Sequence[Decision], width: int) -> Iterator[Line]:
    """Each path with its value, and the reason as a comment."""
    for decision in decisions:
        yield from _folded_lines(f"{decision.path} = {decision.value} # {decision.reason}", width)
