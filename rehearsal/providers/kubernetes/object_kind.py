"""Every kind of Kubernetes object, as the engine sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from engine.provider.errors import GoneError, ProviderError, UnfinishedError
from engine.provider.values import Unknown
from rehearsal.providers.kubernetes.cluster import Cluster
from rehearsal.providers.kubernetes.differences import Difference, difference
from rehearsal.providers.kubernetes.manifests import (
    INPUTS,
    MANAGER,
    PREFIX,
    annotation,
    has_unknown,
    identity,
    live_of,
    manifest,
    named,
    normal,
    pruned,
    state_of,
    without_nulls,
)
from rehearsal.providers.kubernetes.tokens import Token

Values = dict[str, Any]


class ObjectKind:
    """One type of resource on one cluster."""

    def __init__(self, token: Token, cluster: Cluster, settings: Mapping[str, Any]) -> None:
        self._token, self._cluster, self._settings = token, cluster, settings

    def checked(
        self, inputs: Mapping[str, Any], before: Mapping[str, Any], proposed: str
    ) -> tuple[Values, tuple[str, ...]]:
        """The inputs with a name and the provider's namespace, and what is wrong with them."""
        meta = inputs.get("metadata") or {}
        if self._token.is_patch and not meta.get("name"):
            return dict(inputs), ("metadata.name: required value: a patch names the object that it changes",)
        if meta.get("generateName") and not meta.get("name"):
            return dict(inputs), ("metadata.generateName: is not supported with server-side apply; set metadata.name",)
        done = dict(inputs) if self._token.is_patch else named(inputs, before, proposed)
        problems = [
            f"{name}: {done[name]!r} is not {expected!r}, which the resource's type says"
            for name, expected in (("apiVersion", self._token.api_version), ("kind", self._token.kind))
            if isinstance(done.get(name), str) and not has_unknown(done[name])
            and str(done[name]) not in (expected, f"{expected}Patch")
        ]  # fmt: skip
        space = self._settings.get("namespace")
        if space and not done["metadata"].get("namespace") and self._cluster.namespaced(self._manifest(done)):
            done["metadata"] = {**done["metadata"], "namespace": space}
        return done, tuple(problems)

    def difference(self, state: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
        """Changes that an update to `new` would make to the object in the engine's state."""
        wanted = self._manifest(new)
        return difference(
            live_of(state), self._manifest(old), wanted, is_patch=self._token.is_patch, settings=self._settings,
            namespaced=self._cluster.namespaced(wanted),
        )  # fmt: skip

    def foreseen(self, inputs: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> Values:
        """Result of a create or update, as the server sees it in a dry run. Refuses what the server would."""
        body = self._manifest(inputs)
        shown: Values = {**without_nulls(inputs), **({} if self._token.is_patch else {"status": Unknown()})}
        try:
            skip = self._token.is_patch or has_unknown(body) or not self._cluster.has_kind(body)
            if skip or not self._has_namespace(body):
                return shown
            live = self._cluster.apply(body, manager=self._manager(body, state or {}), force=True, dry_run=True)
        except GoneError:
            return shown
        live.pop("status", None)
        for name in ("uid", "resourceVersion", "creationTimestamp"):
            live["metadata"][name] = Unknown()
        return {**state_of(live, inputs, manager=self._manager(body, state or {})), "status": Unknown()}

    def create(self, inputs: Mapping[str, Any], timeout_s: float) -> tuple[str, Values]:
        """(id, state) of the object once it is ready. UnfinishedError with its state where it is not."""
        body = self._manifest(inputs)
        manager, force = self._manager(body, {}), self._force(body)
        if self._token.is_patch:
            if self._cluster.get(body) is None:
                raise ProviderError(f"{body['kind']} {identity(body)} is not there; a patch changes what others made")
            live = self._cluster.apply(body, manager=manager, force=force)
        else:
            upsert = bool(self._settings.get("upsertExistingObjects"))
            live = self._cluster.create(body, manager=manager, upsert=upsert, force=force)
        return self._awaited(live, inputs, manager, timeout_s, created=True)

    def update(self, state: Mapping[str, Any], new: Mapping[str, Any], timeout_s: float) -> tuple[str, Values]:
        body = self._manifest(new)
        manager = self._manager(body, state)
        live = self._cluster.apply(body, manager=manager, force=self._force(body))
        return self._awaited(live, new, manager, timeout_s, created=False)

    def read(
        self,
        id: str,  # noqa: A002 (the engine's own word)
        inputs: Mapping[str, Any],
        state: Mapping[str, Any],
    ) -> tuple[Values | None, Values, str]:
        """(state or None where it is gone, the inputs as they are now, why it is not ready)."""
        namespace, _, name = id.rpartition("/")
        body = self._manifest(inputs or live_of(state))
        body["metadata"] |= {"name": name, **({"namespace": namespace} if namespace else {})}
        live = self._cluster.get(body)
        if live is None or (self._token.is_patch and not _manages(live, self._manager(body, state))):
            return None, {}, ""
        now = _inputs_now(live, inputs) if inputs else live
        found = self._cluster.state_when_read(live)
        return state_of(live, now, manager=self._manager(body, state)), now, "" if found.ready else found.reason

    def delete(self, state: Mapping[str, Any], timeout_s: float) -> None:
        """Returns when the object is gone; of a patch, when its fields are given up."""
        live = live_of(state)
        if self._token.is_patch:
            meta = {name: live["metadata"][name] for name in ("name", "namespace") if name in live["metadata"]}
            nothing = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": meta}
            if self._cluster.get(live):
                self._cluster.apply(nothing, manager=self._manager(live, state), force=False)
            return
        try:
            self._cluster.delete(live, timeout_s=timeout_s)
        except UnfinishedError as error:
            error.outputs = state_of(error.outputs, state.get(INPUTS) or {}, manager=str(state.get(MANAGER, "")))
            raise

    def _awaited(
        self, live: Values, inputs: Mapping[str, Any], manager: str, timeout_s: float, *, created: bool
    ) -> tuple[str, Values]:
        try:
            ready = (
                live if self._token.is_patch else self._cluster.await_ready(live, created=created, timeout_s=timeout_s)
            )
        except UnfinishedError as error:
            error.outputs = state_of(error.outputs, inputs, manager=manager)
            raise
        return identity(ready), state_of(ready, inputs, manager=manager)

    def _manifest(self, inputs: Mapping[str, Any]) -> Values:
        return manifest(inputs, self._token)

    def _force(self, body: Mapping[str, Any]) -> bool:
        return annotation(body, f"{PREFIX}patchForce") == "true" or bool(self._settings.get("enablePatchForce"))

    def _manager(self, body: Mapping[str, Any], state: Mapping[str, Any]) -> str:
        """The field manager: one for each resource, the same as long as it lives."""
        asked = annotation(body, f"{PREFIX}patchFieldManager") or state.get(MANAGER)
        word = f"{self._token.is_patch} {body['apiVersion']} {body['kind']} {body['metadata'].get('name')}"
        return str(asked or f"pulumi-kubernetes-{crc32(word.encode()):08x}")

    def _has_namespace(self, body: Mapping[str, Any]) -> bool:
        """True if the namespace is there already; in a preview the program may be about to make it."""
        if not self._cluster.namespaced(body):
            return True
        name = body["metadata"].get("namespace") or "default"
        return self._cluster.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}) is not None


def _inputs_now(live: Mapping[str, Any], inputs: Mapping[str, Any]) -> Values:
    """Of the live object what the program gave; a Secret's text as it was given where it is the same."""
    now: Values = pruned(live, {name: value for name, value in inputs.items() if name != INPUTS})
    if isinstance(inputs.get("stringData"), Mapping):
        wanted = normal(inputs)
        unchanged = all((live.get("data") or {}).get(name) == text for name, text in wanted["data"].items())
        now["stringData"] = inputs["stringData"] if unchanged else {}
    return now


def _manages(live: Mapping[str, Any], manager: str) -> bool:
    return any(row.get("manager") == manager for row in live["metadata"].get("managedFields") or ())
