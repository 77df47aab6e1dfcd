"""Services at their cluster addresses: a listener for each port, each connection led to a ready endpoint in turn.

Inside the lab's namespace alone, where all service addresses are local; nothing is to be had from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from components.kubernetes.api import Object
from lab.node.dns import DNS_ADDRESS
from lab.node.endpoints import Directory, Key

CHUNK_BYTES = 1 << 16
CONNECT_S = 3.0
BACKLOG = 512
Place = tuple[str, int]


class Proxy:
    """The listeners of all Services."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._listening: dict[Place, asyncio.Server] = {}
        self._wanted: dict[Key, dict[Place, str]] = {}
        self._lock = asyncio.Lock()
        self._work: set[asyncio.Task[None]] = set()

    def follow(self, service: Object, *, gone: bool) -> None:
        """Listens where the Service says, and nowhere else for it."""
        key = (service["metadata"]["namespace"], service["metadata"]["name"])
        before = self._wanted.pop(key, {})
        if not gone:
            self._wanted[key] = service_places(service)
        if before != self._wanted.get(key, {}):
            self._do(self._settle(key, before, self._wanted.get(key, {})))

    async def _settle(self, key: Key, before: dict[Place, str], after: dict[Place, str]) -> None:
        async with self._lock:
            for place in before:
                if server := self._listening.pop(place, None):
                    server.close()
            for place, port in after.items():
                if place not in self._listening:
                    self._listening[place] = await self._listen(key, place, port)

    async def _listen(self, key: Key, place: Place, port: str) -> asyncio.Server:
        def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._do(self._lead(key, port, reader, writer))  # kept: the loop alone would let a waiting task go

        return await asyncio.start_server(lead, *place, backlog=BACKLOG, reuse_address=True)

    async def _lead(self, key: Key, port: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection without an endpoint is reset, as a kube-proxy would."""
        there = await self._connect(key, port)
        if there is None:
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, there[1]))
                both.create_task(_copy(there[0], writer))
        except* OSError:
            pass
        finally:
            for one in (writer, there[1]):
                one.close()

    async def _connect(self, key: Key, port: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for address, number in self._directory.targets(key, port):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(address, number)
        return None

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def service_places(service: Object) -> dict[Place, str]:
    """(address, number) -> port name, for each TCP port that the Service has an address for."""
    spec = service["spec"]
    addresses = [one for one in spec.get("clusterIPs") or () if one not in ("None", "", DNS_ADDRESS) and ":" not in one]
    return {
        (address, row["port"]): row.get("name") or ""
        for address in addresses
        for row in spec.get("ports") or ()
        if row.get("protocol", "TCP") == "TCP"
    }


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until this side says that it has no more, which is passed on."""
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
