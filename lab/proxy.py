"""The way in: `python -m lab.proxy DESCRIPTOR HOST PORT`.

The socket behind DESCRIPTOR listens on the host's 127.0.0.1; this process stands in the lab's network and hands every
connection on to HOST:PORT there. Nothing else of the lab can be reached from outside.
"""

import asyncio
import contextlib
import socket
import sys

CHUNK_BYTES = 1 << 18


async def serve(listening: socket.socket, host: str, port: int) -> None:
    """Until the process ends."""

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            inside = await asyncio.open_connection(host, port)
            await asyncio.gather(_copy(reader, inside[1]), _copy(inside[0], writer))
        writer.close()

    server = await asyncio.start_server(hand_on, sock=listening, limit=CHUNK_BYTES)
    async with server:
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    descriptor, address, number = sys.argv[1:]
    asyncio.run(serve(socket.socket(fileno=int(descriptor)), address, int(number)))
