"""Reach: private endpoints, and ranges that exclude the runner."""

from typing import Any

import pytest

from rehearsal.field.deployed import ApiEndpoint
from rehearsal.field.reach import reach
from tests.unit.rehearsal.field.field_cases import deployment, job


def judged(**endpoint: Any) -> list[str]:
    given: dict[str, Any] = {"cluster": "c", "is_public": True, "open_to": ("0.0.0.0/0",), **endpoint}
    one = deployment(endpoints=(ApiEndpoint(**given),), objects=(job(),))
    return [found.message for found in reach(one)]


def test_a_public_endpoint_is_reached() -> None:
    assert judged() == []
    assert judged(open_to=("8.8.8.0/24",)) == []


def test_a_private_endpoint_is_not_reached_from_outside() -> None:
    assert "only inside the network" in judged(is_public=False)[0]


@pytest.mark.parametrize("ranges", [(), ("10.0.0.0/8",), ("10.0.0.0/8", "192.168.0.0/16")])
def test_private_ranges_let_no_outside_runner_in(ranges: tuple[str, ...]) -> None:
    assert "no range" in judged(open_to=ranges)[0]


def test_a_range_of_documentation_lets_nobody_in() -> None:
    assert "nobody comes from" in judged(open_to=("203.0.113.0/24",))[0]
    assert judged(open_to=("203.0.113.0/24", "8.8.8.0/24")) == []


def test_a_stack_that_makes_nothing_inside_needs_no_endpoint() -> None:
    endpoint = ApiEndpoint(cluster="c", is_public=False)
    assert list(reach(deployment(endpoints=(endpoint,)))) == []
