"""The engine's requests, each handed to its kind of resource; no traceback ever reaches the engine."""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as provider
from pulumi.runtime.proto import provider_pb2_grpc as provider_grpc
from pulumi.runtime.proto import status_pb2

from components.errors import PenstockError
from plugin import network_drain
from plugin.calls import Call, Change, Kind, UnfinishedError
from plugin.console import Console, Voice
from plugin.kubernetes import gate, namespace_drain, ready
from plugin.local import inference_server, training_run, volume
from plugin.values import answer, plain

VERSION = "0.1.0"
KINDS: Mapping[str, Kind] = {
    "penstock:local:Disk": volume,
    "penstock:local:Volume": volume,  # as states made earlier name it
    "penstock:local:Run": training_run,
    "penstock:local:TrainingRun": training_run,
    "penstock:local:InferenceServer": inference_server,
    "penstock:aws:Drain": network_drain,
    "penstock:kubernetes:Drain": namespace_drain,
    "penstock:kubernetes:Gate": gate,
    "penstock:kubernetes:Ready": ready,
}
T = TypeVar("T")


class Provider(provider_grpc.ResourceProviderServicer):
    """Penstock's own resources: those of this machine, and what a cloud's own provider lacks."""

    def __init__(self, engine: str) -> None:
        self._console = Console(engine)
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End whatever is under way, each thing in its own orderly way."""
        self._cancelled.set()

    def Handshake(
        self, request: provider.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider.ProviderHandshakeResponse:
        return provider.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=True)

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version=VERSION)

    def CheckConfig(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        return provider.DiffResponse(changes=provider.DiffResponse.DIFF_NONE)

    def Configure(
        self, request: provider.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider.ConfigureResponse:
        return provider.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        mistakes = self._guarded(context, request.urn, lambda kind, _: kind.check(plain(request.news)))
        failures = [provider.CheckFailure(property=mistake.name, reason=mistake.message) for mistake in mistakes]
        return provider.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        old, new, outputs = plain(request.old_inputs), plain(request.news), plain(request.olds)
        changes = self._guarded(context, request.urn, lambda kind, _: kind.diff(old, new, outputs))
        return provider.DiffResponse(
            changes=provider.DiffResponse.DIFF_SOME if changes else provider.DiffResponse.DIFF_NONE,
            diffs=[change.name for change in changes],
            replaces=[change.name for change in changes if change.replaces],
            detailedDiff={change.name: _detail(change, new) for change in changes},
            hasDetailedDiff=True,
        )

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        inputs = plain(request.properties)
        if request.preview:
            outputs = self._guarded(context, request.urn, lambda kind, _: kind.foresee(inputs, None))
            return provider.CreateResponse(properties=answer(request.properties, outputs))
        outputs = self._guarded(context, request.urn, lambda kind, call: kind.create(call, inputs), request.properties)
        return provider.CreateResponse(id=_name(request.urn), properties=answer(request.properties, outputs))

    def Update(self, request: provider.UpdateRequest, context: grpc.ServicerContext) -> provider.UpdateResponse:
        old, new, before = plain(request.old_inputs), plain(request.news), plain(request.olds)
        if request.preview:
            outputs = self._guarded(context, request.urn, lambda kind, _: kind.foresee(new, before))
        else:
            outputs = self._guarded(context, request.urn, lambda kind, call: kind.update(call, old, new), request.news)
        return provider.UpdateResponse(properties=answer(request.news, outputs))

    def Read(self, request: provider.ReadRequest, context: grpc.ServicerContext) -> provider.ReadResponse:
        inputs = plain(request.inputs)
        found = self._guarded(context, request.urn, lambda kind, _: kind.read(inputs))
        if found is None:
            return provider.ReadResponse()
        properties = answer(request.inputs, found.outputs)
        if found.reasons:
            _abort_unfinished(context, request.id, "; ".join(found.reasons), properties, request.inputs)
        return provider.ReadResponse(id=request.id, properties=properties, inputs=request.inputs)

    def Delete(self, request: provider.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        outputs = plain(request.properties)
        self._guarded(context, request.urn, lambda kind, call: kind.delete(call, outputs))
        return Empty()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.cancel()
        return Empty()

    def _guarded(
        self, context: grpc.ServicerContext, urn: str, action: Callable[[Kind, Call], T], inputs: Struct | None = None
    ) -> T:
        """What the action answers. Its error becomes one message to the user; a crash, one that names a file."""
        token = urn.split("::")[2].rpartition("$")[2]
        call = Call(urn=urn, voice=Voice(self._console, urn), cancelled=self._cancelled)
        try:
            return action(KINDS[token], call)
        except Exception as error:  # the edge: what is no PenstockError is a defect of penstock
            failure = error
        if isinstance(failure, UnfinishedError):
            properties = answer(inputs or Struct(), failure.outputs)
            _abort_unfinished(context, _name(urn), str(failure), properties, inputs or Struct())
        return _abort(context, str(failure) if isinstance(failure, PenstockError) else _crash(failure))


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _detail(change: Change, new: Mapping[str, Any]) -> provider.PropertyDiff:
    kind = provider.PropertyDiff.UPDATE_REPLACE if change.replaces else provider.PropertyDiff.UPDATE
    return provider.PropertyDiff(kind=kind, inputDiff=change.name in new)


def _crash(error: Exception) -> str:
    """One sentence about a defect; the traceback goes to a file, which it names."""
    log = Path("~/.local/state/penstock/provider-errors.log").expanduser()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(f"{datetime.now(UTC).isoformat()}\n{''.join(traceback.format_exception(error))}\n")
    return f"penstock's provider failed unexpectedly ({type(error).__name__}: {error}); please report it with {log}"


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    # Not INTERNAL or UNKNOWN: after those the engine doubts its own state.
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
    raise AssertionError(message)  # abort raises; its stub does not say so


def _abort_unfinished(
    context: grpc.ServicerContext, name: str, reason: str, properties: Struct, inputs: Struct
) -> NoReturn:
    """The resource exists, and is not what was asked: the engine keeps it, with the reason."""
    failed = provider.ErrorResourceInitFailed(id=name, properties=properties, inputs=inputs, reasons=[reason])
    packed = AnyMessage()
    packed.Pack(failed)
    status = status_pb2.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=reason, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    _abort(context, reason)
