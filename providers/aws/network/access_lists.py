"""Network ACLs: what they let into a subnet and out of it.

Source: VPC User Guide, "Control subnet traffic with network access control lists": rules by number, the first that
fits decides; no state, so answers need a rule too; nothing between machines of one subnet passes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

TCP, ALL = "6", "-1"
ANSWERS = (32_768, 60_999)
"""Ports to which answers come (Linux, net.ipv4.ip_local_port_range)."""


def shut(entries: Sequence[Mapping[str, Any]], peer: str, ports: Sequence[int], *, egress: bool) -> list[int]:
    """Those of the TCP ports that are not open between the subnet and all of the range `peer`, in that direction."""
    ours = [one for one in entries if one["Egress"] is egress and "CidrBlock" in one]
    ordered = sorted(ours, key=lambda one: int(one["RuleNumber"]))
    return [port for port in ports if not _open(ordered, peer, port)]


def ranges(ports: Sequence[int]) -> str:
    """Ports in words, those in a row as one range."""
    return ", ".join(f"{low}-{high}" if high > low else str(low) for low, high in _runs(sorted(ports)))


def _open(entries: Sequence[Mapping[str, Any]], peer: str, port: int) -> bool:
    wanted = ip_network(peer)
    for one in entries:
        given = ip_network(one["CidrBlock"], strict=False)
        if not _fits(one, port) or not given.overlaps(wanted):
            continue
        if one["RuleAction"] == "deny":
            return False
        if wanted.subnet_of(given):  # type: ignore[arg-type]  # entries with IPv6 have another key
            return True
    return False


def _fits(entry: Mapping[str, Any], port: int) -> bool:
    protocol = str(entry["Protocol"])
    span = entry.get("PortRange")
    return protocol == ALL or (protocol == TCP and (span is None or span["From"] <= port <= span["To"]))


def _runs(ports: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = last = None
    for port in ports:
        if start is None or last is None:
            start = last = port
        elif port == last + 1:
            last = port
        else:
            yield start, last
            start = last = port
    if start is not None and last is not None:
        yield start, last
