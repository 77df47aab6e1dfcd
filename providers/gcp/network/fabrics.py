"""Networks beside the cluster's own, as machine types need them.

Sources: cluster-toolkit 1047080 (2026-06-25), examples gke-a3-ultragpu, gke-a4, gke-a4x; Google Cloud, "RDMA network
profiles" (2026-11). A network with a RoCE profile takes RDMA interfaces of one zone, no firewall rule, no secondary
range, no NAT.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from providers.gcp.catalog import FabricNetwork, GcpMachine
from providers.gcp.types import FabricSubnet, FabricVpc

RANGE = IPv4Network("10.64.0.0/10")
"""Of all of them: ranges of one machine's interfaces must not overlap (VPC, "Multiple network interfaces")."""
MTU = 8896
"""Of every network where RDMA is; Lustre gains by it too."""
CARDS = 8
"""RDMA interfaces of a machine with RoCE, each with a subnet of its own."""


def fabrics(
    machines: Sequence[tuple[GcpMachine, str]], stack: str, ranges: Iterator[IPv4Network]
) -> tuple[FabricVpc, ...]:
    """The fabric networks of these machines, each in its zone: pools of one zone share them. `ranges` gives ranges that
    nothing else has, a /18 each.
    """
    zones = {zone: None for machine, zone in machines if machine.network is FabricNetwork.ROCE}
    metal = {zone: None for machine, zone in machines if machine.network is FabricNetwork.ROCE_METAL}
    return (
        *(vpc for zone in zones for vpc in _roce(stack, zone, ranges)),
        *(vpc for zone in metal for vpc in _metal(stack, zone, ranges)),
    )


def _roce(stack: str, zone: str, ranges: Iterator[IPv4Network]) -> Iterator[FabricVpc]:
    yield _host(stack, zone, next(ranges))
    parts = next(ranges).subnets(prefixlen_diff=(CARDS - 1).bit_length())
    yield FabricVpc(
        name=f"{stack}-rdma-{zone}",
        profile=f"{zone}-vpc-roce",
        mtu=MTU,
        subnets=tuple(
            FabricSubnet(name=f"{stack}-rdma-{index}-{zone}", cidr=str(part), alias=f"rdma-{index}")
            for index, part in enumerate(parts)
        ),
    )


def _metal(stack: str, zone: str, ranges: Iterator[IPv4Network]) -> Iterator[FabricVpc]:
    """The subnet of a bare metal profile comes by itself, for IPv6 alone."""
    yield _host(stack, zone, next(ranges))
    name = f"{stack}-rdma-{zone}"
    subnet = FabricSubnet(name=f"default-subnet-1-{name}", cidr="", alias="rdma-0")
    yield FabricVpc(name=name, profile=f"{zone}-vpc-roce-metal", mtu=MTU, subnets=(subnet,))


def _host(stack: str, zone: str, cidr: IPv4Network) -> FabricVpc:
    """Of the second host interface."""
    name = f"{stack}-gvnic-{zone}"
    subnet = FabricSubnet(name=name, cidr=str(cidr), alias="gvnic-1")
    return FabricVpc(name=name, profile="", mtu=MTU, subnets=(subnet,))
