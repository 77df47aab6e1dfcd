"""Azure Resource Manager over HTTP on loopback, for programs that speak to it, as penstock's preflight does."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.azure.answers import ArmAnswers, ArmRefusal
from rehearsal.providers.azure.container_engine import ENDPOINT
from rehearsal.providers.azure.words import TENANT

LOOPBACK = "127.0.0.1"
LOGIN, REGISTRY = "AZURE_AUTHORITY_HOST", "AZURE_CONTAINER_REGISTRY_ENDPOINT"
SIMULATED = "simulated"
CREDENTIALS = {"ARM_CLIENT_ID": SIMULATED, "ARM_CLIENT_SECRET": SIMULATED, "ARM_TENANT_ID": TENANT}


@contextmanager
def environment(
    folder: Path, config: Mapping[str, Any], cloud: SimulatedCloud, *, preview: bool  # noqa: ARG001 (of every cloud)
) -> Iterator[Mapping[str, str]]:  # fmt: skip
    """The environment that leads requests to ARM to the simulation; in a preview no credentials are at hand."""
    if preview:
        yield _nobodys(folder)
        return
    handler = type("Handler", (_ArmHandler,), {"answers": ArmAnswers(cloud)})
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        led = dict.fromkeys((ENDPOINT, LOGIN, REGISTRY), f"http://{LOOPBACK}:{server.server_port}")
        yield {**_nobodys(folder), **led, **CREDENTIALS}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _nobodys(folder: Path) -> dict[str, str]:
    """The environment in which nothing of the user's own settings is found."""
    empty = (
        "ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID", "ARM_SUBSCRIPTION_ID", "ARM_OIDC_TOKEN", "ARM_USE_OIDC",
        "ARM_USE_MSI", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT",
    )  # fmt: skip
    return {**dict.fromkeys(empty, ""), "AZURE_CONFIG_DIR": str(folder / "azure")}


class _ArmHandler(BaseHTTPRequestHandler):
    """One request after another of a connection; each is answered in JSON."""

    protocol_version = "HTTP/1.1"
    answers: ArmAnswers

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the form of the library)
        """Tells of no request."""

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        sent, asked = self.rfile.read(size), urlsplit(self.path)
        is_form = "form" in str(self.headers.get("Content-Type", ""))  # of logins, whose content nothing looks at
        body = json.loads(sent) if sent and not is_form else {}
        try:
            told = self.answers.to(self.command, unquote(asked.path), body, parse_qs(asked.query))
            status = 200
        except ArmRefusal as refusal:
            status, told = refusal.status, refusal.body
        text = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
