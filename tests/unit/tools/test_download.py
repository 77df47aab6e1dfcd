"""Downloads: whole and verified, resumed, or refused; what cannot be reached says so in seconds."""

import io
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from tests.unit.tools.web import Web, sha256
from tools import download
from tools.download import StatusError, UnavailableError, fetch, listed_digest, read
from tools.steps import SetupError, Step, start_again, stop_all, time_left

CONTENT = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def step() -> Step:
    return Step("downloading")


def part(content: bytes) -> Path:
    """The place of the part of a file that arrived."""
    return Path(os.environ["PENSTOCK_CACHE"], "downloads", sha256(content).removeprefix("sha256:") + ".part")


def arrived(content: bytes, so_far: bytes) -> None:
    part(content).parent.mkdir(parents=True, exist_ok=True)
    part(content).write_bytes(so_far)


def test_a_file_arrives_whole(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"] = CONTENT
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert web.requests("/file") == [""]
    assert not part(CONTENT).exists()
    assert "1 of 1 MiB" in step.detail


def test_a_download_goes_on_where_an_earlier_one_stopped(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"] = CONTENT
    arrived(CONTENT, CONTENT[:300_000])
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert web.requests("/file") == ["bytes=300000-"]


FETCH = """
import sys
from pathlib import Path
from tools.download import fetch
from tools.steps import Step
fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Step("downloading"))
"""


def test_a_killed_download_is_taken_up_by_the_next_run(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"], web.slow["/file"] = CONTENT, 0.05
    command = [sys.executable, "-c", FETCH, f"{web.address}/file", sha256(CONTENT), str(tmp_path / "file")]
    with subprocess.Popen(command) as killed:
        end = time.monotonic() + 30
        while not (part(CONTENT).exists() and part(CONTENT).stat().st_size):
            assert time.monotonic() < end
            time.sleep(0.01)
        killed.kill()
    there = part(CONTENT).stat().st_size
    assert 0 < there < len(CONTENT)
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert web.requests("/file") == ["", f"bytes={there}-"]


def test_a_file_that_arrived_before_is_not_asked_for(web: Web, tmp_path: Path, step: Step) -> None:
    arrived(CONTENT, CONTENT)
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert not web.asked


def test_a_connection_that_breaks_off_is_taken_up_again(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"], web.cut["/file"] = CONTENT, 400_000
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert web.requests("/file") == ["", "bytes=400000-", "bytes=800000-"]


def test_a_connection_that_brings_nothing_is_given_up(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"], web.cut["/file"] = CONTENT, 0
    arrived(CONTENT, CONTENT[:1000])
    with pytest.raises(UnavailableError, match="broke off at 1,000 of 1,048,576 bytes"):
        fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert part(CONTENT).read_bytes() == CONTENT[:1000], "kept for the next run"


@pytest.mark.parametrize("so_far", [b"of another file", CONTENT + b"too long"], ids=["another file", "too long"])
def test_what_was_no_beginning_of_it_is_dropped(web: Web, tmp_path: Path, step: Step, so_far: bytes) -> None:
    web.files["/file"] = CONTENT
    arrived(CONTENT, so_far)
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_it_again(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"], web.ranges = CONTENT, False
    arrived(CONTENT, CONTENT[:1000])
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert web.requests("/file") == ["bytes=1000-"]


def test_another_file_is_refused_and_not_kept(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"] = b"something else"
    with pytest.raises(SetupError, match="do not use this network"):
        fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    assert not part(CONTENT).exists()
    assert not (tmp_path / "file").exists()


def test_a_redirect_is_followed_without_the_token(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/elsewhere"] = CONTENT
    web.redirects["/file"] = f"{web.address}/elsewhere"
    fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step, {"Authorization": "Bearer x"})
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert web.authorized == [("/file", "Bearer x")]


def test_a_redirect_away_from_https_is_not_followed() -> None:
    request = urllib.request.Request("https://downloads.example/file")
    handler = download._HttpsStays()
    arguments = (request, io.BytesIO(), 302, "Found", Message())
    assert handler.redirect_request(*arguments, "https://store.example/file") is not None
    with pytest.raises(urllib.error.URLError, match="which is not https"):
        handler.redirect_request(*arguments, "http://store.example/file")


def test_a_file_that_is_not_there(web: Web, tmp_path: Path, step: Step) -> None:
    with pytest.raises(StatusError, match=r"/file answers 404 \(Not Found\)"):
        fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)


def test_a_host_that_cannot_be_reached_is_tried_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match=r"127.0.0.1:9 cannot be reached \(Connection refused\)"):
        read("http://127.0.0.1:9/a")
    monkeypatch.setattr(download, "_opener", None)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        read("http://127.0.0.1:9/b")


def test_a_server_that_says_nothing_is_left_in_seconds(monkeypatch: pytest.MonkeyPatch, web: Web) -> None:
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(UnavailableError, match="timed out"):
            read(f"http://127.0.0.1:{silent.getsockname()[1]}/file")
    assert time.monotonic() - start < 2


def test_a_large_answer_is_no_list_of_checksums(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SMALL", 1 << 20)
    web.files["/sums"] = CONTENT + b"x"
    with pytest.raises(UnavailableError, match="more than 1 MiB"):
        read(f"{web.address}/sums")


def test_an_interruption_keeps_what_arrived(web: Web, tmp_path: Path, step: Step) -> None:
    web.files["/file"] = CONTENT
    arrived(CONTENT, CONTENT[:1000])
    stop_all()
    try:
        with pytest.raises(SetupError, match="run it again to go on"):
            fetch(f"{web.address}/file", sha256(CONTENT), tmp_path / "file", step)
    finally:
        start_again()
    assert part(CONTENT).read_bytes() == CONTENT[:1000]


A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("name", "checksums"),
    [("x.tar.gz", f"{B}  y.tar.gz\n{A}  x.tar.gz\n"), ("x.tar.gz", f"{A} *x.tar.gz\n"), ("kube-apiserver", f"{A}\n")],
    ids=["a list", "binary mode", "a file of its own"],
)
def test_published_checksums(name: str, checksums: str) -> None:
    assert listed_digest(name, checksums) == f"sha256:{A}"


@pytest.mark.parametrize("checksums", ["", f"{A}  y\n", "<html>sign in</html>", f"{A}\n{B}\n", f"{A}  x\n{B}  x\n"])
def test_checksums_that_do_not_name_it(checksums: str) -> None:
    with pytest.raises(UnavailableError, match="do not name x"):
        listed_digest("x", checksums)


@pytest.mark.parametrize(
    ("done", "total", "seconds", "said"),
    [(10, 40, 10, "30 s left"), (10, 100, 20, "3 min left"), (1, 100, 1, ""), (0, 100, 60, ""), (100, 100, 60, "")],
)
def test_time_left(done: float, total: float, seconds: float, said: str) -> None:
    assert time_left(done, total, seconds) == said
