"""Names of the lab: Services, headless Services and pods behind them. What is not of the cluster does not exist."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from dnslib import QTYPE, RCODE, RR, A, DNSError, DNSRecord  # type: ignore[import-untyped]  # it has no types

from lab.node.endpoints import Directory

DNS_ADDRESS = "10.96.0.10"
PORT = 53
ZONE = ("cluster", "local")
TTL_S = 5
UDP_BYTES = 512


def addresses(directory: Directory, name: str) -> list[str] | None:
    """The addresses of a name (`trainer.default.svc.cluster.local`), None where there is no such name."""
    parts = tuple(name.lower().rstrip(".").split("."))
    if parts[-2:] != ZONE or len(parts) not in (5, 6) or parts[-3] != "svc":
        return None
    key, host = (parts[-4], parts[-5]), parts[0] if len(parts) == 6 else ""
    service = directory.service(key)
    if service is None:
        return None
    spec = service["spec"]
    if spec.get("clusterIP") not in ("None", None, ""):
        return None if host else [spec["clusterIP"]]
    open_to_all = bool(spec.get("publishNotReadyAddresses"))
    found = [one for one in directory.endpoints(key) if one.ready or open_to_all]
    named = [one.address for one in found if not host or one.hostname == host]
    return sorted(set(named)) or None


def answer(directory: Directory, question: bytes, limit_bytes: int | None) -> bytes:
    """The reply to a DNS message; empty where it is none."""
    try:
        asked = DNSRecord.parse(question)
    except DNSError:
        return b""
    reply = asked.reply()
    name = str(asked.q.qname)
    found = addresses(directory, name)
    if found is None:
        reply.header.rcode = RCODE.NXDOMAIN
    elif asked.q.qtype in (QTYPE.A, QTYPE.ANY):
        for address in found:
            reply.add_answer(RR(name, QTYPE.A, rdata=A(address), ttl=TTL_S))
    packed: bytes = reply.pack()
    if limit_bytes and len(packed) > limit_bytes:
        reply.rr, reply.header.tc = [], 1
        packed = reply.pack()
    return packed


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if reply := answer(self._directory, data, UDP_BYTES):
            self._transport.sendto(reply, addr)


async def serve_names(directory: Directory) -> None:
    """Answers at 10.96.0.10 from now on, by UDP and TCP."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(
        lambda: _Udp(directory), local_addr=(DNS_ADDRESS, PORT), family=socket.AF_INET
    )  # fmt: skip

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                reply = answer(directory, await reader.readexactly(length), None)
                writer.write(struct.pack("!H", len(reply)) + reply)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    await asyncio.start_server(talk, DNS_ADDRESS, PORT)
