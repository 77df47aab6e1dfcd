"""Tokens of a helper that live shortly, and a server that takes the newest alone."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.kubernetes.kubeconfig import parse_kubeconfig

HELPER = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
run = len(list(folder.glob("run-*")))
ends = json.loads((folder / "ends.json").read_text())
(folder / f"run-{run}").touch()
end = ends[min(run, len(ends) - 1)]
if end == "fails":
    sys.exit("the login has ended")
status = {"token": f"token-{run}"} | ({"expirationTimestamp": end} if end else {})
print(json.dumps({"kind": "ExecCredential", "status": status}))
"""
LONG, SHORT, OVER = 3600.0, 30.0, -5.0
NEVER = None
PODS = {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]}


def end(seconds: float | str | None) -> str | None:
    if isinstance(seconds, float):
        return datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return seconds


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        server: Any = self.server
        server.seen.append(token)
        taken = server.takes(token)
        body: Any = PODS if self.path == "/api/v1" else {"type": "ADDED", "object": {"kind": "Pod"}}
        content = json.dumps(body if taken else {"reason": "Unauthorized", "message": "Unauthorized"}).encode()
        self.send_response(200 if taken else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 (the base class's form)


class Place:
    """The helper's folder, the server, and a client of both."""

    def __init__(self, folder: Path, server: ThreadingHTTPServer) -> None:
        self.folder, self.server = folder, server
        self.seen: list[str] = server.seen  # type: ignore[attr-defined]

    @property
    def runs(self) -> int:
        return len(list(self.folder.glob("run-*")))

    @property
    def kubeconfig(self) -> str:
        helper = {"command": sys.executable, "args": [str(self.folder / "helper.py"), str(self.folder)]}
        address = f"http://127.0.0.1:{self.server.server_address[1]}"
        return json.dumps(
            {
                "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": address}}],
                "users": [{"name": "u", "user": {"exec": helper}}],
            }
        )  # fmt: skip

    def newest(self, token: str) -> bool:
        """The server's rule: the last token that the helper gave, and no other."""
        return token == f"token-{self.runs - 1}"


@contextmanager
def place(
    folder: Path, *ends: float | str | None, takes: Callable[[Place, str], bool] = Place.newest
) -> Iterator[Place]:
    (folder / "helper.py").write_text(HELPER)
    (folder / "ends.json").write_text(json.dumps([end(one) for one in ends]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []  # type: ignore[attr-defined]
    made = Place(folder, server)
    server.takes = lambda token: takes(made, token)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def first_run_only(_: Place, token: str) -> bool:
    return token == "token-0"  # noqa: S105 (a test's)


def test_a_token_that_lasts_is_got_once(tmp_path: Path) -> None:
    with place(tmp_path, LONG) as there, KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api:
        for _ in range(5):
            api.call("GET", "/api/v1")
        assert there.runs == 1
        assert set(there.seen) == {"token-0"}


def test_a_token_that_ends_soon_is_got_again_before_the_server_refuses_it(tmp_path: Path) -> None:
    with place(tmp_path, SHORT, LONG) as there, KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api:
        api.call("GET", "/api/v1")
        api.call("GET", "/api/v1")
        assert there.seen == ["token-1", "token-1"]
        assert there.runs == 2


def test_a_refused_token_is_got_again_once_and_the_request_made_again(tmp_path: Path) -> None:
    """As of a helper that does not tell the end, or a server whose clock is ahead."""

    def takes(there: Place, token: str) -> bool:
        return there.newest(token) and there.runs > 1

    with place(tmp_path, NEVER, takes=takes) as there, KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api:
        assert api.call("POST", "/api/v1", body={"kind": "Pod"}) == PODS
        assert there.seen == ["token-0", "token-1"]
        assert api.call("GET", "/api/v1") == PODS
        assert there.runs == 2


def test_a_refusal_of_a_new_token_is_told_and_not_asked_again(tmp_path: Path) -> None:
    with place(tmp_path, LONG, takes=lambda *_: False) as there:
        with KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api, pytest.raises(ApiError) as told:
            api.call("GET", "/api/v1")
        assert told.value.status == 401
        assert there.seen == ["token-0", "token-1"]


def test_a_token_is_used_to_its_end_where_the_helper_has_no_other(tmp_path: Path) -> None:
    with place(tmp_path, SHORT, "fails", takes=first_run_only) as there:
        with KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api:
            assert api.call("GET", "/api/v1") == PODS
        assert there.runs == 2


@pytest.mark.parametrize("life", [OVER, LONG], ids=["over", "refused"])
def test_a_helper_that_gives_nothing_in_place_of_what_has_ended_is_told(tmp_path: Path, life: float) -> None:
    refusing = place(tmp_path, life, "fails", takes=lambda *_: False)
    with refusing as there, KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api:
        with pytest.raises(UnreachableError, match="gave no credentials: the login has ended"):
            api.call("GET", "/api/v1")
        with pytest.raises(UnreachableError, match="the login has ended"):
            list(api.watch("v1", "Pod"))


def test_a_watch_begins_with_a_token_that_lasts(tmp_path: Path) -> None:
    with place(tmp_path, OVER, LONG) as there, KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api:
        assert [event for event, _ in api.watch("v1", "Pod")] == ["ADDED"]
        assert set(there.seen) == {"token-1"}


def test_several_threads_get_one_new_token(tmp_path: Path) -> None:
    with place(tmp_path, OVER, LONG) as there, KubernetesApi(parse_kubeconfig(there.kubeconfig)) as api:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: api.call("GET", "/api/v1"), range(16)))
        assert answers == [PODS] * 16
        assert there.runs == 2


def test_a_file_of_a_token_is_read_again(tmp_path: Path) -> None:
    """As in a pod, whose file gets another token every hour."""
    with place(tmp_path, takes=lambda _, token: token == "new") as there:  # noqa: S105 (a test's)
        file = tmp_path / "token"
        file.write_text("old\n")
        content = json.loads(there.kubeconfig)
        content["users"][0]["user"] = {"tokenFile": "token"}
        with KubernetesApi(parse_kubeconfig(json.dumps(content), folder=tmp_path)) as api:
            file.write_text("new\n")
            assert api.call("GET", "/api/v1") == PODS


def test_a_token_of_the_kubeconfig_itself_is_asked_with_once(tmp_path: Path) -> None:
    with place(tmp_path, takes=lambda *_: False) as there:
        content = json.loads(there.kubeconfig)
        content["users"][0]["user"] = {"token": "fixed"}
        with KubernetesApi(parse_kubeconfig(json.dumps(content))) as api, pytest.raises(ApiError):
            api.call("GET", "/api/v1")
        assert there.seen == ["fixed"]
