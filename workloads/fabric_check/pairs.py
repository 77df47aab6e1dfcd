"""Pairs of units that exchange, so that one slow unit gives itself away: pure.

A unit is a node, or a rank where there is one node. In each round every unit exchanges with another one, all at the
same time. A slow unit is slow in every round, its partner of one round in that round only: so a unit is judged by its
best round.
"""

from collections.abc import Mapping, Sequence
from statistics import median

ROUNDS = 4
"""Enough that a good unit meets a good one at least once, unless most of them are bad."""

LEAST_UNITS = 3
"""Of two, nobody can say which one is slow."""


def rounds(units: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Disjoint pairs for each round, nobody with the same partner twice: the circle method of tournaments."""
    seats = units + units % 2
    ring = list(range(1, seats))
    made = []
    for turn in range(min(ROUNDS, seats - 1)):
        order = [0, *ring[turn:], *ring[:turn]]
        pairs = ((order[i], order[-1 - i]) for i in range(seats // 2))
        made.append(tuple(pair for pair in pairs if max(pair) < units))
    return tuple(made)


def best_rates(results: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """By unit, gigabytes per second of its best round; units that were in no round are left out."""
    best: dict[int, float] = {}
    for result in results:
        for unit, rate in result.items():
            best[unit] = max(rate, best.get(unit, 0.0))
    return best


def slow_units(best: Mapping[int, float], share: float) -> tuple[int, ...]:
    """Units below that share of the median; nobody where there are fewer than three to compare."""
    if len(best) < LEAST_UNITS:
        return ()
    limit = share * median(best.values())
    return tuple(sorted(unit for unit, rate in best.items() if rate < limit))
