"""The rule for interfaces against EC2's own data on every machine type that has EFA, as moto keeps it."""

import gzip
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.fabric import Fabric
from providers.aws.catalog import Arch, AwsMachine, Cards, FabricFamily, QuotaFamily, machines
from providers.aws.nodes.interfaces import addresses_per_node, interfaces, max_pods
from providers.aws.types import Interface

MOTO: dict[str, dict[str, Any]] = json.loads(
    gzip.decompress(files("moto.ec2.resources").joinpath("instance_types.json.gz").read_bytes())
)
WITH_EFA = sorted(name for name, row in MOTO.items() if "EfaInfo" in row["NetworkInfo"])

ONE_INTERFACE_A_CARD = "its cards take one interface each, so card 0 has no second device for the fabric"
FEWER_THAN_CARDS = "both of its cards take EFA, but the machine takes one EFA interface in all"
DIFFERENT = {
    "hpc6id.32xlarge": ONE_INTERFACE_A_CARD,
    "i7ie.48xlarge": FEWER_THAN_CARDS,
    "i7ie.metal-48xl": FEWER_THAN_CARDS,
    "i8ge.48xlarge": FEWER_THAN_CARDS,
    "i8ge.metal-48xl": FEWER_THAN_CARDS,
}
"""Types that the rule does not fit, and why. None has accelerators, and none is in the catalog."""


def from_moto(name: str) -> AwsMachine:
    """A row as the catalog would have it."""
    network = MOTO[name]["NetworkInfo"]
    return AwsMachine(
        name=name,
        cores=MOTO[name]["VCpuInfo"]["DefaultVCpus"],
        memory_gib=MOTO[name]["MemoryInfo"]["SizeInMiB"] / 1024,
        accelerator=None,
        accelerator_count=0,
        fabric=Fabric.EFA,
        arch=Arch(MOTO[name]["ProcessorInfo"]["SupportedArchitectures"][-1]),
        nvme_gb=0,
        card_groups=tuple(
            Cards(count=1, interfaces=card["MaximumNetworkInterfaces"], efa="efa-only" in card["InterfaceTypes"])
            for card in network["NetworkCards"]
        ),
        efa_cards=(),
        max_efa=network["EfaInfo"]["MaximumEfaInterfaces"],
        fabric_family=FabricFamily.COMMON,
        gdr=False,
        network_layers=0,
        addresses_per_interface=network["Ipv4AddressesPerInterface"],
        quota_family=QuotaFamily.STANDARD,
        capacity=(),
        ultra_server=(),
        burstable=False,
        lustre_interfaces=0,
        compute_domain=False,
        min_kubernetes="",
        usd_per_hour=None,
        zones=(),
    )


def what_ec2_refuses(layout: tuple[Interface, ...], network: dict[str, Any]) -> list[str]:
    """By EC2's data alone: devices that a card has not, kinds that it does not take, too many EFA interfaces."""
    cards = network["NetworkCards"]
    refused = []
    for interface in layout:
        card = cards[interface.card]
        if interface.device >= card["MaximumNetworkInterfaces"]:
            refused.append(f"card {interface.card} has no device {interface.device}")
        if interface.kind not in card["InterfaceTypes"]:
            refused.append(f"card {interface.card} takes no {interface.kind}")
    efa = sum(interface.kind != "interface" for interface in layout)
    if efa != network["EfaInfo"]["MaximumEfaInterfaces"]:
        refused.append(f"{efa} EFA interfaces of {network['EfaInfo']['MaximumEfaInterfaces']}")
    return refused


def test_there_are_as_many_types_with_efa_as_when_the_rule_was_checked() -> None:
    assert len(WITH_EFA) == 303


@pytest.mark.parametrize("name", [name for name in WITH_EFA if name not in DIFFERENT])
def test_the_rule_uses_every_efa_interface_that_ec2_allows_and_no_other(name: str) -> None:
    layout = interfaces(from_moto(name), fabric=True)
    assert what_ec2_refuses(layout, MOTO[name]["NetworkInfo"]) == []


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_does_so_for_the_reason_given(name: str) -> None:
    layout = interfaces(from_moto(name), fabric=True)
    expected = {
        ONE_INTERFACE_A_CARD: ["card 0 has no device 1"],
        FEWER_THAN_CARDS: ["2 EFA interfaces of 1"],
    }
    assert what_ec2_refuses(layout, MOTO[name]["NetworkInfo"]) == expected[DIFFERENT[name]]
    assert name not in machines()


@given(st.sampled_from(sorted(machines())), st.booleans())
def test_a_layout_is_legal_by_the_row_itself(name: str, fabric: bool) -> None:
    """GB200 too, of which there is no data but the row."""
    machine = machines()[name]
    layout = interfaces(machine, fabric=fabric)
    assert layout[0] == Interface(card=0, device=0, kind="interface")
    places = [(interface.card, interface.device) for interface in layout]
    assert len(set(places)) == len(places)
    for interface in layout[1:]:
        assert interface.kind == "efa-only"
        assert machine.cards[interface.card].efa
        assert interface.device < machine.cards[interface.card].interfaces
    devices = len(layout) - 1
    assert devices == (len(machine.efa_cards) or machine.max_efa if fabric else 0)


@given(st.sampled_from(sorted(machines())), st.booleans())
def test_every_pod_of_a_full_node_finds_an_address(name: str, fabric: bool) -> None:
    machine = machines()[name]
    layout = interfaces(machine, fabric=fabric)
    pods, addresses = max_pods(machine, layout), addresses_per_node(machine, layout)
    own = addresses // machine.addresses_per_interface
    assert 2 < pods <= 110
    assert pods - 2 <= addresses - own
    on_first_card = sum(interface.card == 0 for interface in layout[1:])
    assert own <= machine.cards[0].interfaces - on_first_card


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("p5.4xlarge", [(0, 0), (0, 1)]),
        ("p4d.24xlarge", [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)]),
        ("p6-b300.48xlarge", [(0, 0), *((card, 0) for card in range(1, 17))]),
        ("p6e-gb200.36xlarge", [(0, 0), (1, 0), (5, 0), (9, 0), (13, 0)]),
        ("g6.xlarge", [(0, 0)]),
    ],
)
def test_layouts_that_awss_guide_spells_out(name: str, places: list[tuple[int, int]]) -> None:
    layout = interfaces(machines()[name], fabric=True)
    assert [(interface.card, interface.device) for interface in layout] == places


def test_the_addresses_of_some_nodes() -> None:
    """p5: one interface of 50 besides the fabric's. g6.xlarge: all four of 15. g6e.48xlarge: 110 pods, and a spare."""
    got = {}
    for name in ("p5.48xlarge", "g6.xlarge", "g6e.48xlarge"):
        layout = interfaces(machines()[name], fabric=True)
        got[name] = (max_pods(machines()[name], layout), addresses_per_node(machines()[name], layout))
    assert got == {"p5.48xlarge": (51, 50), "g6.xlarge": (58, 60), "g6e.48xlarge": (110, 200)}
