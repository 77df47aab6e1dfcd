"""The part of a provider that is the same in each: greetings, differences, errors. No traceback reaches the engine."""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

import traceback
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from components.errors import PenstockError
from engine.protocol import plugin, provider, provider_grpc, status
from engine.provider.errors import UnfinishedError

T = TypeVar("T")
UPDATES = {
    "add": provider.PropertyDiff.ADD,
    "delete": provider.PropertyDiff.DELETE,
    "update": provider.PropertyDiff.UPDATE,
}
REPLACEMENTS = {
    "add": provider.PropertyDiff.ADD_REPLACE,
    "delete": provider.PropertyDiff.DELETE_REPLACE,
    "update": provider.PropertyDiff.UPDATE_REPLACE,
}


class Servicer(provider_grpc.ResourceProviderServicer):
    """Answers what every provider answers alike."""

    def __init__(self, *, title: str, version: str, crash_log: Path) -> None:
        """`title` names the provider in messages; tracebacks of its defects are appended to `crash_log`."""
        self._title, self._version, self._crash_log = title, version, crash_log

    def Handshake(
        self, request: provider.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider.ProviderHandshakeResponse:
        return provider.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=True, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Empty:
        return Empty()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version=self._version)

    def CheckConfig(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        return difference({})

    def Configure(
        self, request: provider.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider.ConfigureResponse:
        return provider.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        return Empty()

    def encoded(self, inputs: Struct, outputs: Mapping[str, Any]) -> Struct:
        """The outputs as a message, in which what was secret in the inputs is secret still."""
        raise NotImplementedError

    def guarded(
        self, context: grpc.ServicerContext, action: Callable[[], T], *, name: str = "", inputs: Struct | None = None,
        passing: tuple[type[Exception], ...] = (),
    ) -> T:  # fmt: skip
        """The action's result. An error ends the request with one message; errors of the kinds `passing` are raised.

        `inputs` and `name` of a resource that may be left unfinished, which the engine then keeps.
        """
        try:
            return action()
        except passing:
            raise
        except Exception as error:  # the edge: what is no PenstockError is a defect of penstock
            failure = error
        if isinstance(failure, UnfinishedError) and inputs is not None:
            outputs = self.encoded(inputs, failure.outputs)
            abort_unfinished(context, failure.id or name, failure.reasons, outputs, inputs)
        return abort(context, str(failure) if isinstance(failure, PenstockError) else self._crash(failure))

    def _crash(self, error: Exception) -> str:
        """One sentence about a defect; the traceback goes to a file, which it names."""
        self._crash_log.parent.mkdir(parents=True, exist_ok=True)
        with self._crash_log.open("a") as file:
            file.write(f"{datetime.now(UTC).isoformat()}\n{''.join(traceback.format_exception(error))}\n")
        reason = f"{type(error).__name__}: {error}"
        return f"{self._title} failed unexpectedly ({reason}); report it with {self._crash_log}"


def token_of(urn: str) -> str:
    """The resource's type: `T` of urn:pulumi:STACK::PROJECT::PARENT$T::NAME."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """The resource's name in the program."""
    return urn.split("::", 3)[3]


def difference(
    changes: Mapping[str, str], replaces: Collection[str] = (), *, delete_first: bool = False,
    inputs: Collection[str] | None = None,
) -> provider.DiffResponse:  # fmt: skip
    """`changes`: by path, `add`, `delete` or `update`. `inputs`: the paths that are inputs; None for all of them."""
    return provider.DiffResponse(
        changes=provider.DiffResponse.DIFF_SOME if changes else provider.DiffResponse.DIFF_NONE,
        diffs=list(changes),
        replaces=list(replaces),
        deleteBeforeReplace=bool(replaces) and delete_first,
        detailedDiff={
            path: provider.PropertyDiff(
                kind=(REPLACEMENTS if path in replaces else UPDATES)[word],
                inputDiff=inputs is None or path in inputs,
            )
            for path, word in changes.items()
        },
        hasDetailedDiff=True,
    )


def abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    """Ends the request with an error that the engine shows."""
    # Not INTERNAL or UNKNOWN: after those the engine doubts its own state.
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
    raise AssertionError(message)  # abort raises; its stub does not say so


def abort_unfinished(
    context: grpc.ServicerContext, id: str, reasons: Collection[str], properties: Struct, inputs: Struct  # noqa: A002
) -> NoReturn:  # fmt: skip
    """Ends the request: the resource exists and is not what was asked; the engine keeps it, with the reasons."""
    failed = provider.ErrorResourceInitFailed(id=id, properties=properties, inputs=inputs, reasons=list(reasons))
    packed, message = AnyMessage(), "; ".join(reasons)
    packed.Pack(failed)
    trailer = status.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=message, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", trailer.SerializeToString()),))
    abort(context, message)
