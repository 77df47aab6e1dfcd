"""A server on loopback for the download code: plain files in good and in bad states, and a container registry."""

import gzip
import hashlib
import io
import json
import re
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
TOKEN = "anonymous"  # noqa: S105 - anybody gets it

PIECE = 1 << 16


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Web:
    """The server's files, its faults, and the requests that it was sent."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    """Most bytes that one answer for the path sends before the connection ends."""
    slow: dict[str, float] = field(default_factory=dict)
    """Seconds that each 64 KiB of the path take."""
    ranges: bool = True
    token: str = ""
    """Token that a registry's paths want to see; "" for nothing."""
    renewed: str = ""
    """The token that follows once a layer was cut: tokens last for minutes only."""
    scheme: str = "Bearer"
    """Scheme in which it wants to be shown that."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(path, Range header) of each request."""
    authorized: list[tuple[str, str]] = field(default_factory=list)
    """(path, Authorization header) of each request that had one."""

    def put_blob(self, repository: str, content: bytes) -> str:
        self.files[f"/v2/{repository}/blobs/{sha256(content)}"] = content
        return sha256(content)

    def put_manifest(self, repository: str, tag: str, content: Mapping[str, Any]) -> str:
        body = json.dumps(content).encode()
        for reference in (tag, sha256(body)):
            self.files[f"/v2/{repository}/manifests/{reference}"] = body
        return sha256(body)

    def put_image(
        self, repository: str, tag: str, layers: list[bytes], architecture: str = "amd64", **config: Any
    ) -> str:
        """An index with two architectures, of which one has these layers. The index's digest."""
        described = {"architecture": architecture, "config": config or {"Entrypoint": ["/manager"]}}
        manifest = {
            "mediaType": MANIFEST,
            "config": {"digest": self.put_blob(repository, json.dumps(described).encode())},
            "layers": [{"mediaType": GZIP_LAYER, "digest": self.put_blob(repository, layer)} for layer in layers],
        }
        digests = {"s390x": sha256(b"other"), architecture: self.put_manifest(repository, "only", manifest)}
        entries = [
            {"digest": digest, "platform": {"os": "linux", "architecture": name}} for name, digest in digests.items()
        ]
        return self.put_manifest(repository, tag, {"mediaType": INDEX, "manifests": entries})

    def requests(self, ending: str) -> list[str]:
        """The Range headers of what was asked for by this ending."""
        return [header for path, header in self.asked if path.endswith(ending)]


def layer(entries: Mapping[str, bytes | None], links: Mapping[str, str] | None = None) -> bytes:
    """A gzip layer: files by name (None: an empty marker), and symbolic links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(content or b"")
            tar.addfile(member, io.BytesIO(content or b""))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return gzip.compress(buffer.getvalue(), mtime=0)


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(web))
    web.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"web": web})


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        web = self.web
        path, _, _ = self.path.partition("?")
        web.asked.append((path, self.headers.get("Range", "")))
        if given := self.headers.get("Authorization"):
            web.authorized.append((path, given))
        if path == "/token":
            self._send(200, json.dumps({"token": web.token}).encode(), {})
        elif path.startswith("/v2/") and web.token and given != f"Bearer {web.token}":
            challenge = f'{web.scheme} realm="{web.address}/token",service="test",scope="repository:x:pull"'
            self._send(401, b"", {"WWW-Authenticate": challenge})
        elif path in web.redirects:
            self._send(302, b"", {"Location": web.redirects[path]})
        elif path in web.files:
            self._send_file(path, web.files[path])
        else:
            self._send(404, b"nothing here", {})

    def _send_file(self, path: str, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if self.web.ranges else None
        start = int(asked[1]) if asked else 0
        if asked and start >= len(content):
            self._send(416, b"", {})
            return
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if asked else {}
        self._send(206 if asked else 200, content[start:], headers, self.web.cut.get(path), self.web.slow.get(path, 0))
        if path in self.web.cut:
            self.web.token = self.web.renewed or self.web.token

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str], most: int | None = None, pause: float = 0
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # a client that was killed
            for start in range(0, len(body[:most]), PIECE):
                self.wfile.write(body[:most][start : start + PIECE])
                time.sleep(pause)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""
