"""A bounded queue, deadlines, and clients that go away: seen from outside, through HTTP and /metrics."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import openai
import pytest

from tests.workloads.serve.export import make_model, write_export
from tests.workloads.serve.host import LONG, Server, serve

FOREVER = {"max_tokens": 8000, "ignore_eos": True, "temperature": 0}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("limits")
    export = write_export(folder / "export", make_model(LONG))
    with serve(folder, export, maxSequences=2, queueLimit=2, cacheTokens=20_000) as server:
        yield server


@contextmanager
def streaming(server: Server) -> Iterator[Iterator[bytes]]:
    """A long completion of which the first bytes have been read."""
    asked = {"model": "serve", "prompt": "Water", "stream": True, **FOREVER}
    with httpx.stream("POST", f"{server.url}/v1/completions", json=asked, timeout=60) as response:
        assert response.status_code == 200
        pieces = response.iter_raw()
        next(pieces)
        yield pieces


@contextmanager
def waiting(server: Server, count: int = 1) -> Iterator[list[socket.socket]]:
    """Clients whose requests wait in the queue."""
    body = json.dumps({"model": "serve", "prompt": "Water", **FOREVER}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(count)]
        for client in clients:
            client.sendall(head + body)
        yield clients


def idle(server: Server) -> None:
    server.until_metric("vllm:num_requests_running", 0)
    server.until_metric("vllm:num_requests_waiting", 0)
    assert server.metric("vllm:kv_cache_usage_perc") == 0


def test_one_more_than_may_wait_is_told_when_to_come_back(server: Server) -> None:
    with streaming(server), streaming(server), waiting(server, 2):
        server.until_metric("vllm:num_requests_waiting", 2)
        before = server.metric("vllm:requests_turned_away_total")
        refused = server.complete(prompt="x")
        assert refused.status_code == 429
        assert server.metric("vllm:requests_turned_away_total") == before + 1
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        error = refused.json()["error"]
        assert (error["type"], error["code"]) == ("rate_limit_error", "queue_full")
        assert server.metric("vllm:num_requests_waiting") == 2
    idle(server)
    assert server.complete(prompt="x", max_tokens=1).status_code == 200


def test_a_client_that_goes_away_frees_its_blocks_at_once(server: Server) -> None:
    aborted = server.metric("vllm:request_success_total", finished_reason="abort")
    with streaming(server):
        assert server.metric("vllm:kv_cache_usage_perc") > 0
    idle(server)
    with waiting(server):  # not streamed: nothing is written that could fail
        server.until_metric("vllm:num_requests_running", 1)
    idle(server)
    assert server.metric("vllm:request_success_total", finished_reason="abort") == aborted + 2


def test_a_client_that_leaves_the_queue_is_forgotten(server: Server) -> None:
    with streaming(server), streaming(server):
        with waiting(server):
            server.until_metric("vllm:num_requests_waiting", 1)
        server.until_metric("vllm:num_requests_waiting", 0)
        assert server.metric("vllm:num_requests_running") == 2
    idle(server)


def test_a_deadline_ends_a_running_request(server: Server) -> None:
    expired = server.metric("vllm:request_success_total", finished_reason="deadline")
    response = server.complete(prompt="Water", deadline_s=0.3, **FOREVER)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "deadline_exceeded"
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        stream = client.completions.create(
            model="serve", prompt="Water", max_tokens=8000, stream=True,
            extra_body={"ignore_eos": True, "deadline_s": 0.5},
        )  # fmt: skip
        with pytest.raises(openai.APIError, match="deadline"):
            for _ in stream:
                pass
    idle(server)
    assert server.metric("vllm:request_success_total", finished_reason="deadline") == expired + 2


def test_a_deadline_ends_a_waiting_request(server: Server) -> None:
    with streaming(server), streaming(server):
        assert server.complete(prompt="Water", deadline_s=0.3, max_tokens=1).status_code == 504
        assert server.metric("vllm:num_requests_running") == 2
    idle(server)


def test_the_queue_is_served_in_order_and_nobody_starves(server: Server) -> None:
    """Long requests keep arriving; the short one behind them is answered all the same."""
    answers: list[int] = []

    def use(tokens: int) -> None:
        while (response := server.complete(prompt="Water", max_tokens=tokens, ignore_eos=True)).status_code == 429:
            pass
        answers.append(response.status_code)

    threads = [threading.Thread(target=use, args=(tokens,)) for tokens in (150, 150, 150, 150, 1, 150, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 7
    idle(server)


def test_a_slow_reader_holds_up_nobody(server: Server) -> None:
    """A client that reads nothing of its stream; others are served, and its sequence still comes to its end."""
    body = json.dumps({"model": "serve", "prompt": "Water", "stream": True, **FOREVER, "max_tokens": 300}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(head + body)
        server.until_metric("vllm:num_requests_running", 1)
        assert server.complete(prompt="x", max_tokens=3).status_code == 200
        idle(server)
