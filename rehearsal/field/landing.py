"""Landing: every daemon that a node needs tolerates the node's taints. Rows are facts of the real charts."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, InstalledChart, MachinePool, at
from rehearsal.field.pods import quantity, untolerated

EVERY_NODE, ACCELERATORS = "every node", "accelerators"


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonRow:
    """A DaemonSet of a chart, as the chart renders it."""

    chart: str
    version: str
    daemon: str
    on: str
    """The nodes that need it: all, those with accelerators, or those with the device of this name."""
    effect: str
    """Consequence where it does not land."""
    source: str
    tolerations: tuple[Mapping[str, Any], ...] = ()
    tolerations_at: str = ""
    """Path of the chart's values that sets them; with `adds_tolerations` it adds to them."""
    adds_tolerations: bool = False
    enabled_at: str = ""
    enabled: bool = True
    """Unless the values say otherwise."""
    architectures: tuple[str, ...] = ("amd64", "arm64")
    cpu: str = "0"
    memory: str = "0"

    def is_on(self, chart: InstalledChart) -> bool:
        said = at(chart.values, self.enabled_at) if self.enabled_at else None
        return self.enabled if said is None else bool(said)

    def why_not(self, chart: InstalledChart, pool: MachinePool) -> str:
        """The reason for which it does not come onto the pool's nodes, "" where it does."""
        if pool.architecture not in self.architectures:
            return f"runs only on {', '.join(self.architectures)}, and the nodes are {pool.architecture}"
        taint = untolerated(pool.taints, self.tolerations_in(chart))
        return f"does not tolerate {taint['key']}={taint.get('value', '')}:{taint['effect']}" if taint else ""

    def tolerations_in(self, chart: InstalledChart) -> tuple[Mapping[str, Any], ...]:
        said: Any = chart.values
        for part in self.tolerations_at.split(".") if self.tolerations_at else ("",):
            said = said.get(part) if isinstance(said, Mapping) else None
        if said is None:
            return self.tolerations
        return (*self.tolerations, *said) if self.adds_tolerations else tuple(said)


def landing(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each daemon that stays off nodes that need it."""
    for row, chart in daemons(deployment):
        for pool in deployment.pools:
            reason = row.why_not(chart, pool) if needs(pool, row.on) else ""
            if reason:
                yield Finding(
                    rule="landing", subject=f"{row.daemon} on {pool.name}",
                    message=f"{row.daemon} of {row.chart} {reason}: {row.effect}", source=row.source,
                )  # fmt: skip


def daemons(deployment: Deployment) -> Iterator[tuple[DaemonRow, InstalledChart]]:
    """The daemons of the charts that are installed."""
    for chart in deployment.charts:
        for row in daemon_rows():
            if row.chart == chart.chart and row.is_on(chart):
                yield row, chart


def asked_by_daemons(deployment: Deployment, pool: MachinePool) -> tuple[int, int]:
    """Cpu in thousandths and memory in KiB that daemons hold on each node of the pool: as they are there, else as
    charts bring them."""
    if pool.daemons is not None:
        return pool.daemons
    landed = [row for row, chart in daemons(deployment) if needs(pool, row.on) and not row.why_not(chart, pool)]
    cpu = sum(quantity(row.cpu) for row in landed)
    memory = sum(quantity(row.memory) for row in landed)
    return int(cpu * 1000), int(memory / 1024)


def needs(pool: MachinePool, on: str) -> bool:
    """Holds for the nodes that a daemon is for."""
    return on == EVERY_NODE or (on == ACCELERATORS and has_accelerators(pool)) or on in pool.devices


def has_accelerators(pool: MachinePool) -> bool:
    """Holds where a node has a device that computes, and not only a fabric."""
    return any(name.endswith(("/gpu", "/neuron", "/tpu")) or ".com/mig-" in name for name in pool.devices)


@cache
def daemon_rows() -> tuple[DaemonRow, ...]:
    rows = tomllib.loads((Path(__file__).parent / "daemons.toml").read_text())["daemon"]
    lists = ("tolerations", "architectures")
    return tuple(DaemonRow(**{**row, **{name: tuple(row[name]) for name in lists if name in row}}) for row in rows)
