"""The interval of checkpoints, against the loss that it is to make least."""

import pytest

from components.estimate.failures import best_interval_s, failure_interval_s


def lost_share(interval_s: float, stall_s: float, between_failures_s: float) -> float:
    """Share of the time that is lost: a stall each interval, and half of one with each failure."""
    cycle = interval_s + stall_s
    return stall_s / cycle + cycle / (2 * between_failures_s)


@pytest.mark.parametrize("stall_s", [0.05, 2.0, 30.0, 600.0])
@pytest.mark.parametrize("between_s", [3 * 3600.0, 200 * 3600.0])
def test_no_other_interval_loses_less(stall_s: float, between_s: float) -> None:
    best = best_interval_s(stall_s, between_s)
    least = lost_share(best, stall_s, between_s)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert least < lost_share(factor * best, stall_s, between_s)


def test_a_stall_as_long_as_the_failures_are_apart_has_no_better_interval() -> None:
    assert best_interval_s(600, 1000) == 1000


def test_sixteen_thousand_accelerators_fail_every_three_hours() -> None:
    assert failure_interval_s(16_384) / 3600 == pytest.approx(3.09, abs=0.01)
    assert failure_interval_s(256) / 3600 == pytest.approx(198, abs=1)
