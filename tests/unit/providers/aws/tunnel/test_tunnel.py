"""The tunnel to an API server, with a real server behind TLS and a command line that really forwards ports."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.errors import PenstockError
from components.kubernetes.api import KubernetesApi, UnreachableError
from components.kubernetes.kubeconfig import KubeconfigError, parse_kubeconfig
from providers.aws.tunnel import session as sessions
from providers.aws.tunnel.keeper import Keeper
from providers.aws.tunnel.opening import answers, end, open_tunnel
from providers.aws.tunnel.records import Place, folder
from providers.aws.tunnel.session import Session, SessionError
from providers.aws.tunnel.token import tunnel_command
from providers.aws.tunnel.way import Way
from rehearsal.cloud.authority import Authority
from rehearsal.cloud.store import Store

ENDPOINT = "0123.gr7.us-east-2.eks.amazonaws.com"
OPEN = "from providers.aws.tunnel.opening import *; import sys; open_tunnel(Way.read(sys.argv[1]))"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass

    def do_GET(self) -> None:
        is_right = self.headers.get("Authorization") == "Bearer t"
        content = json.dumps({"major": "1", "minor": "35"} if is_right else {}).encode()
        self.send_response(200 if is_right else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Ground:
    """A server of the endpoint's name, the command line's folder, and a way that nobody has opened."""

    def __init__(self, place: Path, server: int, authority: str) -> None:
        self.place, self.authority, self._server = place, authority, server
        self.way = Way(region="us-east-2", group="reach-1", endpoint=ENDPOINT, port=free_port())
        self.behave()

    def behave(self, **more: Any) -> None:
        told = {"hosts": ["i-1"], "server": self._server, **more}
        (self.place / "behaviour.json").write_text(json.dumps(told))

    @property
    def sessions(self) -> list[int]:
        """Processes of the sessions, in the order of their start."""
        file = self.place / "sessions"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.place / "asked.jsonl").read_text().splitlines()]

    @property
    def keeper(self) -> psutil.Process:
        found = Place(self.way.port).read()
        assert found is not None
        assert found.process is not None
        return found.process

    def kubeconfig(self, name: str = ENDPOINT) -> str:
        cluster = {"server": self.way.server, "tls-server-name": name, "certificate-authority-data": self.authority}
        return json.dumps({
            "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"exec": tunnel_command(self.way, "c")}}],
        })  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(what: Any) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline, "it did not happen within 30 s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, str]]:
    """Port of a server with a certificate of the endpoint's name, and the authority in base64."""
    authority = Authority(Store(None))
    context = authority.context_for(ENDPOINT)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield http.server_address[1], authority.bundle
    http.shutdown()


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[int, str]) -> Iterator[Ground]:
    programs = {"aws": f"{tmp_path}/fake_aws.py", "penstock": "-m penstock"}
    (tmp_path / "bin").mkdir()
    shutil.copy(Path(__file__).with_name("fake_aws.py"), tmp_path)
    for name, program in programs.items():
        file = tmp_path / "bin" / name
        file.write_text(f'#!/bin/sh\nexec {sys.executable} {program} "$@"\n')
        file.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Ground(tmp_path, *server)
    yield made
    if held := Place(made.way.port).read():
        end(held)
    assert all(map(gone, made.sessions)), "a session outlived its keeper"


def test_a_kubeconfig_opens_the_tunnel_and_the_servers_own_name_is_verified(ground: Ground) -> None:
    with KubernetesApi(parse_kubeconfig(ground.kubeconfig())) as api:
        assert api.version() == (1, 35)
    (start,) = [one["words"] for one in ground.asked if "start-session" in one["words"]]
    assert start[start.index("--target") + 1] == "i-1"
    assert start[start.index("--document-name") + 1] == "AWS-StartPortForwardingSessionToRemoteHost"
    assert json.loads(start[start.index("--parameters") + 1])["host"] == [ENDPOINT]
    with (
        KubernetesApi(parse_kubeconfig(ground.kubeconfig("another.name"))) as api,
        pytest.raises(UnreachableError, match="certificate verify failed"),
    ):
        api.version()
    assert len(ground.sessions) == 1


def test_processes_that_open_it_at_once_share_one_keeper(ground: Ground) -> None:
    both = [subprocess.Popen([sys.executable, "-c", OPEN, ground.way.written()]) for _ in range(3)]
    assert [one.wait(60) for one in both] == [0, 0, 0]
    assert len(ground.sessions) == 1
    assert answers(ground.way)


def test_a_session_that_dies_is_followed_by_another(ground: Ground) -> None:
    open_tunnel(ground.way)
    os.kill(ground.sessions[0], signal.SIGKILL)
    until(lambda: gone(ground.sessions[0]))
    assert answers(ground.way)
    assert len(ground.sessions) == 2


def test_a_session_that_hands_nothing_on_is_followed_by_another(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives and takes connections: only what is asked through it goes unanswered."""
    monkeypatch.setattr(sessions, "END_TIMEOUT_S", 0.2)

    async def asked_twice() -> list[bool]:
        keeping = asyncio.create_task(Keeper(ground.way, Place(ground.way.port), silent_s=1.0).run())
        while Place(ground.way.port).read() is None:
            await asyncio.sleep(0.05)
        os.kill(ground.sessions[0], signal.SIGSTOP)
        found = [await asyncio.to_thread(answers, ground.way) for _ in range(2)]
        os.kill(os.getpid(), signal.SIGTERM)
        await keeping
        Place(ground.way.port).forget()  # this process has been the keeper
        return found

    assert asyncio.run(asked_twice()) == [False, True]
    assert len(ground.sessions) == 2


def test_a_keeper_that_dies_is_followed_by_another_in_mid_run(ground: Ground) -> None:
    """Its record is stale, and the port closed: the client asks for credentials again, whose command opens it."""
    with KubernetesApi(parse_kubeconfig(ground.kubeconfig())) as api:
        assert api.version() == (1, 35)
        first = ground.keeper
        for process in (first, psutil.Process(ground.sessions[0])):
            process.kill()
        until(lambda: gone(first.pid))
        assert api.version() == (1, 35)
    assert ground.keeper.pid != first.pid


def test_a_stale_record_of_another_process_is_no_keeper(ground: Ground) -> None:
    place = Place(ground.way.port)
    told = {"pid": os.getpid(), "started_s": 1.0, "way": json.loads(ground.way.written())}
    place.record.write_text(json.dumps(told))
    assert place.read() is None
    assert not place.record.exists()


def test_a_port_of_another_program_is_told_with_the_way_out(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", ground.way.port)):
        with pytest.raises(PenstockError, match=rf"127.0.0.1:{ground.way.port} is taken .*ssmHost.localPort"):
            open_tunnel(ground.way)
        with pytest.raises(KubeconfigError, match="taken by another program"):
            parse_kubeconfig(ground.kubeconfig())
    assert ground.sessions == []


def test_the_tunnel_to_another_cluster_is_left_alone(ground: Ground) -> None:
    open_tunnel(ground.way)
    other = Way(region="us-east-2", group="reach-2", endpoint="other.example", port=ground.way.port)
    with pytest.raises(PenstockError, match=f"penstock's tunnel to {ENDPOINT}"):
        open_tunnel(other)
    assert answers(ground.way)


def test_it_ends_when_nobody_has_used_it_for_a_while(ground: Ground) -> None:
    keeper = [sys.executable, "-m", "providers.aws.tunnel.keeper", ground.way.written(), "0.5"]
    assert subprocess.run(keeper, timeout=60, check=False).returncode == 0
    assert len(ground.sessions) == 1
    assert gone(ground.sessions[0])
    assert Place(ground.way.port).read() is None


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"refused": 9, "refusal": "SessionManagerPlugin is not found."}, "session-manager-plugin is missing"),
        ({"refused": 9, "refusal": "An error occurred (AccessDeniedException): not yours"}, "AccessDeniedException"),
    ],
)  # fmt: skip
def test_why_there_is_no_session_is_told(ground: Ground, behaviour: dict[str, Any], words: str) -> None:
    ground.behave(**behaviour)
    with pytest.raises(PenstockError, match=words):
        open_tunnel(ground.way)
    assert Place(ground.way.port).read() is None


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"refused": 99, "refusal": "An error occurred (TargetNotConnected)"}, "the agent of i-1 has not reached"),
        ({"hosts": []}, "no host runs in the group reach-1"),
    ],
)
def test_a_young_host_is_waited_for_and_no_longer(
    ground: Ground, behaviour: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sessions, "YOUNG_HOST_S", 1.0)
    monkeypatch.setattr(sessions, "PAUSE_S", 0.05)
    ground.behave(**behaviour)
    with pytest.raises(SessionError, match=words):
        Session(ground.way, tmp_path / "log")
    ground.behave(refused=len(ground.sessions) + 1, refusal="An error occurred (TargetNotConnected)")
    made = Session(ground.way, tmp_path / "log")
    assert made.is_up
    made.end()
    assert not made.is_up


def test_the_stacks_profile_is_handed_on(ground: Ground, tmp_path: Path) -> None:
    way = Way(**{**json.loads(ground.way.written()), "profile": "research"})
    Session(way, tmp_path / "log").end()
    assert all(one["words"][2:4] == ["--profile", "research"] for one in ground.asked)


def test_the_role_to_assume_is_handed_on(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken:
        access_key, secret_key, token = "AKIA-OF-ROLE", "s", "t"

        def get_credentials(self) -> "Taken":
            return self

    given: list[tuple[str, str]] = []

    def session(_region: str, *, profile: str, role_arn: str) -> Taken:
        given.append((profile, role_arn))
        return Taken()

    monkeypatch.setattr(sessions, "session", session)
    way = Way(**{**json.loads(ground.way.written()), "profile": "research", "role_arn": "arn:aws:iam::1:role/r"})
    Session(way, tmp_path / "log").end()
    assert given == [("research", "arn:aws:iam::1:role/r")]
    assert {one["key"] for one in ground.asked} == {"AKIA-OF-ROLE"}


def test_a_folder_that_others_may_write_to_is_refused(ground: Ground) -> None:
    folder().chmod(0o777)
    with pytest.raises(PenstockError, match="others may write to it"):
        open_tunnel(ground.way)
    folder_of = Path(os.environ["XDG_STATE_HOME"]) / "penstock" / "tunnels" / socket.gethostname()
    folder_of.chmod(0o700)
