"""Machines with accelerators have a time at which they are to be gone."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from policies.machines import LAUNCH_TEMPLATE, machine_types
from policies.rule import Rule
from policies.values import UNKNOWN, at

TAG = "penstock:expires"


def check(kind: str, inputs: Mapping[str, Any], now: datetime | None = None) -> Iterator[str]:
    """A launch template of accelerators whose tag has no time, one that cannot be read, or one that is past."""
    if kind != LAUNCH_TEMPLATE or not _has_accelerators(at(inputs, "instanceType")):
        return
    expires = _tag(inputs)
    if expires is None:
        yield f"it starts {inputs['instanceType']} and has no tag {TAG}"
    elif isinstance(expires, str):
        yield from _wrong(expires, now or datetime.now(UTC))


def _has_accelerators(name: Any) -> bool:
    return isinstance(name, str) and "accelerator" in machine_types().get(name, {})


def _tag(inputs: Mapping[str, Any]) -> Any:
    own, all_of_them = at(inputs, "tags", TAG), at(inputs, "tagsAll", TAG)
    return UNKNOWN if UNKNOWN in (own, all_of_them) else own or all_of_them


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
