"""The simulated Kubernetes as its clients reach it: the REST API over HTTP on loopback, behind a token."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from rehearsal.kubernetes.kinds import Served
from rehearsal.kubernetes.objects import Body, Objects
from rehearsal.kubernetes.patches import changed_by
from rehearsal.kubernetes.pods import log
from rehearsal.kubernetes.refusals import RefusalError, no_page
from rehearsal.kubernetes.selectors import selects

if TYPE_CHECKING:
    from email.message import Message

LONGEST_WATCH_S = 600.0
VERBS = {"GET": "Read", "POST": "Create", "PUT": "Replace", "DELETE": "Delete"}


class Api:
    """Requests of the API. `before` may refuse (RefusalError) or delay one: (verb, kind, name, client's token)."""

    def __init__(
        self, objects: Objects, *, version: str, before: Callable[[str, str, str, str], None],
        takes: Callable[[str], bool],
    ) -> None:  # fmt: skip
        """`takes` tells that a client's token is good."""
        self.objects, self.version, self.before, self.takes = objects, version, before, takes
        self.reachable = True

    def answer(self, request: Request) -> Any:
        """The answer's body. RefusalError where it is refused."""
        parts = [part for part in request.path.split("/") if part]
        match parts:
            case ["version"]:
                major, minor = self.version.split(".")[:2]
                return {"major": major, "minor": minor, "gitVersion": f"v{self.version}.0"}
            case ["healthz" | "readyz" | "livez"]:
                return "ok"
            case ["api"]:
                return {"kind": "APIVersions", "versions": ["v1"]}
            case ["apis"]:
                return {"kind": "APIGroupList", "apiVersion": "v1", "groups": self._groups()}
            case ["api", version, *rest]:
                return self._within("", version, rest, request)
            case ["apis", group, version, *rest]:
                return self._within(group, version, rest, request)
            case _:
                raise no_page()

    def served(self, request: Request) -> tuple[Served, str, str, str]:
        """(kind, namespace, name, subresource) of the path."""
        parts = [part for part in request.path.split("/") if part]
        group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
        return self._place(group, version, rest)

    def _groups(self) -> list[Body]:
        versions: dict[str, list[str]] = {}
        for kind in self.objects.kinds():
            if kind.group and kind.version not in versions.setdefault(kind.group, []):
                versions[kind.group].append(kind.version)
        return [
            {"name": group, "versions": [{"groupVersion": f"{group}/{one}", "version": one} for one in found]}
            for group, found in versions.items()
        ]

    def _within(self, group: str, version: str, rest: list[str], request: Request) -> Any:
        if not rest:
            return self._resources(group, version)
        kind, namespace, name, sub = self._place(group, version, rest)
        verb = VERBS.get(request.method, "Apply" if "apply-patch" in request.content_type else "Patch")
        self.before(verb, kind.kind, name or _name(request.body), request.token)
        with self.objects.lock:
            return self._do(kind, namespace, name, sub, request)

    def _resources(self, group: str, version: str) -> Body:
        rows = [
            {"name": one.plural, "kind": one.kind, "namespaced": one.namespaced, "singularName": one.kind.lower()}
            for one in self.objects.kinds()
            if (one.group, one.version) == (group, version)
        ]
        if not rows:
            raise no_page()
        where = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": where, "resources": rows}

    def _place(self, group: str, version: str, rest: list[str]) -> tuple[Served, str, str, str]:
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
            namespace, rest = rest[1], rest[2:]
        name, sub = ([*rest[1:], "", ""])[:2]
        return self.objects.served(group, version, rest[0]), namespace, name, sub

    def _do(self, kind: Served, namespace: str, name: str, sub: str, request: Request) -> Any:
        how: dict[str, Any] = {
            "manager": request.query.get("fieldManager", "unknown"),
            "dry_run": bool(request.query.get("dryRun")),
        }
        objects = self.objects
        if (kind.kind, sub, request.method) == ("Pod", "log", "GET"):
            return log(objects.get(kind, namespace, name))
        if sub not in ("", "status"):
            raise no_page()
        if request.method == "GET":
            return objects.get(kind, namespace, name) if name else self._list(kind, namespace, request)
        if request.method == "POST":
            return objects.create(kind, namespace, request.body, **how)
        if request.method == "DELETE":
            objects.delete(kind, namespace, name, dry_run=how["dry_run"])
            return {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        how["status"] = sub == "status"
        if request.method == "PUT":
            return objects.replace(kind, namespace, name, request.body, **how)
        if "apply-patch" in request.content_type:
            force = request.query.get("force") == "true"
            return objects.apply(kind, namespace, name, request.body, force=force, **how)
        change = changed_by(request.body, request.content_type)
        return objects.patch(kind, namespace, name, change, **how)

    def _list(self, kind: Served, namespace: str, request: Request) -> Body:
        labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        found = [body for body in self.objects.list(kind, namespace) if selects(body, labels, fields)]
        meta = {"resourceVersion": str(len(self.objects.events))}
        return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": found}


class Request:
    """One request, read."""

    def __init__(self, method: str, target: str, headers: Message, content: bytes) -> None:
        split = urlsplit(target)
        self.method, self.path = method, split.path
        self.query = {name: values[-1] for name, values in parse_qs(split.query).items()}
        self.content_type = headers.get("Content-Type", "")
        self.token = headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            self.body: Any = json.loads(content) if content else None
        except ValueError as error:
            raise RefusalError(400, "BadRequest", f"the body is not JSON: {error}") from error


class Server(ThreadingHTTPServer):
    """On a free port of loopback; also the proxy behind which the cluster's endpoints are, and nothing else.

    A cloud gives a cluster the address that it would have; `tls` has the context of such a host, None of any other.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, api: Api, tls: Callable[[str], ssl.SSLContext | None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.api, self.tls = api, tls

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections that stay."""

    protocol_version = "HTTP/1.1"
    server: Server
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Nothing: the report counts requests."""

    def do_GET(self) -> None:
        self._respond()

    def do_CONNECT(self) -> None:
        """A client that takes this server for its proxy goes on with the endpoint that it names."""
        host = self.path.rpartition(":")[0].strip("[]")
        context = self.server.tls(host)
        if context is None:
            self.send_error(502, "no such host in a rehearsal")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:  # the client does not trust it, or is gone
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 (of the base class)
        """The cluster's time, by which its clients count how long they wait."""
        return formatdate(self.server.api.objects.now().timestamp(), usegmt=True)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (as above)

    def _respond(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.server.api.reachable:
            self.close_connection = True
            return
        try:
            request = Request(self.command, self.path, self.headers, content)
            if not self.server.api.takes(request.token):
                raise RefusalError(401, "Unauthorized", "Unauthorized")
            if request.query.get("watch") in ("true", "1"):
                self._watch(request)
            else:
                self._send(200 if self.command != "POST" else 201, self.server.api.answer(request))
        except RefusalError as error:
            self._send(error.code, error.status())

    def _send(self, code: int, body: Any) -> None:
        is_text = isinstance(body, str)
        content = body.encode() if is_text else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _watch(self, request: Request) -> None:
        """One event a line: what is there, then what happens, until the time is over or the client is gone."""
        api, objects = self.server.api, self.server.api.objects
        kind, namespace, _, _ = api.served(request)
        labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        ends_s = min(float(request.query.get("timeoutSeconds", LONGEST_WATCH_S)), LONGEST_WATCH_S)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            for event in objects.watched(kind, namespace, ends_s):
                if selects(event["object"], labels, fields):
                    self._chunk(json.dumps(event).encode() + b"\n")
            self._chunk(b"")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()


def _name(body: Any) -> str:
    return str((body.get("metadata") or {}).get("name", "")) if isinstance(body, dict) else ""
