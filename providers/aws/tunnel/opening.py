"""Opens the tunnel that a kubeconfig leads through, unless it is open."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import time

import psutil

from components.errors import PenstockError
from providers.aws.tunnel.keeper import FAILED, taken
from providers.aws.tunnel.records import KeeperRecord, Place
from providers.aws.tunnel.session import OPEN_TIMEOUT_S, YOUNG_HOST_S
from providers.aws.tunnel.way import Way

ANSWER_TIMEOUT_S = 15.0
START_TIMEOUT_S = YOUNG_HOST_S + OPEN_TIMEOUT_S + 10.0
END_TIMEOUT_S = 10.0
LOG_BYTES = 2**20


def open_tunnel(way: Way) -> None:
    """Returns when the API server answers at the way's port. PenstockError with the reason where it will not.

    Processes that ask at the same time wait for each other, and one of them starts the keeper. A keeper of another
    cluster on the same port is left alone, and told.
    """
    place = Place(way.port)
    with place.lock():
        if held := place.read():
            if held.way.endpoint != way.endpoint:
                raise PenstockError(_held_by(held))
            os.utime(place.record)
            if held.way == way and answers(way):
                return
            end(held)
        _start(way, place)
    if not answers(way):
        raise PenstockError(
            f"the host of {way.group} is reached, and {way.endpoint}:443 does not answer it; look whether the "
            f"cluster's security group still lets the host in (`pulumi up --refresh`); log: {place.log}"
        )


def answers(way: Way) -> bool:
    """True if a server that speaks TLS is at the other end. Whose it is, the client of the kubeconfig looks at."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", way.port), timeout=ANSWER_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=way.endpoint),
        ):
            return True
    except OSError:
        return False


def end(held: KeeperRecord) -> None:
    """Ends a keeper, and with it its session."""
    process = held.process
    if process is None:
        return
    with contextlib.suppress(psutil.Error):
        process.terminate()
        process.wait(END_TIMEOUT_S)
        return
    with contextlib.suppress(psutil.Error):
        process.kill()


def _start(way: Way, place: Place) -> None:
    """Starts a keeper, which outlives this process, and waits until its first session is up."""
    if place.log.exists() and place.log.stat().st_size > LOG_BYTES:
        place.log.unlink()
    with place.log.open("ab") as log:
        os.fchmod(log.fileno(), 0o600)
        begin = log.tell()
        keeper = subprocess.Popen(
            [sys.executable, "-m", "providers.aws.tunnel.keeper", way.written()],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if keeper.poll() is not None:
            raise PenstockError(_why(place, begin))
        if (held := place.read()) and held.pid == keeper.pid:
            return
        time.sleep(0.1)
    keeper.terminate()
    raise PenstockError(f"no tunnel to {way.endpoint} within {START_TIMEOUT_S:.0f} s; log: {place.log}")


def _why(place: Place, begin: int) -> str:
    with place.log.open("rb") as log:
        log.seek(begin)
        lines = log.read().decode(errors="replace").splitlines()
    told = [line.partition(FAILED)[2] for line in lines if FAILED in line]
    return f"{told[-1] if told else 'the tunnel ended by itself'}; log: {place.log}"


def _held_by(held: KeeperRecord) -> str:
    return f"{taken(held.way.port)} (it is penstock's tunnel to {held.way.endpoint}, process {held.pid})"
