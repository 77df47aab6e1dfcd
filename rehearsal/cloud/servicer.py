"""Provider of a simulated cloud, as the engine sees it. No traceback reaches the engine."""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from engine.protocol import provider
from engine.provider.servicer import Servicer, abort_unfinished, difference, name_of, token_of
from engine.provider.values import answer, is_unknown, plain
from rehearsal.cloud.account import Status
from rehearsal.cloud.autonaming import completed, unknown_names
from rehearsal.cloud.errors import NoOracleError
from rehearsal.cloud.lifecycle import SimulatedCloud


class SimulatedProvider(Servicer):
    """The cloud's Pulumi provider, as far as the engine can tell."""

    def __init__(self, cloud: SimulatedCloud, *, crash_log: Path) -> None:
        super().__init__(title=cloud.rules.title, version=cloud.rules.sdk_version, crash_log=crash_log)
        self._cloud = cloud
        self._settings = cloud.rules.settings({})

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        """The changed settings. Another region is another place: all that is there would have to be made anew."""
        old, new = plain(request.old_inputs), plain(request.news)
        changed = [name for name in {*old, *new} if old.get(name) != new.get(name)]
        replacing = self._cloud.rules.replacing_settings
        replaces = [name for name in changed if name in replacing and not is_unknown(new.get(name))]
        return difference(dict.fromkeys(changed, "update"), replaces, inputs=())

    def Configure(
        self, request: provider.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider.ConfigureResponse:
        self._settings = self._cloud.rules.settings(plain(request.args))
        return provider.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        token = token_of(request.urn)
        rules = self._cloud.rules
        known = rules.signature(token)
        try:
            kind = self._cloud.kind(token)
        except NoOracleError as error:
            return provider.CheckResponse(inputs=request.news, failures=[provider.CheckFailure(reason=str(error))])
        inputs, before = plain(request.news), plain(request.olds)
        if known is None:
            reason = f"pulumi-{rules.package} {rules.sdk_version} has no {token}"
            return provider.CheckResponse(inputs=request.news, failures=[provider.CheckFailure(reason=reason)])
        failures = [
            provider.CheckFailure(property=name, reason=f"{token} has no input {name!r}")
            for name in unknown_names(known, inputs)
        ]
        proposed = request.autonaming.proposed_name or f"{name_of(request.urn)}-{request.randomSeed[:4].hex()[:7]}"
        tagged = rules.with_defaults(known, inputs, self._settings)
        done = completed(kind, tagged, before, proposed=proposed, seed=request.randomSeed)
        return provider.CheckResponse(inputs=answer(request.news, done), failures=failures)

    def Diff(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        old, new = plain(request.old_inputs), plain(request.news)
        found = self.guarded(context, lambda: self._cloud.difference(token_of(request.urn), request.id, old, new))
        return difference(
            dict.fromkeys(found.changed, "update"), found.replacing, delete_first=found.delete_first, inputs=new
        )

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        token, inputs = token_of(request.urn), plain(request.properties)
        region = self._region(inputs)
        if request.preview:
            outputs = self.guarded(context, lambda: self._cloud.foresee(token, inputs, region=region))
            return provider.CreateResponse(properties=answer(request.properties, outputs))
        made = self.guarded(
            context, lambda: self._cloud.create(token, name_of(request.urn), inputs, region=region),
            inputs=request.properties,
        )  # fmt: skip
        return provider.CreateResponse(id=made.id, properties=answer(request.properties, made.outputs))

    def Update(self, request: provider.UpdateRequest, context: grpc.ServicerContext) -> provider.UpdateResponse:
        token, new, old = token_of(request.urn), plain(request.news), plain(request.old_inputs)
        region, cloud = self._region(new), self._cloud
        if request.preview:
            before = plain(request.olds)
            outputs = self.guarded(
                context, lambda: cloud.foresee_update(token, request.id, before, old, new, region=region)
            )
            return provider.UpdateResponse(properties=answer(request.news, outputs))
        thing = self.guarded(
            context, lambda: cloud.update(token, request.id, name_of(request.urn), old, new, region=region),
            inputs=request.news,
        )  # fmt: skip
        return provider.UpdateResponse(properties=answer(request.news, thing.outputs))

    def Read(self, request: provider.ReadRequest, context: grpc.ServicerContext) -> provider.ReadResponse:
        """The object as it is in the account now. Where nothing has changed, secrets are secret still."""
        thing = self._cloud.account.get(token_of(request.urn), request.id)
        if thing is None:
            return provider.ReadResponse()
        inputs = answer(request.inputs, thing.inputs)
        properties = answer(request.properties, thing.outputs)
        if thing.status in (Status.FAILED, Status.BROKEN):
            abort_unfinished(context, thing.id, [thing.reason], properties, inputs)
        return provider.ReadResponse(id=thing.id, properties=properties, inputs=inputs)

    def Delete(self, request: provider.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        self.guarded(context, lambda: self._cloud.delete(token_of(request.urn), request.id, name_of(request.urn)))
        return Empty()

    def Invoke(self, request: provider.InvokeRequest, context: grpc.ServicerContext) -> provider.InvokeResponse:
        """The answer to a function that the program calls: of what is in the account now."""
        cloud, arguments = self._cloud, plain(request.args)
        found = self.guarded(context, lambda: cloud.rules.invoke(cloud.account, request.tok, arguments))
        told = provider.InvokeResponse()
        getattr(told, "return").CopyFrom(answer(request.args, found))
        return told

    def encoded(self, inputs: Struct, outputs: Mapping[str, Any]) -> Struct:
        return answer(inputs, outputs)

    def _region(self, inputs: dict[str, Any]) -> str:
        region = inputs.get("region")
        return region if isinstance(region, str) and not is_unknown(region) else self._settings.region
