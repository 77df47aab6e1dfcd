"""Shortage: machines that are not to be had cost one pool, and no more than that pool's first machines."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.autoscalers import allowed, installed
from rehearsal.field.deployed import Deployment, Finding, InstalledChart, MachinePool, at
from rehearsal.field.facts import AutoscalerRow, PoolRow


def shortage(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each group of accelerators that is made with nodes where its cloud gives such a group up, and for
    all that keeps an autoscaler from the group that stands in for spare machines.
    """
    for pools in deployment.facts.pools:
        if pools.given_up and deployment.before is None:
            yield from _made_with_nodes(deployment, pools)
    for row, chart in installed(deployment):
        for spare, other in _stand_ins(deployment):
            for message in _not_reached(deployment, row, chart, spare, other):
                yield Finding(
                    rule="shortage", subject=f"pool {spare.name}", message=message, source=row.fallback_source
                )


def _made_with_nodes(deployment: Deployment, row: PoolRow) -> Iterator[Finding]:
    wanted = {pool.name for pool in deployment.pools if pool.devices}
    for one in deployment.of(row.resource):
        nodes = int(at(one.inputs if one.asked is None else one.asked, row.desired) or 0)
        name = str(at(one.inputs, row.name) or one.name)
        told = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-]).*\bfails\b")
        if nodes and name in wanted and not any(map(told.search, deployment.announced)):
            message = (
                f"{name} is made with {nodes} nodes: where their machines are not to be had the group fails, `up` with "
                "it, and everything after it is not made; make it empty, and give it its size later"
            )
            yield Finding(rule="shortage", subject=f"pool {name}", message=message, source=row.given_up)


def _stand_ins(deployment: Deployment) -> Iterator[tuple[MachinePool, MachinePool]]:
    """Pools of spare machines, each with one of other machines that takes the same pods and may be empty."""
    for spare in deployment.pools:
        for other in deployment.pools:
            if spare.spare and not other.spare and other.minimum == 0 and _alike(spare, other):
                yield spare, other


def _alike(one: MachinePool, other: MachinePool) -> bool:
    """The same machines, taints and labels, but for values of labels: that of the market differs, and their names
    where no pod asks by them."""
    shared = sum(other.labels.get(key) == value for key, value in one.labels.items())
    return (
        one.machine_type == other.machine_type
        and one.taints == other.taints
        and one.labels.keys() == other.labels.keys()
        and shared > 0
        and shared >= len(one.labels) - 1
    )


def _not_reached(
    deployment: Deployment, row: AutoscalerRow, chart: InstalledChart, spare: MachinePool, other: MachinePool
) -> Iterator[str]:
    """Reasons why pods do not come to the other pool once, and only once, spare machines are not to be had."""
    if spare.minimum:
        yield (
            f"{row.chart} may not take {spare.name} below {spare.minimum} nodes: it counts those that do not come as "
            f"coming, and adds none to {other.name}"
        )
    if row.notices_by and row.notices_by not in allowed(deployment, row):
        yield f"{row.chart} is not allowed {row.notices_by}: it waits 15 minutes for each node of {spare.name}"
    if str(at(chart.values, row.balances)).lower() == "true" and spare.labels == other.labels:
        yield f"{row.chart} spreads nodes over {spare.name} and {other.name} alike, as nothing tells them apart"
    if not _comes_first(row, chart.values, spare, other):
        yield f"{row.chart} takes {other.name} as soon as {spare.name}: no priority says which first"


def _comes_first(row: AutoscalerRow, values: Mapping[str, Any], spare: MachinePool, other: MachinePool) -> bool:
    chosen = str(at(values, row.expander) or "").split(",")
    numbers = at(values, row.priorities)
    if spare.provisioner:
        return spare.weight > other.weight
    if chosen[0] != "priority" or not isinstance(numbers, Mapping) or not spare.groups or not other.groups:
        return False
    return all(
        _priority(numbers, mine) > _priority(numbers, theirs) for mine in spare.groups for theirs in other.groups
    )


def _priority(numbers: Mapping[str, Any], group: str) -> int:
    """The largest number of which a pattern fits the group's name; one that none fits is never taken."""
    found = [int(number) for number, patterns in numbers.items() if any(re.search(one, group) for one in patterns)]
    return max(found, default=-1)
