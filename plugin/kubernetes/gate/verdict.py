"""Verdict on a gate's checks together: pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class CheckState(StrEnum):
    """Result of a check, or of all of them."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    UNKNOWN = "unknown"


class Subject(StrEnum):
    """Subject of a check. A bad node's taint has it as its value."""

    NODES = "nodes"
    DEVICES = "devices"
    VOLUME = "volume"
    FABRIC = "fabric"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    subject: Subject
    pool: str
    state: CheckState
    reason: str
    node: str = ""
    """Empty where it is of the whole pool."""

    def as_json(self) -> dict[str, str]:
        return {
            "subject": self.subject.value, "pool": self.pool, "node": self.node, "state": self.state.value,
            "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """Verdict on the cluster."""

    state: CheckState
    reason: str


def check_devices(pool: str, node: str, expected: Mapping[str, int], allocatable: Mapping[str, int]) -> Check:
    """Checks that the node offers every device that it should: the difference in words where it does not."""
    short = [
        f"{allocatable.get(name, 0)} of {count} x {name}"
        for name, count in expected.items()
        if allocatable.get(name, 0) < count
    ]
    return Check(
        subject=Subject.DEVICES,
        pool=pool,
        node=node,
        state=CheckState.FAIL if short else CheckState.PASS,
        reason=f"offers {', '.join(short)}" if short else "offers " + (_counts(expected) or "what it should"),
    )


def check_fabric(pool: str, messages: Iterable[str], floor_gbps: float, nodes: Sequence[str]) -> tuple[Check, ...]:
    """Judges the nodes' evidence: of the whole pool, and of each node that is to be kept out.

    The form of the evidence is that of workloads/fabric_check. Where nobody left any, nothing is known.
    """
    found = _strongest(messages)
    if found is None:
        reason = "no node left evidence of the fabric check"
        return (Check(subject=Subject.FABRIC, pool=pool, state=CheckState.UNKNOWN, reason=reason),)
    state, reason = CheckState(found["state"]), str(found["reason"])
    measured = float(found.get("busbwGbps", 0.0))
    if state is CheckState.PASS and measured < floor_gbps:
        state, reason = CheckState.FAIL, f"{measured:.4g} GB/s, below the floor of {floor_gbps:g}"
    bad = [name for name in found.get("slowNodes", ()) if name in nodes] if state is CheckState.FAIL else []
    whole = Check(subject=Subject.FABRIC, pool=pool, state=state, reason=reason)
    return (whole, *(Check(subject=Subject.FABRIC, pool=pool, node=one, state=state, reason=reason) for one in bad))


def conclude(expected: Mapping[str, int], checks: Sequence[Check]) -> GateVerdict:
    """`expected`: nodes of each pool. A node that failed counts as out; a pool with enough others passes without it.

    The last check of a pool's fabric is the one that counts: an earlier one may have been with a node that is out now.
    """
    failed: list[str] = []
    unknown: list[str] = []
    for pool, count in expected.items():
        own = [check for check in checks if check.pool == pool]
        bad = {check.node: check for check in own if check.node and check.state is CheckState.FAIL}
        there = {check.node for check in own if check.subject is Subject.DEVICES}
        for check in _of_the_pool(own):
            (failed if check.state is CheckState.FAIL else unknown if check.state is CheckState.UNKNOWN else []).append(
                f"{pool}: {check.subject}: {check.reason}"
            )
        if len(there - set(bad)) < count:
            failed += [f"{pool}: {name} is kept out: {check.reason}" for name, check in bad.items()]
        unknown += [f"{pool}: {one.node}: {one.reason}" for one in own if one.node and one.state is CheckState.UNKNOWN]
    if failed:
        return GateVerdict(state=CheckState.FAIL, reason="; ".join(dict.fromkeys(failed)))
    if unknown:
        return GateVerdict(state=CheckState.UNKNOWN, reason=_shortened(list(dict.fromkeys(unknown))))
    return GateVerdict(state=CheckState.PASS, reason="every node, device, volume and fabric is as it must be")


def _of_the_pool(checks: Sequence[Check]) -> list[Check]:
    """The last of each subject."""
    last = {check.subject: check for check in checks if not check.node}
    return list(last.values())


def _strongest(messages: Iterable[str]) -> Mapping[str, Any] | None:
    """Of several nodes' evidence the worst: a fail before an unknown before a pass."""
    rank = {CheckState.FAIL: 0, CheckState.UNKNOWN: 1, CheckState.PASS: 2}
    found = [one for text in messages if (one := _parsed(text)) is not None]
    return min(found, key=lambda one: rank[CheckState(one["state"])], default=None)


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None
    return found if isinstance(found, dict) and found.get("state") in set(CheckState) and "reason" in found else None


def _counts(devices: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in devices.items())


def _shortened(reasons: list[str]) -> str:
    more = f"; and {len(reasons) - 4} more" if len(reasons) > 4 else ""
    return "; ".join(reasons[:4]) + more
