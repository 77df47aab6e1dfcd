"""Machines with accelerators have a time at which they are to be gone."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from policies.clouds import launch_of
from policies.rule import Rule

TAG = "penstock:expires"


def check(kind: str, inputs: Mapping[str, Any], now: datetime | None = None) -> Iterator[str]:
    """Machines with accelerators whose tag has no time, one that cannot be read, or one that is past."""
    found = launch_of(kind, inputs)
    if found is None or not isinstance(name := found[1].machine_type, str):
        return
    machine, expires = found[0].machines().get(name), found[1].expires
    if machine is None or not machine.accelerators:
        return
    if expires is None:
        yield f"it starts {name} and has no tag {TAG}"
    elif isinstance(expires, str):
        yield from _wrong(expires, now or datetime.now(UTC))


def _wrong(expires: str, now: datetime) -> Iterator[str]:
    try:
        at_last = datetime.fromisoformat(expires)
    except ValueError:
        yield f"its tag {TAG} is {expires!r}, which is not a time"
        return
    if at_last.tzinfo is None:
        yield f"its tag {TAG} is {expires!r}, which has no zone"
    elif at_last <= now:
        yield f"it expired at {expires}"


RULE = Rule(
    name="expiry-set",
    reason="forgotten accelerators cost more in a weekend than most machines in a year",
    remedy="set cluster.expiresAt to a future time, which tags everything, or destroy the stack",
    level="mandatory",
    check=check,
)
