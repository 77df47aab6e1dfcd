"""The provider's gRPC server, which ends when its engine is gone."""

import os
import signal
import socket
import time
from collections.abc import Sequence

from components.stop_request import StopRequest
from engine.provider.server import started
from plugin.servicer import Provider

WATCH_S = 1.0
POLL_S = 0.1
MISSES = 2


def main(arguments: Sequence[str]) -> int:
    """Serves until the engine ends it or is gone; prints the port first, which is how the engine learns it.

    Whatever is under way when the process ends is ended by who watches it: a run's supervisor, a server's guard.
    """
    address = arguments[-1] if arguments and not arguments[-1].startswith("-") else ""
    provider = Provider(address)
    end, cancel = StopRequest(), StopRequest()
    end.listen([signal.SIGTERM])
    cancel.listen([signal.SIGINT])  # Ctrl-C, where the whole group gets it
    # A run holds its thread for as long as it trains.
    _, port = started(provider, workers=64)
    print(port, flush=True)  # noqa: T201 (the protocol of a plugin)
    _wait(provider, address, end, cancel)
    os._exit(0)  # a thread of the pool may still wait for a run


def _wait(provider: Provider, address: str, end: StopRequest, cancel: StopRequest) -> None:
    """Returns when asked to end, when the process that started this one is gone, or the engine does not listen.

    Hands a request to cancel on to the provider meanwhile.
    """
    parent, misses, looked = os.getppid(), 0, time.monotonic()
    while not end.wait(POLL_S):
        if cancel.requested:
            provider.cancel()
        if time.monotonic() - looked < WATCH_S:
            continue
        looked = time.monotonic()
        misses = 0 if not address or _listens(address) else misses + 1
        if os.getppid() != parent or misses >= MISSES:
            return


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5.0):
            return True
    except OSError:
        return False
