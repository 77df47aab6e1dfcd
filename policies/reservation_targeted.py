"""Machines are started from the capacity that is paid for: the reservation or capacity block, by its id."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.clouds import launch_of, pool_of
from policies.facts import Launch
from policies.rule import Rule


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Launch templates and pools that mean a reservation and do not name it."""
    launched, pooled = launch_of(kind, inputs), pool_of(kind, inputs)
    if pooled and pooled[1].is_prepaid is True and pooled[1].names_no_reservation:
        yield pooled[1].names_no_reservation
    elif launched:
        yield from _template(launched[1])


def _template(launch: Launch) -> Iterator[str]:
    reservation = launch.reservation
    if launch.is_prepaid is True and not (reservation and reservation.id):
        yield "it buys from a capacity block and names none"
    elif reservation and reservation.untargeted:
        yield reservation.untargeted
    if reservation and reservation.id and reservation.outside:
        yield f"it names a reservation and says {reservation.outside!r}, which lets machines start outside it"


RULE = Rule(
    name="reservation-targeted",
    reason="a reservation that no machine is started from is paid for all the same, and the machines again",
    remedy="set market type, the id of the reservation as target, and the capacity type of the pool together",
    level="mandatory",
    check=check,
)
