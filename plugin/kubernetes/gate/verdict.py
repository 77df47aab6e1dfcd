"""Verdict on a gate's checks together: pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class CheckState(StrEnum):
    """Result of a check, or of all of a pool's."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    UNKNOWN = "unknown"


class GateState(StrEnum):
    """Result of a gate."""

    PASS = "pass"  # noqa: S105 (no password)
    PARTIAL = "partial"
    """Some pools failed and stay shut; the others are open."""
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

    @classmethod
    def from_json(cls, found: Mapping[str, str]) -> Self:
        return cls(
            subject=Subject(found["subject"]), pool=found["pool"], node=found["node"], state=CheckState(found["state"]),
            reason=found["reason"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolVerdict:
    """Verdict on one pool."""

    state: CheckState
    reason: str
    """Empty for a pass."""
    lacks_only_nodes: bool
    """True if its fabric was not found bad: work that runs on the nodes it has may go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """Verdict on the cluster."""

    state: GateState
    reason: str
    shut: Mapping[str, str]
    """The pools that failed, each with its reason."""
    open: frozenset[str]
    """The pools on which work may start."""


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


def conclude(expected: Mapping[str, int], checks: Sequence[Check], opened: Collection[str] = ()) -> GateVerdict:
    """Judges the pools one by one. `expected`: nodes of each pool; `opened`: pools on which work could start before.

    A pool that was open and now lacks nodes stays open for the work that it has. The whole fails only where no pool is
    fit: none of which nodes were expected or that was open has passed.
    """
    found = {pool: judge(pool, count, checks) for pool, count in expected.items()}
    shut = {pool: one.reason for pool, one in found.items() if one.state is CheckState.FAIL}
    fit = {pool for pool, count in expected.items() if pool not in shut and (count or pool in opened)}
    still = {pool for pool in shut if pool in opened and found[pool].lacks_only_nodes}
    unknown = [f"{pool}: {one.reason}" for pool, one in found.items() if one.state is CheckState.UNKNOWN]
    if shut:
        state, reason = GateState.PARTIAL if fit else GateState.FAIL, "; ".join(f"{key}: {shut[key]}" for key in shut)
    elif unknown:
        state, reason = GateState.UNKNOWN, "; ".join(unknown)
    else:
        state, reason = GateState.PASS, "every node, device, volume and fabric is as it must be"
    return GateVerdict(state=state, reason=reason, shut=shut, open=frozenset(fit | still))


def judge(pool: str, count: int, checks: Sequence[Check]) -> PoolVerdict:
    """Verdict on a pool of `count` nodes. A node that failed counts as out; with enough others the pool passes.

    The last check of its fabric is the one that counts: an earlier one may have been with a node that is out now.
    """
    own = [check for check in checks if check.pool == pool]
    whole = _of_the_pool(own)
    bad = {check.node: check for check in own if check.node and check.state is CheckState.FAIL}
    there = {check.node for check in own if check.subject is Subject.DEVICES}
    failed = [f"{check.subject}: {check.reason}" for check in whole if check.state is CheckState.FAIL]
    if len(there - set(bad)) < count:
        failed += [f"{name} is kept out: {check.reason}" for name, check in bad.items()]
    unknown = [f"{check.subject}: {check.reason}" for check in whole if check.state is CheckState.UNKNOWN]
    unknown += [f"{one.node}: {one.reason}" for one in own if one.node and one.state is CheckState.UNKNOWN]
    state = CheckState.FAIL if failed else CheckState.UNKNOWN if unknown else CheckState.PASS
    return PoolVerdict(
        state=state,
        reason="; ".join(dict.fromkeys(failed)) or _shortened(list(dict.fromkeys(unknown))),
        lacks_only_nodes=all(check.state is not CheckState.FAIL or check.subject is Subject.NODES for check in whole),
    )


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
