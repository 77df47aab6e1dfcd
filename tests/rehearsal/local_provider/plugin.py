"""The provider's process, spoken to as the engine does, with the engine's log as a list."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import engine_pb2 as engine
from pulumi.runtime.proto import engine_pb2_grpc as engine_grpc
from pulumi.runtime.proto import provider_pb2 as provider
from pulumi.runtime.proto import provider_pb2_grpc as provider_grpc
from pulumi.runtime.proto import status_pb2 as status

from tests.rehearsal.local_provider.machine import PLUGIN, free_port, run_inputs, server_inputs


class Log(engine_grpc.EngineServicer):
    """Keeps what the provider says, and whether the next line replaces it; and its warnings."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, bool]] = []
        self.warnings: list[str] = []

    def Log(self, request: engine.LogRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802 (gRPC's name)
        self.lines.append((request.message, request.ephemeral))
        if request.severity == engine.WARNING:
            self.warnings.append(request.message)
        return Empty()

    def clear(self) -> None:
        self.lines.clear()
        self.warnings.clear()


class Plugin:
    """One resource kind at a time; properties go in and out as plain Python."""

    def __init__(self, process: "subprocess.Popen[str]", stub: provider_grpc.ResourceProviderStub, log: Log) -> None:
        self.process, self.stub, self.log = process, stub, log

    def urn(self, kind: str) -> str:
        return f"urn:pulumi:dev::machine::penstock:local:{kind}::it"

    def check(self, kind: str, inputs: Mapping[str, Any]) -> list[str]:
        answer = self.stub.Check(provider.CheckRequest(urn=self.urn(kind), news=struct(inputs)))
        return [failure.reason for failure in answer.failures]

    def create(self, kind: str, inputs: Mapping[str, Any], *, preview: bool = False) -> Any:
        request = provider.CreateRequest(urn=self.urn(kind), properties=struct(inputs), preview=preview)
        return self.stub.Create(request).properties

    def update(self, kind: str, old: Mapping[str, Any], new: Mapping[str, Any], *, preview: bool = False) -> Any:
        request = provider.UpdateRequest(
            id="it", urn=self.urn(kind), olds=struct(old), old_inputs=struct(old), news=struct(new), preview=preview
        )
        return self.stub.Update(request).properties

    def diff(self, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
        return list(self._differing(kind, old, new).diffs)

    def replacing(self, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
        """The differences that only another resource can have."""
        return list(self._differing(kind, old, new).replaces)

    def read(self, kind: str, inputs: Mapping[str, Any]) -> Any:
        request = provider.ReadRequest(id="it", urn=self.urn(kind), properties=struct(inputs), inputs=struct(inputs))
        return self.stub.Read(request).properties

    def delete(self, kind: str, outputs: Mapping[str, Any]) -> None:
        self.stub.Delete(provider.DeleteRequest(id="it", urn=self.urn(kind), properties=struct(outputs)))

    def cancel(self) -> None:
        self.stub.Cancel(Empty())

    def _differing(self, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
        request = provider.DiffRequest(
            id="it", urn=self.urn(kind), olds=struct(old), old_inputs=struct(old), news=struct(new)
        )
        return self.stub.Diff(request)


class Going:
    """A create that goes on meanwhile."""

    def __init__(self, plugin: Plugin, kind: str, inputs: Mapping[str, Any]) -> None:
        self._made: list[Any] = []
        self._failures: list[grpc.RpcError] = []
        self._plugin, self._kind, self._inputs = plugin, kind, inputs
        self._thread = threading.Thread(target=self._create)
        self._thread.start()

    def outputs(self) -> Any:
        """Of the resource, once it is made."""
        self._thread.join(60)
        assert not self._failures, self._failures[0].details()
        return self._made[0]

    def failure(self) -> grpc.RpcError:
        """Reason why it could not be made."""
        self._thread.join(60)
        return self._failures[0]

    def _create(self) -> None:
        try:
            self._made.append(self._plugin.create(self._kind, self._inputs))
        except grpc.RpcError as error:
            self._failures.append(error)


def run_of(volume: Path, identity: str = "a", **training: Any) -> dict[str, Any]:
    """All inputs of a run of 40 steps."""
    return {"volume": str(volume), "env": {}, **run_inputs(volume, identity, **training)}


def server_of(volume: Path, **inference: Any) -> dict[str, Any]:
    """All inputs of a server, on a port that is free."""
    return {"volume": str(volume), "env": {}, "modelDigest": "m", **server_inputs(volume, free_port(), **inference)}


def starts(inputs: Mapping[str, Any]) -> int:
    """Number of starts of the run's agent."""
    return len((Path(inputs["runFolder"]) / "started").read_text().split())


def struct(values: Mapping[str, Any]) -> Struct:
    message = Struct()
    message.update(values)
    return message


def unfinished(error: grpc.RpcError) -> provider.ErrorResourceInitFailed:
    """The resource that an error tells the engine to keep."""
    trailers = {entry.key: entry.value for entry in error.trailing_metadata() or ()}
    failed = provider.ErrorResourceInitFailed()
    details = status.Status.FromString(trailers["grpc-status-details-bin"]).details
    assert details[0].Unpack(failed)
    return failed


@contextmanager
def listening() -> Iterator[tuple[str, Log, grpc.Server]]:
    """An engine's log at an address."""
    server, log = grpc.server(ThreadPoolExecutor(4)), Log()
    engine_grpc.add_EngineServicer_to_server(log, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield address, log, server
    server.stop(None).wait()


@contextmanager
def started(address: str, log: Log, home: Path) -> Iterator[Plugin]:
    """The provider's process, for the engine at that address."""
    command = [sys.executable, "-u", str(PLUGIN), address]
    env = os.environ | {"HOME": str(home)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout
        channel = grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")
        yield Plugin(process, provider_grpc.ResourceProviderStub(channel), log)
        channel.close()
        process.terminate()
