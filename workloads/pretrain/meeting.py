"""Where the nodes of a run meet: waited for by this node, before torch tries."""

import socket
import time

import psutil

TRY_EVERY_S = 0.5


def await_meeting(rendezvous: str, within_s: float) -> None:
    """Return when the place can be reached, when it is this node, or when the time is up, of which torch then tells.

    torch itself waits a minute for the store, less than an image may take longer to load on one node than on another;
    and it takes a node whose own name DNS does not know yet for one that keeps no store, so that none does.
    """
    host, _colon, port = rendezvous.rpartition(":")
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if own & {str(found[4][0]) for found in socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)}:
                return
            with socket.create_connection((host, int(port)), timeout=5):
                return
        except OSError:
            time.sleep(TRY_EVERY_S)
