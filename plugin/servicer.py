"""The engine's requests, each handed to its kind of resource; no traceback ever reaches the engine."""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from engine.protocol import provider
from engine.provider.servicer import Servicer, abort_unfinished, difference, name_of, token_of
from engine.provider.values import answer, plain
from plugin.calls import Call, InputChange, ResourceType
from plugin.console import Console, Voice
from plugin.kubernetes import gate, namespace_drain, ready
from plugin.local import inference_server, training_run, volume
from plugin.node_changes import NODE_CHANGES
from plugin.on_create import answering_apis, endpoint_group
from plugin.on_delete import network_drain
from providers.registry import MODULES

VERSION = "0.1.0"
KINDS: Mapping[str, ResourceType] = {
    "penstock:local:Disk": volume,
    "penstock:local:Volume": volume,  # as states made earlier name it
    "penstock:local:Run": training_run,
    "penstock:local:TrainingRun": training_run,
    "penstock:local:InferenceServer": inference_server,
    "penstock:kubernetes:Drain": namespace_drain.DRAIN,
    "penstock:kubernetes:Gate": gate,
    "penstock:kubernetes:Ready": ready,
    "penstock:nodes:Changes": NODE_CHANGES,
    **{f"penstock:{cloud}:Drain": network_drain(cloud) for cloud in MODULES},
    **{f"penstock:{cloud}:Apis": answering_apis(cloud) for cloud in ("azure", "gcp")},
    "penstock:gcp:EndpointGroup": endpoint_group("gcp"),
}
T = TypeVar("T")


class Provider(Servicer):
    """Penstock's own resources: those of this machine, and what a cloud's own provider lacks."""

    def __init__(self, engine: str) -> None:
        log = Path("~/.local/state/penstock/provider-errors.log").expanduser()
        super().__init__(title="penstock's provider", version=VERSION, crash_log=log)
        self._console = Console(engine)
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End whatever is under way, each thing in its own orderly way."""
        self._cancelled.set()

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        problems = self._asked(context, request.urn, lambda kind, _: kind.check(plain(request.news)))
        failures = [provider.CheckFailure(property=problem.name, reason=problem.message) for problem in problems]
        return provider.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        old, new, outputs = plain(request.old_inputs), plain(request.news), plain(request.olds)

        def compared(kind: ResourceType, call: Call) -> Sequence[InputChange]:
            found = kind.diff(old, new, outputs)
            for change in found:
                if change.warning:
                    call.voice.warn(change.warning)
            return found

        changes = self._asked(context, request.urn, compared)
        replaces = [change.name for change in changes if change.replaces]
        return difference({change.name: "update" for change in changes}, replaces, inputs=new)

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        inputs = plain(request.properties)
        if request.preview:
            outputs = self._asked(context, request.urn, lambda kind, _: kind.foresee(inputs, None))
            return provider.CreateResponse(properties=self.encoded(request.properties, outputs))
        outputs = self._asked(context, request.urn, lambda kind, call: kind.create(call, inputs), request.properties)
        return provider.CreateResponse(id=name_of(request.urn), properties=self.encoded(request.properties, outputs))

    def Update(self, request: provider.UpdateRequest, context: grpc.ServicerContext) -> provider.UpdateResponse:
        old, new, before = plain(request.old_inputs), plain(request.news), plain(request.olds)
        if request.preview:
            outputs = self._asked(context, request.urn, lambda kind, _: kind.foresee(new, before))
        else:
            outputs = self._asked(context, request.urn, lambda kind, call: kind.update(call, old, new), request.news)
        return provider.UpdateResponse(properties=self.encoded(request.news, outputs))

    def Read(self, request: provider.ReadRequest, context: grpc.ServicerContext) -> provider.ReadResponse:
        inputs = plain(request.inputs)
        found = self._asked(context, request.urn, lambda kind, _: kind.read(inputs))
        if found is None:
            return provider.ReadResponse()
        properties = self.encoded(request.inputs, found.outputs)
        if found.reasons:
            abort_unfinished(context, request.id, found.reasons, properties, request.inputs)
        return provider.ReadResponse(id=request.id, properties=properties, inputs=request.inputs)

    def Delete(self, request: provider.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        outputs = plain(request.properties)
        self._asked(context, request.urn, lambda kind, call: kind.delete(call, outputs))
        return Empty()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.cancel()
        return Empty()

    def encoded(self, inputs: Struct, outputs: Mapping[str, Any]) -> Struct:
        return answer(inputs, plain(inputs) | dict(outputs))

    def _asked(
        self,
        context: grpc.ServicerContext,
        urn: str,
        action: Callable[[ResourceType, Call], T],
        inputs: Struct | None = None,
    ) -> T:
        """The result of the resource's kind."""
        call = Call(urn=urn, voice=Voice(self._console, urn), cancelled=self._cancelled)
        return self.guarded(context, lambda: action(KINDS[token_of(urn)], call), name=name_of(urn), inputs=inputs)
