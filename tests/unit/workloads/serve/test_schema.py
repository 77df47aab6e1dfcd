"""Every wrong parameter is refused with 400 and its name; neutral and unused ones pass."""

import json
from typing import Any

import pytest

from workloads.serve.errors import ReplyError
from workloads.serve.schema import ChatBody, CompletionBody, parse

MESSAGES = [{"role": "user", "content": "x"}]


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("prompt", 5),
        ("prompt", [1, "a"]),
        ("prompt", [-1]),
        ("max_tokens", 0),
        ("max_tokens", "5"),
        ("max_tokens", 1.5),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", "hot"),
        ("top_p", 0),
        ("top_p", 1.1),
        ("n", 0),
        ("n", 129),
        ("stream", "yes"),
        ("stream_options", {"include_usage": True}),
        ("seed", 1.5),
        ("stop", ""),
        ("stop", [""]),
        ("stop", ["x"] * 17),
        ("stop", 3),
        ("echo", 1),
        ("logprobs", 21),
        ("logprobs", True),
        ("deadline_s", 0),
        ("best_of", 3),
        ("logit_bias", {"50": 1}),
        ("presence_penalty", 0.5),
        ("suffix", "end"),
        ("model", None),
        ("max_tokenz", 5),
    ],
)
def test_completions_refuse_by_name(param: str, value: Any) -> None:
    error = refused(CompletionBody, {"model": "serve", "prompt": "x", param: value})
    assert (error.status, error.param) == (400, param)
    assert param in error.message


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("messages", []),
        ("messages", [{"role": "robot", "content": "x"}]),
        ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]),
        ("messages", "x"),
        ("max_completion_tokens", 0),
        ("logprobs", 2),
        ("top_logprobs", 3),
        ("tools", [{"type": "function"}]),
        ("response_format", {"type": "json_object"}),
    ],
)
def test_chat_refuses_by_name(param: str, value: Any) -> None:
    error = refused(ChatBody, {"model": "serve", "messages": MESSAGES, param: value})
    assert (error.status, error.param) == (400, param)


def test_echo_with_logprobs_and_two_lengths_are_refused() -> None:
    assert refused(CompletionBody, {"model": "s", "prompt": "x", "echo": True, "logprobs": 1}).param == "echo"
    both = {"model": "s", "messages": MESSAGES, "max_tokens": 4, "max_completion_tokens": 5}
    assert refused(ChatBody, both).param == "max_tokens"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(ReplyError, match="body") as raised:
        parse(CompletionBody, body)
    assert raised.value.status == 400


def test_what_asks_for_nothing_passes() -> None:
    neutral = {"best_of": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "suffix": None}
    unused = {"user": "me", "metadata": {"a": "b"}, "store": False}
    body = {"model": "s", "prompt": None, "n": None, "temperature": None, "seed": None, **neutral, **unused}
    assert parse(CompletionBody, json.dumps(body).encode()).n is None
    chat = {"model": "s", "messages": MESSAGES, "tools": [], "response_format": {"type": "text"}, "tool_choice": "auto"}
    assert parse(ChatBody, json.dumps(chat).encode()).messages[0].text == "x"


def refused(kind: type[CompletionBody] | type[ChatBody], body: dict[str, Any]) -> ReplyError:
    with pytest.raises(ReplyError) as raised:
        parse(kind, json.dumps(body).encode())
    return raised.value
