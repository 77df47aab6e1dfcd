"""Google's APIs over HTTP on loopback, for programs that speak to them, as penstock's preflight and drain do.

They are led there by the addresses that pulumi-gcp's own settings have (GOOGLE_COMPUTE_CUSTOM_ENDPOINT, ...).
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.gcp.answers import API_OF, Answers, Refusal

LOOPBACK = "127.0.0.1"
TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105 (the name of a variable)
SIMULATED = "simulated"


@contextmanager
def environment(
    folder: Path, config: Mapping[str, Any], cloud: SimulatedCloud, *, preview: bool  # noqa: ARG001 (of every cloud)
) -> Iterator[Mapping[str, str]]:  # fmt: skip
    """The environment that leads requests to Google to the simulation; in a preview no credentials are at hand."""
    if preview:
        yield _nobodys(folder)
        return
    handler = type("Handler", (_Handler,), {"answers": Answers(cloud)})
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        base = f"http://{LOOPBACK}:{server.server_port}"
        led = {f"GOOGLE_{service.upper()}_CUSTOM_ENDPOINT": f"{base}/{service}/" for service in API_OF}
        yield {**_nobodys(folder), **led, TOKEN: SIMULATED}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _nobodys(folder: Path) -> dict[str, str]:
    """The environment in which nothing of the user's own settings is found: neither identity nor project."""
    return {
        "CLOUDSDK_CONFIG": str(folder / "gcloud"), "GOOGLE_APPLICATION_CREDENTIALS": "", "GOOGLE_CREDENTIALS": "",
        TOKEN: "", "GOOGLE_CLOUD_PROJECT": "", "GCE_METADATA_HOST": f"{LOOPBACK}:9", "NO_GCE_CHECK": "true",
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    """One request after another of a connection; each is answered in JSON."""

    protocol_version = "HTTP/1.1"
    answers: Answers

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the form of the library)
        """Tells of no request."""

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}") if size else {}
        asked = urlsplit(self.path)
        service, _, path = unquote(asked.path).lstrip("/").partition("/")
        try:
            status, told = 200, self.answers.to(self.command, service, path, body, parse_qs(asked.query))
        except Refusal as refusal:
            status, told = refusal.status, refusal.body
        text = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
