"""A cluster as the provider works on it: objects made, changed, read and removed, each until it is so."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.kubernetes.kubeconfig import Access
from engine.provider.errors import GoneError, ProviderError, UnfinishedError
from rehearsal.cloud.pace import Pace
from rehearsal.providers.kubernetes.manifests import PREFIX, annotation, identity
from rehearsal.providers.kubernetes.readiness import READY, Readiness, judged_when_read, readiness
from rehearsal.providers.kubernetes.wait_for import ANNOTATION, fulfilled

Body = dict[str, Any]
T = TypeVar("T")
DEFAULT_TIMEOUT_S = 600.0  # of pulumi-kubernetes' awaiters and of its deletes
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
# What a server says that is overloaded or about to start.
RETRIED = frozenset({429, 503})
MOST_TRIES = 5


class Cluster:
    """One API server. GoneError where it does not answer, ProviderError where it refuses."""

    def __init__(self, access: Access, pace: Pace, *, canceled: threading.Event) -> None:
        self.access, self._pace, self._canceled = access, pace, canceled
        self.requests: Counter[str] = Counter()
        self._api = KubernetesApi(access)

    def namespaced(self, body: Mapping[str, Any]) -> bool:
        """True if objects of the kind are in namespaces; one that is not defined yet is taken to be."""
        try:
            return self._api.kind(body["apiVersion"], body["kind"]).namespaced
        except ApiError:
            return True
        except UnreachableError as error:
            raise GoneError(str(error)) from error

    def has_kind(self, body: Mapping[str, Any]) -> bool:
        try:
            self._api.kind(body["apiVersion"], body["kind"])
        except ApiError:
            return False
        except UnreachableError as error:
            raise GoneError(str(error)) from error
        return True

    def answers(self) -> str:
        """Reason why it does not answer, "" where it does."""
        try:
            self._api.version()
        except (UnreachableError, ApiError) as error:
            return str(error)
        return ""

    def get(self, body: Mapping[str, Any]) -> Body | None:
        """The object as it is now, None where it or its kind is not there."""
        meta = body["metadata"]
        try:
            return self._ask(
                lambda: self._api.get(body["apiVersion"], body["kind"], meta["name"], meta.get("namespace"))
            )
        except ApiError as error:
            if error.status == 404:
                return None
            raise ProviderError(str(error)) from error

    def create(self, body: Body, *, manager: str, upsert: bool, force: bool, dry_run: bool = False) -> Body:
        """The new object, not awaited. Refuses (ProviderError) one that is there already, unless `upsert`."""
        if not upsert and self.has_kind(body) and self.get(body):
            raise ProviderError(
                f'{body["kind"]} "{body["metadata"]["name"]}" already exists; import it, or delete it, or choose '
                "another name"
            )
        return self.apply(body, manager=manager, force=force, dry_run=dry_run)

    def apply(self, body: Body, *, manager: str, force: bool, dry_run: bool = False) -> Body:
        """The object after server-side apply."""
        if not dry_run:
            self.requests[f"Apply{body['kind']}"] += 1
        try:
            return self._ask(lambda: self._api.apply(body, manager=manager, force=force, dry_run=dry_run))
        except ApiError as error:
            raise ProviderError(_in_words(error, body)) from error

    def await_ready(self, body: Body, *, created: bool, timeout_s: float) -> Body:
        """The object once it is ready. UnfinishedError where it will not be, or not in time."""
        if annotation(body, f"{PREFIX}skipAwait") == "true":
            return body
        current, reason = dict(body), ""

        def is_ready() -> bool:
            nonlocal current, reason
            live = self.get(current)
            if live is None:
                raise ProviderError(f"{body['kind']} {identity(body)} was deleted while it was waited for")
            current = live
            found = self.state(live, created=created)
            reason = found.reason
            if found.failed:
                raise UnfinishedError([_unready(live, reason)], live, id=identity(live))
            return found.ready

        if not self._until(is_ready, timeout_s or _asked_s(body) or DEFAULT_TIMEOUT_S):
            raise UnfinishedError([_unready(current, f"{self._ended()}: {reason}")], current, id=identity(current))
        return current

    def state(self, live: Body, *, created: bool = False) -> Readiness:
        """Readiness of the object."""
        if expressions := annotation(live, ANNOTATION):
            return fulfilled(expressions, live)
        return readiness(live, self._lookup, created=created)

    def state_when_read(self, live: Body) -> Readiness:
        """Problem that a refresh must report: the object is not what was asked."""
        if annotation(live, f"{PREFIX}skipAwait") == "true" or not judged_when_read(live):
            return READY
        return self.state(live)

    def delete(self, body: Body, *, timeout_s: float) -> None:
        """Returns when it is gone. UnfinishedError where something holds it for too long."""
        meta, live = body["metadata"], self.get(body)
        if live is None:
            return
        propagation = annotation(body, f"{PREFIX}deletionPropagationPolicy") or "foreground"
        self.requests[f"Delete{body['kind']}"] += 1
        try:
            self._ask(
                lambda: self._api.delete(
                    body["apiVersion"], body["kind"], meta["name"], meta.get("namespace"),
                    propagation=propagation.capitalize(),
                )
            )  # fmt: skip
        except ApiError as error:
            raise ProviderError(_in_words(error, body)) from error
        current = live

        def is_gone() -> bool:
            nonlocal current
            found = self.get(body)
            current = found or current
            return found is None or found["metadata"]["uid"] != live["metadata"]["uid"]

        if not self._until(is_gone, timeout_s or _asked_s(body) or DEFAULT_TIMEOUT_S):
            held = ", ".join(current["metadata"].get("finalizers") or ()) or "its contents"
            text = f"{body['kind']} {identity(current)} was asked to go and is held by {held}"
            raise UnfinishedError([f"{self._ended()}: {text}"], current, id=identity(current))

    def close(self) -> None:
        self._api.close()

    def _until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Waits; true if it was done within the time. An interrupt ends the wait, and what was made stays known:
        pulumi-kubernetes' cancellationError is a PartialError, with the object (provider/pkg/await)."""
        end_s, pause_s = self._pace.now_s() + timeout_s, FIRST_PAUSE_S
        while not done():
            if self._pace.now_s() >= end_s or self._canceled.is_set():
                return False
            self._pace.pause(min(pause_s, max(end_s - self._pace.now_s(), 0.05)))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return True

    def _ended(self) -> str:
        """Reason why a wait ended too early."""
        return "the operation was canceled" if self._canceled.is_set() else "timed out"

    def _lookup(self, api_version: str, kind: str, namespace: str, labels: str) -> list[Body]:
        try:
            return self._api.list(api_version, kind, namespace or None, labels=labels or None)
        except ApiError:
            return []

    def _ask(self, request: Callable[[], T]) -> T:
        """The answer; asks again a few times where a server is overloaded or restarting."""
        pause_s = FIRST_PAUSE_S
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return request()
            except UnreachableError as error:
                if attempt == MOST_TRIES:
                    raise GoneError(str(error)) from error
            except ApiError as error:
                if attempt == MOST_TRIES or error.status not in RETRIED or "failed calling webhook" in str(error):
                    raise
            self._pace.pause(pause_s)
            pause_s *= 2
        raise AssertionError("the last attempt returned or raised")


def _asked_s(body: Mapping[str, Any]) -> float:
    try:
        return float(annotation(body, f"{PREFIX}timeoutSeconds") or 0)
    except ValueError:
        return 0.0


def _unready(body: Mapping[str, Any], reason: str) -> str:
    return f"{body['kind']} {identity(body)} was created, but failed to become live: {reason}"


def _in_words(error: ApiError, body: Mapping[str, Any]) -> str:
    if error.status == 404 and "namespaces" not in str(error):
        return (
            f"the API server has no kind {body['kind']} in {body['apiVersion']}; make sure that its "
            f"CustomResourceDefinition is made before it ({error})"
        )
    if error.status == 409 and "conflict" in str(error):
        return f'{error}; annotate pulumi.com/patchForce: "true" to take the fields over'
    return str(error)
