"""The verdict over what was measured, and the form in which it is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from workloads.fabric_check.config import CheckFile
from workloads.fabric_check.pairs import slow_units
from workloads.fabric_check.transport import fell_back

MOST_BYTES = 4096
"""Of a container's termination message (Kubernetes, "Determine the Reason for Pod Failure")."""
ONE_PAIR = 2
"""Nodes of which nobody can say which one is slow, so both are named."""
MOST_NAMES = 32
MOST_PROBED = 16


class FabricState(StrEnum):
    PASS = "pass"  # noqa: S105 - a state, no password
    FAIL = "fail"
    UNKNOWN = "unknown"


EXIT = {FabricState.PASS: 0, FabricState.FAIL: 1, FabricState.UNKNOWN: 75}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that the ranks found."""

    names: Sequence[str]
    """Of the nodes."""
    units: Sequence[str]
    """Names of what was probed: the nodes, or the ranks of the only one."""
    ranks: int
    sweep: Sequence[tuple[int, float]] = ()
    """Bytes, and gigabytes per second of bus bandwidth."""
    rates: Mapping[int, float] = field(default_factory=dict)
    """By unit, gigabytes per second of its best exchange."""
    transports: Mapping[int, str] = field(default_factory=dict)
    """By node."""
    unwritable: Mapping[int, str] = field(default_factory=dict)
    """By node, why its volume cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Record of a check."""

    state: FabricState
    reason: str
    slow_nodes: tuple[str, ...] = ()
    busbw_gbps: float = 0.0
    floor_gbps: float = 0.0
    transport: str = ""
    nodes: int = 0
    ranks: int = 0
    sweep: tuple[tuple[int, float], ...] = ()
    probe: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> str:
        """One line of JSON that fits a termination message."""
        content = {
            "state": self.state.value,
            "reason": self.reason[:500],
            "slowNodes": list(self.slow_nodes[:MOST_NAMES]),
            "busbwGbps": round(self.busbw_gbps, 3),
            "floorGbps": self.floor_gbps,
            "transport": self.transport[:100],
            "nodes": self.nodes,
            "ranks": self.ranks,
            "sweep": [[size, round(rate, 3)] for size, rate in self.sweep[-8:]],
            "probe": {name: round(rate, 3) for name, rate in self.probe.items()},
        }
        text = json.dumps(content)
        return text if len(text) <= MOST_BYTES else json.dumps({**content, "probe": {}})


def judge(check: CheckFile, measured: Measured) -> Evidence:
    """The verdict: what is found bad is named, with the reason; a floor that is not known fails nobody."""
    slow = slow_units(measured.rates, check.least_share)
    fallen = [node for node, name in measured.transports.items() if check.fabric and fell_back(name)]
    busbw = measured.sweep[-1][1] if measured.sweep else 0.0
    below = 0 < busbw < check.floor_gbps
    names, units = measured.names, measured.units
    bad = {*(units[unit] for unit in slow), *(names[node] for node in (*fallen, *measured.unwritable))}
    if below and not bad and len(names) == ONE_PAIR:
        bad = set(names)
    reasons = [
        *(f"{names[node]}: {why}" for node, why in measured.unwritable.items()),
        *(f"{names[node]} fell back to TCP ({measured.transports[node]})" for node in fallen),
        *(f"{units[unit]} is slow: {_against_median(measured.rates, unit)}" for unit in slow),
        *([f"all-reduce reached {busbw:.1f} GB/s, below the floor of {check.floor_gbps:g}"] if below else ()),
    ]
    return Evidence(
        state=FabricState.FAIL if reasons else FabricState.PASS,
        reason="; ".join(reasons) or _passed(check, busbw),
        slow_nodes=tuple(sorted(bad)),
        busbw_gbps=busbw,
        floor_gbps=check.floor_gbps,
        transport=", ".join(sorted(set(measured.transports.values()))),
        nodes=len(names),
        ranks=measured.ranks,
        sweep=tuple(measured.sweep),
        probe=_slowest(measured),
    )


def _against_median(rates: Mapping[int, float], unit: int) -> str:
    middle = sorted(rates.values())[len(rates) // 2]
    return f"{rates[unit]:.3f} GB/s, and the middle one has {middle:.3f}"


def _passed(check: CheckFile, busbw: float) -> str:
    if not check.floor_gbps:
        return f"all-reduce reached {busbw:.1f} GB/s; no floor is known for it"
    return f"all-reduce reached {busbw:.1f} GB/s, the floor is {check.floor_gbps:g}"


def _slowest(measured: Measured) -> dict[str, float]:
    first = sorted(measured.rates.items(), key=lambda item: item[1])[:MOST_PROBED]
    return {measured.units[unit]: rate for unit, rate in first}
