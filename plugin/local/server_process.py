"""The process of an inference server: its record, its health, its port, its end."""

import contextlib
import http.client
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from components.files import read_json, write_json
from plugin.local.processes import Process, kill, stop

DRAIN_MARGIN_S = 5.0
"""Seconds on top of the service's own drainS before a server that was asked to end is killed."""
HEALTH_TIMEOUT_S = 10.0
"""A server under load on a small machine answers late; one that takes longer than this hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """server.json in the state folder: the process that serves, where, and since when it is asked to."""

    process: Process
    host: str
    port: int
    drain_s: float


def write_record(state_folder: Path, record: ServerRecord) -> None:
    content = {"host": record.host, "port": record.port, "drainS": record.drain_s, **record.process.record()}
    write_json(_path(state_folder), content)


def read_record(state_folder: Path) -> ServerRecord | None:
    """The last server of this folder, alive or not; None when there is none."""
    content = read_json(_path(state_folder))
    process = Process.parse(content)
    if not process:
        return None
    return ServerRecord(process=process, host=content["host"], port=content["port"], drain_s=content["drainS"])


def is_healthy(record: ServerRecord) -> bool:
    """True if the process lives and answers /health."""
    return record.process.is_alive and answers(record.host, record.port, "/health", HEALTH_TIMEOUT_S)


def answers(host: str, port: int, path: str, timeout_s: float) -> bool:
    """True if a GET of the path is answered with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(state_folder: Path, tell: Callable[[float], None]) -> bool:
    """Drain and stop whatever serves from this folder; False when it had to be killed. The record goes with it."""
    record = read_record(state_folder)
    drained = not record or stop(record.process, state_folder, record.drain_s + DRAIN_MARGIN_S, tell)
    kill(state_folder)
    _path(state_folder).unlink(missing_ok=True)
    return drained


def reachable_host(host: str) -> str:
    """Address at which this machine reaches a server that listens on this one."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (read, not bound)


def port_holder(host: str, port: int) -> str | None:
    """Process that already listens on the port, as far as can be seen; None when it is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a closed port's rest is no holder
        try:
            probe.bind((host, port))
        except OSError as error:
            return _listener(port) or (error.strerror or "another program").lower()
    return None


def _listener(port: int) -> str | None:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == port and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"process {connection.pid} ({command[:120]})"
    return None


def _path(state_folder: Path) -> Path:
    return state_folder / "server.json"
