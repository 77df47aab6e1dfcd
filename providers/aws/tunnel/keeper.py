"""A process that owns a port of 127.0.0.1 and hands each connection on to a session of Session Manager.

A session that has ended, by its limits, a lost line or a host started anew, is had again at the next connection; one
that lives and hands nothing on (aws/session-manager-plugin 135: after its websocket was closed) is ended first. The
process ends when nobody has used the port for longer than a token of the cluster lives: whoever still holds a token
asks for no new one, and would find the port closed.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time

from components.errors import PenstockError
from providers.aws.tunnel.records import Place
from providers.aws.tunnel.session import Session
from providers.aws.tunnel.way import Way

IDLE_S = 16 * 60.0
"""Longer than the 15 minutes of a token (aws/aws-cli 6201)."""
SILENT_S = 10.0
"""An API server answers the first bytes of TLS at once, so that a new connection without an answer is a session that
hands nothing on.
"""
LOOK_S = 2.0
CHUNK = 2**16
FAILED = "failed: "
"""Begin of the line that says why a keeper ended before it kept anything."""
REST_S = 2.0
"""Between a session that could not be had and the next attempt."""


class Keeper:
    """One port, and the session behind it."""

    def __init__(self, way: Way, place: Place, *, idle_s: float = IDLE_S, silent_s: float = SILENT_S) -> None:
        self._way, self._place, self._idle_s, self._silent_s = way, place, idle_s, silent_s
        self._session: Session | None = None
        self._starting = asyncio.Lock()
        self._failed_at_s = 0.0
        self._used_s = time.time()
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Holds the port until nobody uses it or the process is told to end. PenstockError where the port is taken or
        the first session is not to be had.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._over.set)
        try:
            server = await asyncio.start_server(self._serve, "127.0.0.1", self._way.port)
        except OSError:
            raise PenstockError(taken(self._way.port)) from None
        try:
            await self._port()
            self._place.write(self._way)
            _tell(f"127.0.0.1:{self._way.port} leads to {self._way.endpoint}")
            while not self._is_idle() and not await self._told_to_end():
                pass
        finally:
            server.close()
            if self._session:
                await asyncio.to_thread(self._session.end)
            _tell("ended")

    def _is_idle(self) -> bool:
        return time.time() - max(self._used_s, self._place.last_asked_s()) > self._idle_s

    async def _told_to_end(self) -> bool:
        """True at once when it is, false after a while."""
        try:
            await asyncio.wait_for(self._over.wait(), min(LOOK_S, self._idle_s))
        except TimeoutError:
            return False
        return True

    async def _port(self) -> int:
        """Port of a session that is up, of a new one where the last has ended."""
        async with self._starting:
            if self._session and self._session.is_up:
                return self._session.port
            if self._session:
                _tell("the session has ended; starting another")
            await asyncio.sleep(max(0.0, self._failed_at_s + REST_S - time.time()))
            try:
                self._session = await asyncio.to_thread(Session, self._way, self._place.log)
            except PenstockError:
                self._failed_at_s = time.time()
                raise
            return self._session.port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", await self._port())
        except (PenstockError, OSError) as error:
            _tell(f"no session: {error}")
            writer.close()
            return
        asked, answered = asyncio.Event(), asyncio.Event()
        watch = asyncio.create_task(self._end_if_silent(self._session, asked, answered))
        try:
            await asyncio.gather(self._hand_on(reader, there[1], asked), self._hand_on(there[0], writer, answered))
        finally:
            watch.cancel()

    async def _end_if_silent(self, used: Session | None, asked: asyncio.Event, answered: asyncio.Event) -> None:
        """Ends the session where a connection's first bytes get no answer; its port closes, and clients ask again."""
        await asked.wait()
        try:
            await asyncio.wait_for(answered.wait(), self._silent_s)
        except TimeoutError:
            if used and used.is_up:
                _tell(f"the session answers nothing for {self._silent_s:.0f} s; ending it")
                await asyncio.shield(asyncio.to_thread(used.end))

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: asyncio.Event) -> None:
        """Until one of both ends; `begun` is set with the first bytes."""
        try:
            while data := await reader.read(CHUNK):
                self._used_s = time.time()
                begun.set()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # one of the two sides has gone, and the other follows
        finally:
            writer.close()


def taken(port: int) -> str:
    """Refusal of a port that another program has."""
    return (
        f"127.0.0.1:{port} is taken by another program; end that, or choose another port with "
        "aws.controlPlane.reach.ssmHost.localPort and run `pulumi up`"
    )


def _tell(text: str) -> None:
    """A line of the log, which is this process's output."""
    sys.stdout.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
    sys.stdout.flush()


def main(written: str, idle_s: str = "") -> int:
    """Keeps the way until it is over; 1 with the reason as the last line where it cannot be had."""
    way = Way.read(written)
    place = Place(way.port)
    try:
        asyncio.run(Keeper(way, place, idle_s=float(idle_s or IDLE_S)).run())
    except PenstockError as error:
        _tell(f"{FAILED}{error}")
        return 1
    finally:
        place.forget()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
