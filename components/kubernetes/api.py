"""A Kubernetes API server as plain JSON: the few verbs that penstock needs of it.

No client library: those at hand make a class of every object, which takes a second to import, drops the fields that
their version does not know, and knows no custom resource.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from components.kubernetes.bearer import BearerToken
from components.kubernetes.kubeconfig import Access, KubeconfigError

Object = dict[str, Any]
"""A Kubernetes object, as JSON."""

FIELD_MANAGER = "penstock"
PAGE = 500
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class ApiError(Exception):
    """Refusal of the API server: the HTTP status, its reason (`NotFound`, `Invalid`...) and its message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class UnreachableError(Exception):
    """The API server does not answer, what answers is not one that these credentials trust, or they have ended and no
    others are to be had.
    """


@dataclass(frozen=True, slots=True)
class Kind:
    """Path and scope of one kind of objects on this server."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def root(self) -> str:
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"

    def path(self, namespace: str | None, name: str = "", sub: str = "") -> str:
        """The address of the collection, of the object `name`, or of its subresource."""
        inside = f"/namespaces/{namespace or 'default'}" if self.namespaced and (namespace or name) else ""
        parts = [self.root + inside, self.plural, name, sub]
        return "/".join(part for part in parts if part)


class KubernetesApi:
    """One API server, for longer than a token of its lives. Safe to use from several threads. UnreachableError where it
    does not answer.
    """

    def __init__(self, access: Access, *, timeout_s: float = 30.0) -> None:
        self.server = access.server
        self._token = BearerToken(access)
        self._extensions = {"sni_hostname": access.server_name} if access.server_name else {}
        self._http = httpx.Client(
            base_url=access.server, verify=access.tls(), auth=self._token, timeout=timeout_s,
            trust_env=not _is_loopback(access.server),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
        )  # fmt: skip
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._clock_s: float | None = None

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content_type: str = "application/json",
        query: Mapping[str, str | None] | None = None,
    ) -> Any:
        """The server's answer as JSON (text where it is not); ApiError where it refuses."""
        given = {key: value for key, value in (query or {}).items() if value is not None}
        content = None if body is None else json.dumps(body).encode()
        try:
            answer = self._sent(
                self._http.build_request(
                    method, path, params=given, content=content, headers={"Content-Type": content_type},
                    extensions=self._extensions,
                )
            )  # fmt: skip
        except (httpx.HTTPError, KubeconfigError) as error:
            raise UnreachableError(f"{self.server}: {error or type(error).__name__}") from error
        self._clock_s = _date(answer)
        return _read(answer)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        """The answer. A tunnel of this machine that has ended is opened again by whoever gives the credentials, and the
        question asked again, unless it is a create, which may have arrived.
        """
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            again = isinstance(error, httpx.ConnectError) or request.method != "POST"
            if not (again and _is_loopback(self.server) and self._token.renewed()):
                raise
            return self._http.send(request)

    def clock_s(self) -> float:
        """Seconds on the server's clock at its last answer; on this machine's where the server tells no time.

        Good for differences of whole seconds. A wait that is counted so is as long as the cluster had.
        """
        if self._clock_s is None:
            self.version()
        assert self._clock_s is not None, "told by every answer"
        return self._clock_s

    def version(self) -> tuple[int, int]:
        """(1, 36) of a server that calls itself v1.36.3."""
        told = self.call("GET", "/version")
        return int(told["major"]), int("".join(filter(str.isdigit, told["minor"])))

    def kind(self, api_version: str, kind: str) -> Kind:
        """Looks up that kind on this server; ApiError 404 where it has none of it."""
        key = (api_version, kind)
        if key not in self._kinds:
            root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            for row in self.call("GET", root)["resources"]:
                if "/" not in row["name"]:
                    self._kinds[api_version, row["kind"]] = Kind(
                        api_version, row["kind"], row["name"], row["namespaced"]
                    )
        if key not in self._kinds:
            raise ApiError(404, "NotFound", f"the server has no kind {kind} in {api_version}")
        return self._kinds[key]

    def versions(self, group: str) -> tuple[str, ...]:
        """Versions that it serves of an API group, the preferred first; none where it has no such group."""
        try:
            found = self.call("GET", f"/apis/{group}")
        except ApiError as error:
            if error.status == 404:
                return ()
            raise
        return tuple(str(row["version"]) for row in found["versions"])

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """The object, None where there is none of that name; a kind that the server lacks is ApiError 404."""
        path = self.kind(api_version, kind).path(namespace, name)
        try:
            found: Object = self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, labels: str | None = None,
        fields: str | None = None,
    ) -> list[Object]:  # fmt: skip
        """All objects of the kind, in one namespace or in all; `labels` and `fields` are selectors."""
        path, found, more = self.kind(api_version, kind).path(namespace), [], None
        while True:
            query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(PAGE), "continue": more}
            page = self.call("GET", path, query=query)
            found += [{"apiVersion": api_version, "kind": kind, **item} for item in page["items"]]
            more = page["metadata"].get("continue") or None
            if not more:
                return found

    def create(self, body: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """The object as the server made it; ApiError 409 where it is there already."""
        made: Object = self.call(
            "POST", self._at(body, named=False), body=body, query={"dryRun": "All" if dry_run else None}
        )
        return made

    def apply(
        self, body: Mapping[str, Any], *, manager: str = FIELD_MANAGER, force: bool = False, dry_run: bool = False,
        sub: str = "",
    ) -> Object:  # fmt: skip
        """Server-side apply; ApiError 409 where another manager owns a field that would change, unless `force`."""
        query = {
            "fieldManager": manager,
            "force": "true" if force else None,
            "dryRun": "All" if dry_run else None,
        }
        applied: Object = self.call("PATCH", self._at(body, sub=sub), body=body, content_type=APPLY, query=query)
        return applied

    def patch(self, body: Mapping[str, Any], *, sub: str = "") -> Object:
        """A merge patch of the object that `body` names; `sub` is a subresource such as `status`."""
        patched: Object = self.call("PATCH", self._at(body, sub=sub), body=body, content_type=MERGE)
        return patched

    def replace(self, body: Mapping[str, Any], *, sub: str = "") -> Object:
        """The object in place of the one there; ApiError 409 where it has changed since it was read."""
        replaced: Object = self.call("PUT", self._at(body, sub=sub), body=body)
        return replaced

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, *, grace_s: int | None = None,
        propagation: str = "Foreground",
    ) -> bool:  # fmt: skip
        """Asks for the object to go; False where it is gone already. Finalizers may hold it for longer."""
        try:
            path = self.kind(api_version, kind).path(namespace, name)
            self.call("DELETE", path, body={"propagationPolicy": propagation} | _grace(grace_s))
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def watch(
        self, api_version: str, kind: str, namespace: str | None = None, *, fields: str | None = None,
        timeout_s: int = 300, since: str | None = None,
    ) -> Iterator[tuple[str, Object]]:  # fmt: skip
        """(`ADDED` | `MODIFIED` | `DELETED`, object) as they come, until `timeout_s` or the server ends it.

        All that is there comes first; with `since`, what came after that resource version (ApiError 410 where the
        server has forgotten it).
        """
        query = {
            "watch": "true",
            "timeoutSeconds": str(timeout_s),
            "fieldSelector": fields,
            "resourceVersion": since,
        }
        given = {key: value for key, value in query.items() if value is not None}
        path = self.kind(api_version, kind).path(namespace)
        try:
            with self._http.stream(
                "GET", path, params=given, timeout=httpx.Timeout(30.0, read=timeout_s + 30),
                extensions=self._extensions,
            ) as lines:  # fmt: skip
                if lines.status_code >= 400:
                    lines.read()
                    _read(lines)
                for line in lines.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _refusal(event["object"].get("code", 500), event["object"])
                    yield event["type"], event["object"]
        except (httpx.HTTPError, KubeconfigError) as error:
            raise UnreachableError(f"{self.server}: {error or type(error).__name__}") from error

    def _at(self, body: Mapping[str, Any], *, named: bool = True, sub: str = "") -> str:
        kind = self.kind(body["apiVersion"], body["kind"])
        namespace = body["metadata"].get("namespace") or "default"
        return kind.path(namespace if kind.namespaced else None, body["metadata"]["name"] if named else "", sub)


def _is_loopback(server: str) -> bool:
    """True if no proxy may stand before the server, whatever the environment says: as kubectl has it."""
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _date(answer: httpx.Response) -> float:
    """Seconds since 1970; by this machine's clock for an answer without a date that can be read, as some proxies'."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _grace(grace_s: int | None) -> Object:
    return {} if grace_s is None else {"gracePeriodSeconds": grace_s}


def _read(answer: httpx.Response) -> Any:
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    content = answer.json() if is_json else answer.text
    if answer.status_code >= 400:
        raise _refusal(answer.status_code, content)
    return content


def _refusal(status: int, content: Any) -> ApiError:
    if isinstance(content, dict):
        return ApiError(status, content.get("reason", ""), content.get("message", str(content)))
    return ApiError(status, "", str(content).strip())
