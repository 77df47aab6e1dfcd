"""A machine that is started with a fabric has the whole of it, on the cards that carry it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from policies.machines import FABRIC_INTERFACES, LAUNCH_TEMPLATE, fabric_cards, machine_types
from policies.rule import Rule
from policies.values import UNKNOWN, at, entries


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """What is missing or wrong among the interfaces of a launch template that has any of the fabric's."""
    if kind != LAUNCH_TEMPLATE:
        return
    interfaces, name = entries(inputs, "networkInterfaces"), at(inputs, "instanceType")
    fabric = [each for each in interfaces if at(each, "interfaceType") in FABRIC_INTERFACES]
    if not fabric or name is UNKNOWN:
        return
    machine = machine_types().get(name)
    if machine is None:
        yield f"it has a fabric, and {name} is no machine type that is known here"
        return
    yield from _cards(name, machine, fabric)
    yield from _places(interfaces)
    if any(not at(each, "securityGroups") for each in fabric):
        yield "a fabric interface without a security group falls into the network's default one"


def _cards(name: str, machine: Mapping[str, Any], fabric: list[Any]) -> Iterator[str]:
    able = fabric_cards(machine)
    given = [_card(each) for each in fabric]
    if len(given) != len(able):
        yield f"{len(given)} fabric interfaces, but {name} has {len(able)}"
    if wrong := sorted(set(given) - set(able)):
        yield f"fabric interfaces on {_numbered(wrong)}, which on {name} carries none"
    if twice := sorted(card for card, count in Counter(given).items() if count > 1):
        yield f"more than one fabric interface on {_numbered(twice)}"


def _places(interfaces: list[Any]) -> Iterator[str]:
    places = Counter((_card(each), int(at(each, "deviceIndex") or 0)) for each in interfaces)
    for (card, device), count in places.items():
        if count > 1:
            yield f"{count} interfaces at card {card}, device {device}"
    primary = [each for each in interfaces if _card(each) == 0 and not at(each, "deviceIndex")]
    if not primary or any(at(each, "interfaceType") == "efa-only" for each in primary):
        yield "no interface with an address at card 0, device 0, where the machine's own is"


def _card(interface: Any) -> int:
    return int(at(interface, "networkCardIndex") or 0)


def _numbered(cards: list[int]) -> str:
    return f"card{'s' if len(cards) > 1 else ''} {', '.join(map(str, cards))}"


RULE = Rule(
    name="fabric-interfaces",
    reason="machines come up without the missing part of their fabric, and a job runs at a fraction of its speed",
    remedy="make the launch template with providers.aws.nodes.build.LaunchTemplate, which lays them out by the rule",
    level="mandatory",
    check=check,
)
