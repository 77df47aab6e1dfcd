"""Meeting place of a run's nodes: waited for by this node, before torch tries."""

import ipaddress
import socket
import time

import psutil

TRY_EVERY_S = 0.5


def await_meeting(rendezvous: str, within_s: float) -> bool | None:
    """True if this node keeps the store in which all meet, once the place can be reached.

    None where torch has to find out: on loopback, or when the time is up, of which torch then tells.
    torch itself waits a minute for the store, less than an image may take longer to load on one node than on another;
    and it guesses wrong who keeps it where the host name stands for another address than the one that is met at, or
    where DNS does not know this node's own name yet: then nobody does.
    """
    host, _colon, port = rendezvous.rpartition(":")
    own = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)}
            if own & found:
                return None if _all_loopback(own & found) else not _listens(host, int(port))
            if _listens(host, int(port)):
                return False
        except OSError:
            pass
        time.sleep(TRY_EVERY_S)
    return None


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def _all_loopback(addresses: set[str]) -> bool:
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)
