"""Transport that NCCL really uses, read off its own log: nothing else tells a fabric from a silent fall back to TCP."""

import re
from collections.abc import Iterable
from pathlib import Path

TCP = "tcp"
NONE = "none"
"""No other node, so no network."""

SOCKET = "Socket"
"""NCCL's word for TCP."""

_NETWORK = re.compile(r"NCCL INFO Using network (?P<name>.+?)\s*$", re.MULTILINE)
_CHANNEL = re.compile(r"NCCL INFO .* via NET/(?P<name>[^/\s]+(?: [A-Z]\w+)?)/\d+")


def debug_settings(folder: Path) -> dict[str, str]:
    """Environment by which NCCL writes down what it uses, one file a process."""
    return {
        "NCCL_DEBUG": "INFO",
        "NCCL_DEBUG_SUBSYS": "INIT,NET,GRAPH",
        "NCCL_DEBUG_FILE": str(folder / "nccl-%h-%p.log"),
    }


def nccl_transport(logs: Iterable[str]) -> str:
    """The transport of these processes: of their channels where one goes over the network, else of the plugin taken.

    Where they differ, the worst is what counts: TCP.
    """
    texts = tuple(logs)
    channels = {match["name"] for text in texts for match in _CHANNEL.finditer(text)}
    networks = {match["name"] for text in texts for match in _NETWORK.finditer(text)}
    used = channels or networks
    if SOCKET in used:
        return SOCKET
    return ", ".join(sorted(networks or used)) or NONE


def fell_back(transport: str) -> bool:
    """True if this is plain TCP, where a fabric was to be."""
    return transport in (TCP, SOCKET)
