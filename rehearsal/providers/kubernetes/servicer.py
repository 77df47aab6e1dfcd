"""The engine's requests to its provider `kubernetes`, answered on a real API; no traceback reaches the engine."""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from components.kubernetes.kubeconfig import Access
from engine.protocol import provider
from engine.provider.errors import GoneError, ProviderError
from engine.provider.servicer import Servicer, abort, abort_unfinished, difference, name_of, token_of
from engine.provider.values import is_unknown, plain
from lab.releases import Releases
from rehearsal.cloud.pace import Pace
from rehearsal.providers.kubernetes import settings as provider_settings
from rehearsal.providers.kubernetes.cluster import Cluster
from rehearsal.providers.kubernetes.differences import Difference
from rehearsal.providers.kubernetes.manifests import INPUTS
from rehearsal.providers.kubernetes.object_kind import ObjectKind
from rehearsal.providers.kubernetes.release_kind import ReleaseKind
from rehearsal.providers.kubernetes.tokens import CHART, RELEASE, read_token, sdk_version
from rehearsal.providers.kubernetes.wire import message

T = TypeVar("T")
REMEDY = "set deleteUnreachable on the provider, or PULUMI_K8S_DELETE_UNREACHABLE=true, if the cluster was deleted"


class KubernetesProvider(Servicer):
    """pulumi-kubernetes, as far as the engine can tell, for one cluster.

    `redirect` is where everything is led to; None goes where the program's kubeconfig says.
    """

    def __init__(
        self, *, pace: Pace, releases: Callable[[Access], Releases], redirect: Access | None,
        crash_log: Path,
    ) -> None:  # fmt: skip
        super().__init__(title="the simulated pulumi-kubernetes", version=sdk_version(), crash_log=crash_log)
        self._pace, self._make_releases, self._redirect = pace, releases, redirect
        self._canceled = threading.Event()
        self._settings: dict[str, Any] = {}
        self._cluster: Cluster | None = None
        self._releases: ReleaseKind | None = None
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """Number of changes that were sent to the API server."""
        return sum(self._cluster.requests.values()) if self._cluster else 0

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Empty:
        self._canceled.clear()
        return Empty()

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        """Another cluster is another place; with an identifier on both sides, only that says so."""
        old, new = (provider_settings.opened(plain(one)) for one in (request.old_inputs, request.news))
        changed = tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name) and name != "version"))
        replaces = () if is_unknown(new.get("kubeconfig")) else provider_settings.replacing(old, new, changed)
        return difference(dict.fromkeys(changed, "update"), replaces)

    def Configure(
        self, request: provider.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider.ConfigureResponse:
        def configure() -> None:
            found = provider_settings.opened(plain(request.args))
            access = self._redirect or provider_settings.access_of(found)
            with self._lock:
                self._settings = found
                if self._cluster is None or self._cluster.access != access:
                    self._cluster = Cluster(access, self._pace, canceled=self._canceled)
                    self._releases = ReleaseKind(self._make_releases(access))

        self._guarded(context, configure)
        return provider.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        token, news, olds = token_of(request.urn), plain(request.news), plain(request.olds)
        if refusal := _refused(token):
            return provider.CheckResponse(inputs=request.news, failures=[provider.CheckFailure(reason=refusal)])
        suffix = request.randomSeed[:4].hex() or secrets.token_hex(4)
        proposed = request.autonaming.proposed_name or f"{name_of(request.urn)}-{suffix}"
        if token == RELEASE:
            done, problems = self._guarded(context, lambda: self._release.checked(news, olds, proposed))
        else:
            done, problems = self._guarded(context, lambda: self._object(token).checked(news, olds, proposed))
        failures = [provider.CheckFailure(reason=text) for text in problems]
        return provider.CheckResponse(inputs=message(done, request.news), failures=failures)

    def Diff(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        token, news, state = token_of(request.urn), plain(request.news), plain(request.olds)
        old = state.get(INPUTS) or plain(request.old_inputs)
        if token == RELEASE:
            return _difference(self._guarded(context, lambda: self._release.difference(old, news)))
        return _difference(self._guarded(context, lambda: self._object(token).difference(state, old, news)))

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        token, inputs = token_of(request.urn), plain(request.properties)
        if request.preview:
            shown = self._guarded(context, lambda: self._foreseen(token, inputs))
            return provider.CreateResponse(properties=message(shown, request.properties))
        kind = self._release if token == RELEASE else self._object(token)
        done = self._guarded(
            context,
            lambda: kind.create(inputs) if isinstance(kind, ReleaseKind) else kind.create(inputs, request.timeout),
            inputs=request.properties,
        )
        return provider.CreateResponse(id=done[0], properties=message(done[1], request.properties))

    def Update(self, request: provider.UpdateRequest, context: grpc.ServicerContext) -> provider.UpdateResponse:
        token, news, state = token_of(request.urn), plain(request.news), plain(request.olds)
        if request.preview:
            shown = self._guarded(context, lambda: self._foreseen(token, news, state))
            return provider.UpdateResponse(properties=message(shown, request.news))
        kind = self._release if token == RELEASE else self._object(token)
        done = self._guarded(
            context,
            lambda: kind.update(news) if isinstance(kind, ReleaseKind) else kind.update(state, news, request.timeout),
            inputs=request.news,
        )
        return provider.UpdateResponse(properties=message(done[1], request.news))

    def Read(self, request: provider.ReadRequest, context: grpc.ServicerContext) -> provider.ReadResponse:
        """The object as it is; of its inputs, those that the program gave, as they are now."""
        token, inputs, state = token_of(request.urn), plain(request.inputs), plain(request.properties)
        try:
            if token == RELEASE:
                found = self._guarded(context, lambda: self._release.read(request.id, inputs), gone=True)
                now, reason = inputs, ""
            else:
                found, now, reason = self._guarded(
                    context, lambda: self._object(token).read(request.id, inputs, state), gone=True
                )
        except GoneError as error:
            return self._unreachable(context, request, error)
        if found is None:
            return provider.ReadResponse()
        properties, seen = message(found, request.properties), message(now, request.inputs)
        if reason:
            abort_unfinished(context, request.id, [reason], properties, seen)
        return provider.ReadResponse(id=request.id, properties=properties, inputs=seen)

    def Delete(self, request: provider.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        token, state = token_of(request.urn), plain(request.properties)

        def delete() -> None:
            if token == RELEASE:
                self._release.delete(request.id, state.get(INPUTS) or state)
            else:
                self._object(token).delete(state, request.timeout)

        try:
            self._guarded(context, delete, inputs=request.properties, gone=True)
        except GoneError as error:
            if not self._settings.get("deleteUnreachable"):
                abort(context, f"the cluster does not answer ({error}); {REMEDY}")
        return Empty()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self._canceled.set()
        return Empty()

    @property
    def _release(self) -> ReleaseKind:
        if self._releases is None:
            raise ProviderError("the provider was not configured")
        return self._releases

    def _object(self, token: str) -> ObjectKind:
        if self._cluster is None:
            raise ProviderError("the provider was not configured")
        return ObjectKind(read_token(token), self._cluster, self._settings)

    def _foreseen(self, token: str, inputs: dict[str, Any], state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._release.foreseen(inputs) if token == RELEASE else self._object(token).foreseen(inputs, state)

    def _unreachable(
        self, context: grpc.ServicerContext, request: provider.ReadRequest, error: GoneError
    ) -> provider.ReadResponse:
        if self._settings.get("deleteUnreachable"):
            return provider.ReadResponse()
        if self._settings.get("skipUpdateUnreachable"):
            return provider.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        return abort(context, f"the cluster does not answer ({error}); {REMEDY}")

    def encoded(self, inputs: Struct, outputs: Mapping[str, Any]) -> Struct:
        return message(outputs, inputs)

    def _guarded(
        self, context: grpc.ServicerContext, action: Callable[[], T], *, inputs: Struct | None = None,
        gone: bool = False,
    ) -> T:  # fmt: skip
        """The action's result, taken at the cluster's pace."""

        def paced() -> T:
            with self._pace.working():
                return action()

        return self.guarded(context, paced, inputs=inputs, passing=(GoneError,) if gone else ())


def _refused(token: str) -> str:
    """Reason why no resource of the type can be made here, "" where one can."""
    if token == CHART:
        return f"{token} is a component of the real provider's; use kubernetes:helm.sh/v3:Release, as penstock does"
    if token.count(":") < 2 or "/" not in token.split(":")[1]:
        return f"pulumi-kubernetes {sdk_version()} has no {token}"
    if token.endswith("List"):
        return f"{token}: lists cannot be created; make each of the objects in it"
    return ""


def _difference(found: Difference) -> provider.DiffResponse:
    return difference(found.changes, found.replaces, delete_first=found.delete_first)
