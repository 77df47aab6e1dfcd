"""A cluster that is gone, and one for which there are only no credentials: a destroy passes over the first alone."""

import json
import socket
import threading
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


def kubeconfig(user: dict[str, Any]) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": user}],
    }
    return {"kubeconfig": json.dumps(content)}


def drained(user: dict[str, Any]) -> list[str]:
    lines = Lines()
    call = Call(urn="urn", voice=Voice(lines, "urn"), cancelled=threading.Event())
    unless_gone(call, kubeconfig(user), "load balancers", lambda api: api.call("GET", "/version"))
    return lines.said


def test_a_cluster_that_does_not_answer_is_passed_over_with_a_warning() -> None:
    (said,) = drained({"token": "t"})
    assert said.startswith("load balancers: passed over, as the cluster is gone or cannot be reached")


def test_a_cluster_without_credentials_is_not_gone() -> None:
    helper = {"exec": {"command": "false", "args": [], "apiVersion": "client.authentication.k8s.io/v1"}}
    with pytest.raises(PenstockError, match=r"gave no credentials.*not known whether the cluster is there"):
        drained(helper)
