"""The engine's output: lines that stay, and a live one that the next replaces."""

import contextlib
from typing import Protocol

import grpc
from pulumi.runtime.proto import engine_pb2 as engine
from pulumi.runtime.proto import engine_pb2_grpc as engine_grpc

TIMEOUT_S = 5.0
STACK_ROW = ""
"""The engine shows what belongs to no resource in the row of the stack."""


class Console:
    """A connection to the engine's log. An engine that is gone is not told, and that is no error."""

    def __init__(self, address: str) -> None:
        self._stub = engine_grpc.EngineStub(grpc.insecure_channel(address))

    def log(self, urn: str, text: str, *, severity: "engine.LogSeverity.ValueType", ephemeral: bool) -> None:
        request = engine.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral)
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request, timeout=TIMEOUT_S)


class Sink(Protocol):
    """Taker of lines."""

    def log(self, urn: str, text: str, *, severity: "engine.LogSeverity.ValueType", ephemeral: bool) -> None: ...


class Voice:
    """The console, speaking at one resource."""

    def __init__(self, console: Sink, urn: str) -> None:
        self._console = console
        self._urn = urn
        self._live = ""

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.log(self._urn, text, severity=engine.INFO, ephemeral=False)

    def warn(self, text: str) -> None:
        """A line that stays, as a warning."""
        self._console.log(self._urn, text, severity=engine.WARNING, ephemeral=False)

    def live(self, text: str) -> None:
        """The line that the next one replaces; the same text again is not sent."""
        self._replace(self._urn, text)

    def headline(self, text: str) -> None:
        """As `live`, in the row of the stack: there no list of changed inputs takes the room before it."""
        self._replace(STACK_ROW, text)

    def _replace(self, urn: str, text: str) -> None:
        if text != self._live:
            self._live = text
            self._console.log(urn, text, severity=engine.INFO, ephemeral=True)
