"""Ranges of a network that the stack makes, and what Azure refuses of them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from components.errors import Problem
from components.spec.stack import StackSpec
from providers.azure.settings import AzureSpec

PATH = "cluster.network.cidr"
PODS_PATH, SERVICES_PATH = "azure.controlPlane.podsCidr", "azure.controlPlane.servicesCidr"
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
RESERVED = {
    "172.16.0.0/16": "the RDMA network of InfiniBand machines",
    "169.254.0.0/16": "addresses of the link",
    "192.0.2.0/24": "AKS itself",
    "172.30.0.0/16": "AKS itself",
    "172.31.0.0/16": "AKS itself",
}
"""Ranges that neither network nor pods nor Services may touch (AKS, "Azure CNI overlay"; "Set up InfiniBand on HPC
VMs", 2026-09-25)."""
NETWORK, PODS, SERVICES = map(IPv4Network, ("10.240.0.0/16", "10.64.0.0/12", "10.0.0.0/16"))
SMALLEST_PREFIX = 22
KEPT = 5
"""Addresses of a subnet that Azure keeps (Virtual Network FAQ)."""
NODE_PREFIX = 24
"""Of the range of pods, for each node, however many pods it may have (AKS, "Azure CNI overlay")."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges of a network, its subnets, and what lies over it."""

    whole: IPv4Network
    nodes: IPv4Network
    lustre: IPv4Network
    api_server: IPv4Network
    netapp: IPv4Network
    pods: IPv4Network
    services: IPv4Network


def ranges_of(spec: StackSpec, settings: AzureSpec) -> Ranges:
    """Half of the network is for nodes, a quarter for Lustre; the rest holds the small subnets."""
    asked, control = spec.cluster.network.cidr, settings.control_plane
    whole = asked if isinstance(asked, IPv4Network) else NETWORK
    nodes, rest = whole.subnets(prefixlen_diff=1)
    lustre, small = rest.subnets(prefixlen_diff=1)
    api_server = next(small.subnets(new_prefix=28))
    _, netapp, *_ = small.subnets(new_prefix=26)
    pods, services = control.pods_cidr, control.services_cidr
    return Ranges(
        whole=whole,
        nodes=nodes,
        lustre=lustre,
        api_server=api_server,
        netapp=netapp,
        pods=pods if isinstance(pods, IPv4Network) else PODS,
        services=services if isinstance(services, IPv4Network) else SERVICES,
    )


def range_problems(spec: StackSpec, settings: AzureSpec) -> Iterator[Problem]:
    """Everything that the ranges as they are asked would break."""
    control = settings.control_plane
    asked = {PATH: spec.cluster.network.cidr, PODS_PATH: control.pods_cidr, SERVICES_PATH: control.services_cidr}
    found = [*_each(asked)]
    yield from found
    cidr = spec.cluster.network.cidr
    if cidr is not None and cidr.version == 4 and cidr.prefixlen > SMALLEST_PREFIX:
        message = f"{cidr} is a /{cidr.prefixlen}, and nodes, API server and file systems have subnets of their own"
        yield Problem(path=PATH, message=f"{message}; give a /{SMALLEST_PREFIX} or wider, such as {NETWORK}")
    elif not found:
        yield from _overlaps(spec, settings)


def _each(asked: dict[str, IPv4Network | IPv6Network | None]) -> Iterator[Problem]:
    for path, cidr in asked.items():
        if cidr is None:
            continue
        if isinstance(cidr, IPv6Network):
            yield Problem(path=path, message=f"{cidr} is IPv6; take an IPv4 range, such as {NETWORK}")
        elif not any(cidr.subnet_of(private) for private in PRIVATE):
            message = f"{cidr} is not private, and would hide the internet's addresses; take a part of"
            yield Problem(path=path, message=f"{message} {', '.join(map(str, PRIVATE))}")
        elif taken := [name for name in RESERVED if cidr.overlaps(IPv4Network(name))]:
            message = f"{cidr} overlaps {taken[0]}, which {RESERVED[taken[0]]} has; take another, such as {NETWORK}"
            yield Problem(path=path, message=message)


def _overlaps(spec: StackSpec, settings: AzureSpec) -> Iterator[Problem]:
    """Of a network that is there already nobody knows the range before the place is asked."""
    found = ranges_of(spec, settings)
    if found.pods.overlaps(found.services):
        message = f"{found.services} overlaps the range of pods, {found.pods}; take another, such as {SERVICES}"
        yield Problem(path=SERVICES_PATH, message=message)
    if spec.existing_network is not None:
        return
    for path, cidr in ((PODS_PATH, found.pods), (SERVICES_PATH, found.services)):
        if cidr.overlaps(found.whole):
            message = f"{cidr} overlaps the network, {found.whole}; give another range here, or another network"
            yield Problem(path=path, message=message)
