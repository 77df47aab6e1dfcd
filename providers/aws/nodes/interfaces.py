"""The network interfaces of a node, by one rule from its machine type's row; and the addresses and pods they allow.

The rule is AWS's own recommendation (EC2 User Guide, "Maximize network bandwidth on Amazon EC2 instances with multiple
network cards"): the primary interface carries addresses only, and each card that takes EFA has one of `efa-only`,
on device 1 of card 0, which it shares with the primary, on device 0 of the others. An `efa-only` one has no address.
"""

from math import ceil

from providers.aws.catalog import AwsMachine
from providers.aws.types import MOST_PODS, Interface

PRIMARY = Interface(card=0, device=0, kind="interface")

HOST_NETWORK_PODS = 2
"""EKS counts two pods of a node as having the node's own address: the network plugin and kube-proxy."""


def interfaces(machine: AwsMachine, *, fabric: bool) -> tuple[Interface, ...]:
    """All interfaces of a node, the primary first; with its whole fabric, or without any."""
    if not (fabric and machine.max_efa):
        return (PRIMARY,)
    cards = machine.efa_cards or tuple(index for index, card in enumerate(machine.cards) if card.efa)
    return (PRIMARY, *(Interface(card=card, device=0 if card else 1, kind="efa-only") for card in cards))


def max_pods(machine: AwsMachine, layout: tuple[Interface, ...]) -> int:
    """Pods of one node: EKS's formula, interfaces x (addresses - 1) + 2, and 110 at most.

    The VPC CNI plugin gives pods addresses from card 0 only, and an `efa-only` interface there leaves one fewer. Each
    interface keeps one address for itself.
    """
    for_pods = _address_interfaces(machine, layout) * (machine.addresses_per_interface - 1)
    return min(for_pods + HOST_NETWORK_PODS, MOST_PODS)


def addresses_per_node(machine: AwsMachine, layout: tuple[Interface, ...]) -> int:
    """Addresses of a subnet that one node holds at `max_pods`.

    The VPC CNI plugin takes an interface's addresses all at once, and keeps one interface in spare (WARM_ENI_TARGET=1):
    (ceil(pods with an address / (addresses - 1)) + 1) x addresses, as far as the machine has interfaces.
    """
    pods = max_pods(machine, layout) - HOST_NETWORK_PODS
    in_use = ceil(pods / (machine.addresses_per_interface - 1))
    return min(in_use + 1, _address_interfaces(machine, layout)) * machine.addresses_per_interface


def _address_interfaces(machine: AwsMachine, layout: tuple[Interface, ...]) -> int:
    on_first_card = sum(interface.card == 0 and interface.kind == "efa-only" for interface in layout)
    return machine.cards[0].interfaces - on_first_card
