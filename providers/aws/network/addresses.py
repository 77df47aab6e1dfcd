"""Ranges of addresses: which subnet gets which, so that nothing overlaps and every node and pod finds one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice

KEPT_BY_AWS = 5
"""Of each subnet: the network's, the router's, the name server's, one for later, and broadcast (VPC User Guide)."""
LARGEST_PREFIX, SMALLEST_PREFIX = 16, 28
"""Of a VPC's range and of a subnet (VPC User Guide, quotas)."""
USABLE_OF_LARGEST = 2 ** (32 - LARGEST_PREFIX) - KEPT_BY_AWS
FIRST_RANGE = IPv4Network("10.0.0.0/16")
FURTHER_RANGES = IPv4Network("100.64.0.0/10")
"""May stand beside any first range, and no company routes it: it is shared address space (RFC 6598)."""
MOST_FURTHER_RANGES = 49
"""A VPC has 50 ranges at most, and 5 without asking for more (VPC quota L-83CA0A9D)."""
PUBLIC_PREFIX = 24
"""Room for what load balancers take while they grow."""


class DoesNotFitError(Exception):
    """The range is too small."""

    def __init__(self, prefix: int | None) -> None:
        self.prefix = prefix
        """The longest prefix that would fit; None where no single range of a VPC does."""
        super().__init__()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    cidr: IPv4Network
    further: tuple[IPv4Network, ...]
    nodes: Mapping[str, tuple[IPv4Network, ...]]
    """By zone. Several where the zone's nodes take more than one /16."""
    public: Mapping[str, IPv4Network]


def usable(network: IPv4Network) -> int:
    """Addresses that are free in an empty subnet."""
    return network.num_addresses - KEPT_BY_AWS


def lay_out(
    given: IPv4Network | None, needed: Mapping[str, int], public_needed: int, region_zones: Sequence[str]
) -> Layout:
    """Subnets for the nodes of each zone of `needed`, and a public one in each where `public_needed` is not 0.

    The range is cut into equal shares, one for each zone of the region and one for the public subnets, so that neither
    more nodes nor another zone moves a subnet, which would replace all that stands in it. Where a share is too small,
    a given range is packed tight, and otherwise the zone's nodes get ranges of their own.
    DoesNotFitError where that does not fit either.
    """
    share = _Shares(cidr=given or FIRST_RANGE, region_zones=region_zones)
    fits = {zone: share.holds(zone, count) for zone, count in needed.items()}
    if share.holds_public(public_needed) and (all(fits.values()) or given is None):
        return _in_shares(share, needed, fits, bool(public_needed))
    if given is None:
        raise DoesNotFitError(None)
    return _packed(given, needed, public_needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shares:
    """Equal parts of a range: the first ones for the zones of the region, the last one for public subnets."""

    cidr: IPv4Network
    region_zones: Sequence[str]

    @property
    def prefix(self) -> int:
        return self.cidr.prefixlen + math.ceil(math.log2(len(self.region_zones) + 1))

    @property
    def public_prefix(self) -> int:
        return max(PUBLIC_PREFIX, self.prefix + math.ceil(math.log2(len(self.region_zones))))

    def holds(self, zone: str, count: int) -> bool:
        return self.prefix <= SMALLEST_PREFIX and usable(self.of(zone)) >= count

    def holds_public(self, count: int) -> bool:
        return not count or 2 ** (32 - self.public_prefix) - KEPT_BY_AWS >= count

    def of(self, zone: str) -> IPv4Network:
        return _part(self.cidr, self.prefix, self.region_zones.index(zone))

    def public_of(self, zone: str) -> IPv4Network:
        last = _part(self.cidr, self.prefix, 2 ** (self.prefix - self.cidr.prefixlen) - 1)
        return _part(last, self.public_prefix, self.region_zones.index(zone))


def _part(network: IPv4Network, prefix: int, index: int) -> IPv4Network:
    step = 2 ** (32 - prefix)
    return IPv4Network((int(network.network_address) + index * step, prefix))


def _in_shares(share: _Shares, needed: Mapping[str, int], fits: Mapping[str, bool], public: bool) -> Layout:
    free = iter(FURTHER_RANGES.subnets(new_prefix=LARGEST_PREFIX))
    nodes = {}
    for zone, count in needed.items():
        own = () if fits[zone] else tuple(islice(free, math.ceil(count / USABLE_OF_LARGEST)))
        nodes[zone] = own or (share.of(zone),)
    if sum(map(len, nodes.values())) - sum(fits.values()) > MOST_FURTHER_RANGES:
        raise DoesNotFitError(None)
    return Layout(
        cidr=share.cidr,
        further=tuple(network for zone in needed if not fits[zone] for network in nodes[zone]),
        nodes=nodes,
        public={zone: share.public_of(zone) for zone in needed} if public else {},
    )


def _packed(given: IPv4Network, needed: Mapping[str, int], public_needed: int) -> Layout:
    """Largest first, so that each begins where a range of its size may begin and no gap is left."""
    wanted = [(prefix_for(count), "nodes", zone) for zone, count in needed.items()]
    wanted += [(prefix_for(public_needed), "public", zone) for zone in needed if public_needed]
    total = sum(2 ** (32 - prefix) for prefix, _, _ in wanted)
    if total > given.num_addresses:
        whole = 32 - math.ceil(math.log2(total))
        raise DoesNotFitError(whole if whole >= LARGEST_PREFIX else None)
    placed, start = {}, int(given.network_address)
    for prefix, purpose, zone in sorted(wanted):
        placed[purpose, zone] = IPv4Network((start, prefix))
        start += 2 ** (32 - prefix)
    return Layout(
        cidr=given,
        further=(),
        nodes={zone: (placed["nodes", zone],) for zone in needed},
        public={zone: placed["public", zone] for zone in needed} if public_needed else {},
    )


def prefix_for(count: int) -> int:
    """The longest prefix whose subnet has that many free addresses; shorter than /16 where none has."""
    return min(SMALLEST_PREFIX, 32 - math.ceil(math.log2(count + KEPT_BY_AWS)))
