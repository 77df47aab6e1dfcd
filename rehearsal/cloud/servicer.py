"""The engine's requests to its provider `aws`, answered by the simulated account; no traceback reaches the engine."""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

import json
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from components.errors import PenstockError
from engine.protocol import plugin, provider, provider_grpc, status
from engine.provider.values import answer, is_unknown, plain
from rehearsal.cloud.account import Object, Status
from rehearsal.cloud.autonaming import completed, unknown_names, with_default_tags
from rehearsal.cloud.errors import NoOracleError, UnfinishedError
from rehearsal.cloud.lifecycle import Cloud, Provider
from rehearsal.cloud.sdk import sdk_version, signature

T = TypeVar("T")


class AwsProvider(provider_grpc.ResourceProviderServicer):
    """pulumi-aws, as far as the engine can tell. `on_crash` gets the traceback of a defect of penstock's own."""

    def __init__(self, cloud: Cloud, *, on_crash: Callable[[str], None]) -> None:
        self._cloud = cloud
        self._on_crash = on_crash
        self._provider = Provider()

    def Handshake(
        self, request: provider.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider.ProviderHandshakeResponse:
        return provider.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=True, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Empty:
        return Empty()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version=sdk_version())

    def CheckConfig(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        """Another region is another place: all that is there would have to be made anew."""
        old, new = plain(request.old_inputs), plain(request.news)
        replaces = ["region"] if old.get("region") != new.get("region") and not is_unknown(new.get("region")) else []
        changed = [name for name in {*old, *new} if old.get(name) != new.get(name)]
        return _difference(changed, replaces, delete_first=False)

    def Configure(
        self, request: provider.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider.ConfigureResponse:
        settings = plain(request.args)
        tags = settings.get("defaultTags") or {}
        tags = json.loads(tags) if isinstance(tags, str) and not is_unknown(tags) else tags
        self._provider = Provider(
            region=str(settings.get("region") or Provider().region), default_tags=dict((tags or {}).get("tags") or {})
        )
        return provider.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        token = _token(request.urn)
        known = signature(token)
        try:
            kind = self._cloud.kind(token)
        except NoOracleError as error:
            return provider.CheckResponse(inputs=request.news, failures=[provider.CheckFailure(reason=str(error))])
        inputs, before = plain(request.news), plain(request.olds)
        if known is None:
            reason = f"pulumi-aws {sdk_version()} has no {token}"
            return provider.CheckResponse(inputs=request.news, failures=[provider.CheckFailure(reason=reason)])
        failures = [
            provider.CheckFailure(property=name, reason=f"{token} has no input {name!r}")
            for name in unknown_names(known, inputs)
        ]
        proposed = request.autonaming.proposed_name or f"{_name(request.urn)}-{request.randomSeed[:4].hex()[:7]}"
        tagged = with_default_tags(known, inputs, self._provider.default_tags)
        done = completed(kind, tagged, before, proposed=proposed, seed=request.randomSeed)
        return provider.CheckResponse(inputs=answer(request.news, done), failures=failures)

    def Diff(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        old, new = plain(request.old_inputs), plain(request.news)
        found = self._guarded(context, lambda: self._cloud.difference(_token(request.urn), request.id, old, new))
        return _difference(found.changed, found.replacing, delete_first=found.delete_first, new=new)

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        token, inputs = _token(request.urn), plain(request.properties)
        region = self._region(inputs)
        if request.preview:
            outputs = self._guarded(context, lambda: self._cloud.foresee(token, inputs, region=region))
            return provider.CreateResponse(properties=answer(request.properties, outputs))
        made = self._guarded(
            context, lambda: self._cloud.create(token, _name(request.urn), inputs, region=region),
            token=token, inputs=request.properties,
        )  # fmt: skip
        return provider.CreateResponse(id=made.id, properties=answer(request.properties, made.outputs))

    def Update(self, request: provider.UpdateRequest, context: grpc.ServicerContext) -> provider.UpdateResponse:
        token, new, old = _token(request.urn), plain(request.news), plain(request.old_inputs)
        region, cloud = self._region(new), self._cloud
        if request.preview:
            before = plain(request.olds)
            outputs = self._guarded(
                context, lambda: cloud.foresee_update(token, request.id, before, old, new, region=region)
            )
            return provider.UpdateResponse(properties=answer(request.news, outputs))
        thing = self._guarded(
            context, lambda: cloud.update(token, request.id, _name(request.urn), old, new, region=region),
            token=token, inputs=request.news,
        )  # fmt: skip
        return provider.UpdateResponse(properties=answer(request.news, thing.outputs))

    def Read(self, request: provider.ReadRequest, context: grpc.ServicerContext) -> provider.ReadResponse:
        """The object as it is in the account now. Where nothing has changed, secrets are secret still."""
        thing = self._cloud.account.get(_token(request.urn), request.id)
        if thing is None:
            return provider.ReadResponse()
        inputs = answer(request.inputs, thing.inputs)
        properties = answer(request.properties, thing.outputs)
        if thing.status in (Status.FAILED, Status.BROKEN):
            _abort_unfinished(context, thing.id, thing.reason, properties, inputs)
        return provider.ReadResponse(id=thing.id, properties=properties, inputs=inputs)

    def Delete(self, request: provider.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        self._guarded(context, lambda: self._cloud.delete(_token(request.urn), request.id, _name(request.urn)))
        return Empty()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        return Empty()

    def _region(self, inputs: dict[str, Any]) -> str:
        region = inputs.get("region")
        return region if isinstance(region, str) and not is_unknown(region) else self._provider.region

    def _guarded(
        self, context: grpc.ServicerContext, action: Callable[[], T], *, token: str = "", inputs: Struct | None = None
    ) -> T:
        """What the action answers. Its error becomes one message; a crash, one that says where its traceback is."""
        try:
            return action()
        except Exception as error:  # the edge: what is no PenstockError is a defect of penstock
            failure = error
        if isinstance(failure, UnfinishedError) and inputs is not None:
            thing = self._cloud.account.get(token, failure.id)
            outputs = answer(inputs, thing.outputs) if isinstance(thing, Object) else inputs
            _abort_unfinished(context, failure.id, str(failure), outputs, inputs)
        if isinstance(failure, PenstockError):
            _abort(context, str(failure))
        self._on_crash("".join(traceback.format_exception(failure)))
        return _abort(context, f"the simulated AWS failed unexpectedly ({type(failure).__name__}: {failure})")


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _difference(
    changed: Any, replaces: Any, *, delete_first: bool, new: dict[str, Any] | None = None
) -> provider.DiffResponse:
    kinds = provider.PropertyDiff
    return provider.DiffResponse(
        changes=provider.DiffResponse.DIFF_SOME if changed else provider.DiffResponse.DIFF_NONE,
        diffs=changed,
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and delete_first,
        detailedDiff={
            name: kinds(kind=kinds.UPDATE_REPLACE if name in replaces else kinds.UPDATE, inputDiff=name in (new or {}))
            for name in changed
        },
        hasDetailedDiff=True,
    )


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    # Not INTERNAL or UNKNOWN: after those the engine doubts its own state.
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
    raise AssertionError(message)  # abort raises; its stub does not say so


def _abort_unfinished(
    context: grpc.ServicerContext, id: str, reason: str, properties: Struct, inputs: Struct  # noqa: A002
) -> NoReturn:  # fmt: skip
    """The resource exists, and is not what was asked: the engine keeps it, with the reason."""
    failed = provider.ErrorResourceInitFailed(id=id, properties=properties, inputs=inputs, reasons=[reason])
    packed = AnyMessage()
    packed.Pack(failed)
    trailer = status.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=reason, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", trailer.SerializeToString()),))
    _abort(context, reason)
