"""The search for cycles finds what the SDK's own finds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import resource_cycle_breaker as sdk

from stacks import cycles

COUNT = 7
ORIGINAL = sdk._reachable
PLACE = st.integers(0, COUNT - 1)


class _Resource:
    """Anything that dependencies can be remembered on."""


def resources(links: set[tuple[int, int]]) -> list[Any]:
    """So many resources with these dependencies, cycles and all."""
    made: list[Any] = [_Resource() for _ in range(COUNT)]
    for start, end in links:
        sdk._add_dep(made[start], made[end])
    return made


@given(links=st.sets(st.tuples(PLACE, PLACE)), start=PLACE, end=PLACE)
def test_what_is_reachable_is_what_the_sdk_says(links: set[tuple[int, int]], start: int, end: int) -> None:
    made = resources(links)
    assert cycles.reachable(made[start], made[end]) == ORIGINAL(made[start], made[end])


def test_the_sdk_uses_it_once_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "_reachable", ORIGINAL)
    cycles.install()
    first, second, *_ = resources({(0, 1)})
    assert not sdk.declare_dependency(second, first), "it would close a circle"
    assert sdk.__dict__["_reachable"] is cycles.reachable


def test_another_sdk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "_DEPENDENCIES_PROPERTY", "_elsewhere")
    with pytest.raises(AssertionError, match="in another way now"):
        cycles.install()
