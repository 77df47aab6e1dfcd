"""Startup, readiness and liveness probes. A `grpc` probe asks only whether the port takes connections."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

Execute = Callable[[Sequence[str], float], Awaitable[tuple[int, str]]]
"""Runs a command in the container for so many seconds at most: exit status and output."""

DELAY_S, PERIOD_S, TIMEOUT_S = 0, 10, 1
FAILURES, SUCCESSES = 3, 1


class ProbeError(Exception):
    """The container did not answer as it must: what it did instead."""


async def watch(
    probe: Mapping[str, Any], attempt: Callable[[], Awaitable[None]], tell: Callable[[bool, str], None]
) -> None:
    """Tries again and again, and tells (good, message) whenever a threshold is reached. Until cancelled."""
    await asyncio.sleep(probe.get("initialDelaySeconds", DELAY_S))
    good = bad = 0
    while True:
        try:
            async with asyncio.timeout(probe.get("timeoutSeconds", TIMEOUT_S)):
                await attempt()
            good, bad, message = good + 1, 0, ""
        except TimeoutError:
            good, bad, message = 0, bad + 1, "probe timed out"
        except (ProbeError, OSError) as error:
            good, bad, message = 0, bad + 1, str(error)
        if good >= probe.get("successThreshold", SUCCESSES):
            tell(True, "")
        elif bad >= probe.get("failureThreshold", FAILURES):
            tell(False, message)
        await asyncio.sleep(probe.get("periodSeconds", PERIOD_S))


def attempt_of(
    probe: Mapping[str, Any], *, address: str, ports: Mapping[str, int], execute: Execute
) -> Callable[[], Awaitable[None]]:
    """One try of the probe; raises ProbeError or OSError where it fails. `ports` are the container's by name."""
    if "exec" in probe:
        command: Sequence[str] = probe["exec"]["command"]
        return lambda: _run(command, execute, probe.get("timeoutSeconds", TIMEOUT_S))
    action: Mapping[str, Any] = probe.get("httpGet") or probe.get("tcpSocket") or probe["grpc"]
    host, port = action.get("host") or address, _port(action["port"], ports)
    return (lambda: _get(action, host, port)) if "httpGet" in probe else (lambda: _connect(host, port))


async def _run(command: Sequence[str], execute: Execute, timeout_s: float) -> None:
    code, said = await execute(command, timeout_s)
    if code != 0:
        raise ProbeError(said.strip() or f"the command ended with {code}")


async def _get(action: Mapping[str, Any], host: str, port: int) -> None:
    """A status from 200 to 399 is good."""
    tls = _unverified() if action.get("scheme") == "HTTPS" else None
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        given = {row["name"]: row["value"] for row in action.get("httpHeaders") or ()}
        headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.36", "Connection": "close"} | given
        lines = [f"GET {action.get('path') or '/'} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        parts = (await reader.readline()).split()
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
    if len(parts) < 2 or not parts[1].isdigit():
        raise ProbeError("what answers does not speak HTTP")
    if not 200 <= int(parts[1]) < 400:
        raise ProbeError(f"HTTP probe failed with statuscode: {int(parts[1])}")


async def _connect(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()


def _port(given: int | str, ports: Mapping[str, int]) -> int:
    return int(given) if str(given).isdigit() else ports[str(given)]


def _unverified() -> ssl.SSLContext:
    """As the kubelet, a probe trusts whatever certificate the container shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
