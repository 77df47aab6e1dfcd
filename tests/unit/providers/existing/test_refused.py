"""A cluster that refuses: what the user is told, by a server that answers as an API server would."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from components.spec.stack import parse_stack
from providers import clouds
from providers.existing import preflight
from stacks.plan import plan_stack
from tests.clock import NOW


@contextmanager
def refusing(status: int, reason: str) -> Iterator[str]:
    body = json.dumps({"kind": "Status", "code": status, "reason": reason, "message": "nodes is forbidden"}).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (401, "Unauthorized", "does not know these credentials (401): they are wrong or expired; get new ones"),
        (403, "Forbidden", "may not do what `up` does (403): nodes is forbidden; ask for a role that allows it"),
    ],
)
def test_credentials_that_are_refused_are_told_with_the_remedy(
    tmp_path: Path, status: int, reason: str, words: str
) -> None:
    with refusing(status, reason) as address:
        (tmp_path / "kubeconfig").write_text(
            json.dumps(
                {
                    "current-context": "c",
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                    "clusters": [{"name": "c", "cluster": {"server": address}}],
                    "users": [{"name": "u", "user": {"token": "expired"}}],
                }
            )
        )
        pool = {"name": "cpu", "machineType": "box", "count": 1}
        existing = {
            "kubeconfig": str(tmp_path / "kubeconfig"),
            "version": "1.36",
            "machines": {"box": {"cores": 8, "memoryGib": 32}},
        }
        config = {"penstock:cluster": {"cloud": "existing", "nodePools": [pool]}, "penstock:existing": existing}
        (problem,) = preflight(plan_stack(parse_stack(config, "x", clouds()), "mine", NOW))
    assert problem.path == "existing.kubeconfig"
    assert words in problem.message


def test_a_kubernetes_that_is_too_old_is_refused_before_it_is_reached() -> None:
    pool = {"name": "cpu", "machineType": "box", "count": 1}
    existing = {"kubeconfig": "nowhere", "version": "1.29", "machines": {"box": {"cores": 8, "memoryGib": 32}}}
    config = {"penstock:cluster": {"cloud": "existing", "nodePools": [pool]}, "penstock:existing": existing}
    with pytest.raises(SpecError) as error:
        plan_stack(parse_stack(config, "x", clouds()), "mine", NOW)
    (problem,) = error.value.problems
    assert str(problem).startswith("existing.version: the cluster's Kubernetes is 1.29, and penstock needs 1.30")


NOBODY = "0, but with no server up nothing counts the requests that would wake one; give inference.route ({} will do)"


@pytest.mark.parametrize(
    ("asked", "addons", "words"),
    [
        ({}, {}, f"{NOBODY}, or take 1"),
        (
            {"route": {}, "autoscaling": {"by": "hpa"}},
            {},
            "0, but the HPA reads the queue from the servers themselves; take by: keda",
        ),
        ({"route": {"gateway": "shared"}}, {}, "0, but what the gateway 'shared' counts is not known; remove"),
        ({"route": {}}, {"gateway-api": False}, "0, but without penstock's own gateway-api nothing would wake"),
        ({"route": {}}, {"keda": False}, "0, but without penstock's own keda nothing would wake"),
    ],
    ids=["no route", "hpa", "another's gateway", "no gateways", "no keda"],
)
def test_servers_that_nobody_would_wake_are_refused(asked: dict[str, Any], addons: dict[str, bool], words: str) -> None:
    with pytest.raises(SpecError) as error:
        plan_stack(parse_stack(to_zero(asked, addons), "x", clouds()), "mine", NOW)
    told = {problem.message for problem in error.value.problems}
    off = {f"platform.addons.{name}" for name in addons}
    assert {problem.path for problem in error.value.problems} == {"inference.autoscaling.minReplicas", *off}
    assert any(message.startswith(words) for message in told)


def test_servers_that_the_gateways_proxy_wakes_are_planned() -> None:
    plan_stack(parse_stack(to_zero({"route": {}}, {}), "x", clouds()), "mine", NOW)


def to_zero(asked: dict[str, Any], addons: dict[str, bool]) -> dict[str, Any]:
    """A stack file whose service has no server while nobody asks."""
    scaling = {"minReplicas": 0, "maxReplicas": 4, **asked.get("autoscaling", {})}
    service = {"image": "r.example/penstock:1", "model": {"path": "/data/model"}, **asked, "autoscaling": scaling}
    return {
        "penstock:cluster": {"cloud": "existing", "nodePools": [{"name": "cpu", "machineType": "box", "count": 1}]},
        "penstock:existing": {
            "version": "1.36",
            "machines": {"box": {"cores": 8, "memoryGib": 32}},
            "volume": {"nfs": {"server": "nfs.example", "path": "/export"}, "mountPath": "/data"},
        },
        "penstock:platform": {"addons": addons},
        "penstock:inference": service,
    }
