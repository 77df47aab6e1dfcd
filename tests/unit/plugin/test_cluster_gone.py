"""A cluster that is gone, and one for which there are only no credentials: a destroy passes over the first alone."""

import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.errors import PenstockError
from plugin.calls import Call
from plugin.console import Voice
from plugin.kubernetes.cluster import unless_gone


class Lines:
    """Lines that were said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def log(self, urn: str, text: str, *, severity: Any, ephemeral: bool) -> None:
        self.said.append(text)


def nobodys_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Refuses(BaseHTTPRequestHandler):
    """An API server that takes no token."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def kubeconfig(user: dict[str, Any], port: int) -> dict[str, str]:
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": user}],
    }
    return {"kubeconfig": json.dumps(content)}


def drained(user: dict[str, Any], port: int | None = None) -> list[str]:
    lines = Lines()
    call = Call(urn="urn", voice=Voice(lines, "urn"), cancelled=threading.Event())
    unless_gone(
        call, kubeconfig(user, port or nobodys_port()), "load balancers", lambda api: api.call("GET", "/version")
    )
    return lines.said


def test_a_cluster_that_does_not_answer_is_passed_over_with_a_warning() -> None:
    (said,) = drained({"token": "t"})
    assert said.startswith("load balancers: passed over, as the cluster is gone or cannot be reached")


def test_a_cluster_without_credentials_is_not_gone() -> None:
    helper = {"exec": {"command": "false", "args": [], "apiVersion": "client.authentication.k8s.io/v1"}}
    with pytest.raises(PenstockError, match=r"gave no credentials.*not known whether the cluster is there"):
        drained(helper)


def test_a_token_that_is_refused_and_not_given_again_does_not_make_a_cluster_gone(tmp_path: Path) -> None:
    answer = json.dumps({"status": {"token": "t"}})
    once = f"import os; os.mkdir({str(tmp_path / 'asked')!r}); print({answer!r})"
    helper = {"exec": {"command": sys.executable, "args": ["-c", once]}}
    with HTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(PenstockError, match=r"gave no credentials.*not known whether the cluster is there"):
                drained(helper, server.server_port)
        finally:
            server.shutdown()
            thread.join()
