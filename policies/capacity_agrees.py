"""A pool and its launch template mean the same capacity."""

from collections.abc import Iterator, Sequence

from policies.clouds import pools
from policies.rule import StackResource, StackRule
from policies.values import UNKNOWN


def check(resources: Sequence[StackResource]) -> Iterator[tuple[StackResource, str]]:
    """Each pool on prepaid capacity whose template is not, or the other way round."""
    for group, pool, launches, _ in pools(resources):
        for launch in launches if pool.agrees else ():
            prepaid = (pool.is_prepaid, launch.is_prepaid)
            if UNKNOWN not in prepaid and prepaid[0] != prepaid[1]:
                yield group, f"its capacity type is {pool.capacity}, and its launch template's market {launch.market}"


RULE = StackRule(
    name="capacity-agrees",
    reason="machines are then started on demand beside capacity that is paid for, or none at all",
    remedy="set the prepaid capacity of both together, or of neither",
    level="mandatory",
    check=check,
)
