"""A machine that is started with a fabric has the whole of it, on the cards that carry it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.clouds import launch_of
from policies.facts import InterfaceFacts
from policies.rule import Rule
from policies.values import UNKNOWN


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Interfaces that are missing or wrong where machines are started with any of the fabric's."""
    found = launch_of(kind, inputs)
    if found is None or not found[1].has_fabric or found[1].machine_type is UNKNOWN:
        return
    cloud, launch = found
    machine = cloud.machines().get(launch.machine_type)
    if machine is None:
        yield f"it has a fabric, and {launch.machine_type} is no machine type that is known here"
        return
    fabric = [each for each in launch.interfaces if each.fabric]
    yield from _cards(launch.machine_type, machine.fabric_cards, fabric)
    yield from _places(launch.interfaces)
    if any(not each.guarded for each in fabric):
        yield "a fabric interface without a security group falls into the network's default one"


def _cards(name: str, able: Sequence[int], fabric: list[InterfaceFacts]) -> Iterator[str]:
    given = [each.card for each in fabric]
    if len(given) != len(able):
        yield f"{len(given)} fabric interfaces, but {name} has {len(able)}"
    if wrong := sorted(set(given) - set(able)):
        yield f"fabric interfaces on {_numbered(wrong)}, which on {name} carries none"
    if twice := sorted(card for card, count in Counter(given).items() if count > 1):
        yield f"more than one fabric interface on {_numbered(twice)}"


def _places(interfaces: Sequence[InterfaceFacts]) -> Iterator[str]:
    for (card, device), count in Counter((each.card, each.device) for each in interfaces).items():
        if count > 1:
            yield f"{count} interfaces at card {card}, device {device}"
    primary = [each for each in interfaces if (each.card, each.device) == (0, 0)]
    if not primary or not all(each.addressed for each in primary):
        yield "no interface with an address at card 0, device 0, where the machine's own is"


def _numbered(cards: list[int]) -> str:
    return f"card{'s' if len(cards) > 1 else ''} {', '.join(map(str, cards))}"


RULE = Rule(
    name="fabric-interfaces",
    reason="machines come up without the missing part of their fabric, and a job runs at a fraction of its speed",
    remedy="lay the interfaces out as the machine type has them, as penstock's own launch templates do",
    level="mandatory",
    check=check,
)
