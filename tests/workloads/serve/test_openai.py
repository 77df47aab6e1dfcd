"""OpenAI's own client, curl, and what the answers must agree with."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types import completion_create_params as completion_params
from openai.types.chat import completion_create_params as chat_params

from tests.workloads.serve.export import SMALL, make_model, make_vocabulary, write_export
from tests.workloads.serve.host import Server, serve

PROMPT = "The valve at the foot"
VOCABULARY = make_vocabulary(SMALL.vocabulary)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("openai")
    with serve(folder, write_export(folder / "export", make_model(SMALL)), maxSequences=8) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def greedy(client: openai.OpenAI, **options: Any) -> Any:
    options = {"prompt": PROMPT, "max_tokens": 30, **options}
    return client.completions.create(model="serve", temperature=0, **options)


def test_models(client: openai.OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == "serve"
    assert client.models.retrieve("serve").id == "serve"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")


def test_a_stream_says_what_the_whole_answer_says(client: openai.OpenAI) -> None:
    whole = greedy(client)
    chunks = list(greedy(client, stream=True, stream_options={"include_usage": True}))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == whole.choices[0].text
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["length"]
    usage = chunks[-1].usage
    assert chunks[-1].choices == []
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
        whole.usage.prompt_tokens, 30, whole.usage.prompt_tokens + 30,
    )  # fmt: skip
    assert whole.usage.prompt_tokens == len(VOCABULARY.encode(PROMPT))


def test_chat_whole_and_streamed(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Water?"}]
    whole = client.chat.completions.create(model="serve", messages=messages, temperature=0, max_completion_tokens=12)
    stream = client.chat.completions.create(
        model="serve", messages=messages, temperature=0, max_completion_tokens=12, stream=True
    )
    deltas = [chunk.choices[0].delta for chunk in stream]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == whole.choices[0].message.content
    template = VOCABULARY.chat([("system", "Be brief."), ("user", "Water?")])
    assert whole.usage
    assert whole.usage.prompt_tokens == len(template)
    assert whole.choices[0].message.role == "assistant"


def test_prompts_in_every_form_give_the_same_text(client: openai.OpenAI) -> None:
    ids = VOCABULARY.encode(PROMPT)
    expected = greedy(client).choices[0].text
    for prompt in ([PROMPT], ids, [ids]):
        assert greedy(client, prompt=prompt).choices[0].text == expected
    several = greedy(client, prompt=["Water", PROMPT], n=2)
    assert [choice.index for choice in several.choices] == [0, 1, 2, 3]
    assert [choice.text for choice in several.choices[2:]] == [expected, expected]
    assert several.usage.prompt_tokens == len(ids) + len(VOCABULARY.encode("Water"))
    assert several.usage.completion_tokens == 4 * 30


def test_a_stop_string_across_tokens_ends_the_text_before_it(client: openai.OpenAI) -> None:
    full = greedy(client).choices[0].text
    stop = full[9:13]
    for stream in (False, True):
        answer = greedy(client, stop=["never there", stop], stream=stream)
        choices = [choice for chunk in answer for choice in chunk.choices] if stream else answer.choices
        assert "".join(choice.text for choice in choices) == full[: full.index(stop)]
        assert choices[-1].finish_reason == "stop"


def test_echo_seed_and_logprobs(client: openai.OpenAI) -> None:
    plain = greedy(client).choices[0].text
    assert greedy(client, echo=True).choices[0].text == PROMPT + plain
    drawn = [
        client.completions.create(model="serve", prompt=PROMPT, max_tokens=20, temperature=1.5, seed=seed, n=2)
        for seed in (3, 3, 4)
    ]
    texts = [[choice.text for choice in answer.choices] for answer in drawn]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0][0] != texts[0][1]
    report = greedy(client, logprobs=2, max_tokens=4).choices[0].logprobs
    assert len(report.tokens) == len(report.token_logprobs) == len(report.top_logprobs) == 4
    assert all(
        max(top.values()) <= value for top, value in zip(report.top_logprobs, report.token_logprobs, strict=True)
    )


def test_no_event_of_a_stream_ends_inside_a_character(server: Server) -> None:
    """The prompt is multi-byte text and comes back with echo; raw bytes are decoded event by event."""
    prompt = "größer 水は 😀" * 3
    asked = {"model": "serve", "prompt": prompt, "echo": True, "max_tokens": 30, "stream": True}
    text = ""
    with httpx.stream("POST", f"{server.url}/v1/completions", json=asked) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for event in b"".join(response.iter_raw()).split(b"\n\n"):
            if event.startswith(b"data: {"):
                text += json.loads(event[6:].decode("utf-8"))["choices"][0]["text"]
    assert text.startswith(prompt)


def chat(server: Server, **asked: Any) -> httpx.Response:
    body = {"model": "serve", "messages": [{"role": "user", "content": "Water?"}], "max_tokens": 3, "temperature": 0}
    return httpx.post(f"{server.url}/v1/chat/completions", json={**body, **asked})


def parameters_of(module: Any) -> set[str]:
    """Every parameter that OpenAI's own client sends to an endpoint."""
    shapes = (shape for name, shape in vars(module).items() if name.startswith("CompletionCreateParams"))
    return {key for shape in shapes for key in getattr(shape, "__annotations__", ())}


def test_null_is_left_out_for_every_parameter_that_openai_documents(server: Server) -> None:
    plain = chat(server).json()["choices"][0]["message"]["content"]
    names = parameters_of(chat_params) - {"model", "messages", "max_tokens", "temperature"}
    assert len(names) > 25
    answer = chat(server, **dict.fromkeys(names))
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == plain
    others = parameters_of(completion_params) - {"model", "prompt"}
    answer = server.complete(prompt=PROMPT, **dict.fromkeys(others))
    assert answer.status_code == 200, answer.text


def test_null_is_left_out_inside_messages_and_options(server: Server) -> None:
    """The message that OpenAI's client gives back when an answer is put into the next request."""
    silent: dict[str, object] = {
        "role": "assistant", "content": None, "refusal": None, "tool_calls": [], "function_call": None, "audio": None,
        "name": None, "annotations": [],
    }  # fmt: skip
    messages = [{"role": "user", "content": "Water?", "name": None}, silent, {"role": "user", "content": "Well?"}]
    answer = chat(server, messages=messages, stream_options=None)
    assert answer.status_code == 200, answer.text
    without = [messages[0], {"role": "assistant", "content": ""}, messages[2]]
    assert answer.json()["choices"] == chat(server, messages=without).json()["choices"]
    options = {"include_usage": None, "include_obfuscation": None}
    assert chat(server, stream=True, stream_options=options).status_code == 200


def test_an_answer_is_sent_back_as_it_was_dumped(client: openai.OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "Water?"}]
    options: Any = {"model": "serve", "max_tokens": 4, "temperature": 0}
    answer = client.chat.completions.create(messages=asked, **options).choices[0].message
    dumped: Any = answer.model_dump()
    assert {"refusal", "annotations", "audio", "function_call", "tool_calls"} <= dumped.keys()
    plain: Any = {"role": "assistant", "content": answer.content}
    again, expected = (
        client.chat.completions.create(messages=[*asked, said, *asked], **options) for said in (dumped, plain)
    )
    assert again.choices == expected.choices


NEUTRAL: dict[str, object] = {
    "audio": None, "best_of": 1, "echo": False, "frequency_penalty": 0, "function_call": "none", "functions": [],
    "logit_bias": {}, "metadata": {}, "modalities": ["text"], "moderation": None, "n": 1, "parallel_tool_calls": True,
    "prediction": None, "presence_penalty": 0.0, "prompt_cache_key": "", "prompt_cache_options": None,
    "prompt_cache_retention": "in_memory", "reasoning_effort": "none", "response_format": {"type": "text"},
    "safety_identifier": "", "seed": None, "service_tier": "auto", "stop": [], "store": False, "stream": False,
    "stream_options": None, "suffix": "", "tool_choice": "auto", "tools": [], "top_logprobs": 0, "top_p": 1, "user": "",
    "verbosity": "medium", "web_search_options": None,
}  # fmt: skip
"""Values of OpenAI's parameters from a client that writes all of them out and asks for nothing by it."""


def test_each_parameter_is_accepted_at_its_neutral_value(server: Server) -> None:
    chats = parameters_of(chat_params) - {"model", "messages", "max_tokens", "max_completion_tokens", "temperature"}
    texts = parameters_of(completion_params) - {"model", "prompt", "max_tokens", "temperature"}
    assert (chats | texts) - {"logprobs"} == NEUTRAL.keys()
    neutral = {"logprobs": False} | {key: NEUTRAL[key] for key in chats - {"logprobs"}}
    answer = chat(server, **neutral)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"] == chat(server).json()["choices"]
    answer = server.complete(prompt=PROMPT, **{key: NEUTRAL[key] for key in texts - {"logprobs"}})
    assert answer.status_code == 200, answer.text


def test_a_stream_tells_its_usage_as_it_goes(client: openai.OpenAI) -> None:
    prompts = ["Water", PROMPT]

    def streamed(**options: bool) -> list[Any]:
        return list(greedy(client, prompt=prompts, max_tokens=9, stream=True, stream_options=options))

    *chunks, end = streamed(include_usage=True, continuous_usage_stats=True)
    for index, prompt in enumerate(prompts):
        used = [chunk.usage for chunk in chunks if chunk.choices[0].index == index]
        counts = [usage.completion_tokens for usage in used]
        assert counts == sorted(counts)
        assert counts[-1] == 9
        assert {usage.prompt_tokens for usage in used} == {len(VOCABULARY.encode(prompt))}
        assert all(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens for usage in used)
    assert end.usage.completion_tokens == 18
    *chunks, end = streamed(include_usage=True, continuous_usage_stats=False)
    assert end.usage.completion_tokens == 18
    assert not any(chunk.usage for chunk in chunks)
    assert not any(chunk.usage for chunk in streamed(continuous_usage_stats=True)), "as vLLM: with include_usage only"


@pytest.mark.parametrize("options", [{"prompt": "water " * 200}, {"max_tokens": 500}])
def test_a_text_that_is_too_long_is_told_in_the_words_that_clients_know(
    client: openai.OpenAI, options: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        greedy(client, **options)
    assert f"maximum context length is {SMALL.context} tokens" in refused.value.message
    assert refused.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"moderation": {"model": "omni"}}, "moderation"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"verbosity": "low"}, "verbosity"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"presence_penalty": False}, "presence_penalty"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "1"}]}]},
         "messages.1.tool_calls"),
        ({"messages": [{"role": "assistant", "function_call": {"name": "f"}}]}, "messages.0.function_call"),
        ({"messages": [{"role": "tool", "content": "4", "tool_call_id": "1"}]}, "messages.0.role"),
    ],
)  # fmt: skip
def test_what_would_change_the_answer_is_refused_by_its_path(
    server: Server, asked: dict[str, object], param: str
) -> None:
    response = chat(server, **asked)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, "unsupported_parameter")
    assert param in error["message"]


@pytest.mark.parametrize("role", ["system", "user"])
def test_only_an_assistant_may_have_said_nothing(server: Server, role: str) -> None:
    error = chat(server, messages=[{"role": role, "content": None}]).json()["error"]
    assert error["param"] == "messages"
    assert f"a message of the role {role} needs its content" in error["message"]


def test_what_changes_no_answer_is_accepted(server: Server) -> None:
    text = {"type": "text", "text": "Water?", "prompt_cache_breakpoint": {"mode": "explicit"}}
    answer = chat(
        server, messages=[{"role": "user", "content": [text]}], prompt_cache_retention="24h", reasoning_effort="none",
        prediction={"type": "content", "content": "Well"}, verbosity="medium", modalities=["text"], service_tier="auto",
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"] == chat(server).json()["choices"]


@pytest.mark.parametrize(
    ("asked", "status", "param", "code"),
    [
        ({"model": "gpt-9"}, 404, "model", "model_not_found"),
        ({"max_tokens": 500}, 400, "max_tokens", "context_length_exceeded"),
        ({"prompt": "water " * 200}, 400, "prompt", "context_length_exceeded"),
        ({"prompt": []}, 400, "prompt", None),
        ({"prompt": [5, 320]}, 400, "prompt", None),
        ({"temperature": 3}, 400, "temperature", None),
        ({"deadline_s": 1000}, 400, "deadline_s", None),
        ({"prompt": ["a"] * 3, "n": 100}, 400, "n", None),
        ({"tools": [{}]}, 400, "tools", "unsupported_parameter"),
        ({"frobnicate": 1}, 400, "frobnicate", "unknown_parameter"),
    ],
)
def test_errors_have_openais_form(
    server: Server, asked: dict[str, object], status: int, param: str, code: str | None
) -> None:
    response = server.complete(**{"prompt": "x", **asked})
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (status, param, code)
    assert error["type"] == "invalid_request_error"
    assert error["message"]


def test_unknown_paths_methods_and_large_bodies(server: Server) -> None:
    for response, status in (
        (httpx.get(f"{server.url}/v1/nothing"), 404),
        (httpx.get(f"{server.url}/v1/completions"), 405),
        (httpx.post(f"{server.url}/v1/completions", content=b" " * (9 * 2**20)), 413),
    ):
        assert response.status_code == status
        error = response.json()["error"]
        assert error["message"]
        assert error["type"] == "invalid_request_error"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_plain_curl(server: Server) -> None:
    body = json.dumps({"model": "serve", "prompt": PROMPT, "max_tokens": 5, "stream": True})
    said = subprocess.run(
        ["curl", "-sSN", f"{server.url}/v1/completions", "-d", body], capture_output=True, text=True, check=True
    ).stdout
    events = said.strip().split("\n\n")
    assert events[-1] == "data: [DONE]"
    assert all(event.startswith("data: ") for event in events)


def test_metrics_agree_with_what_the_clients_counted(server: Server) -> None:
    names = ("vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:e2e_request_latency_seconds_count",
             "vllm:time_to_first_token_seconds_count", "vllm:inter_token_latency_seconds_count")  # fmt: skip
    before = [server.metric(name) for name in names]
    ended = {
        reason: server.metric("vllm:request_success_total", finished_reason=reason) for reason in ("stop", "length")
    }
    counted: list[dict[str, int]] = []
    reasons: list[str] = []

    def use(number: int) -> None:
        for _ in range(3):
            answer = server.complete(prompt=f"Water {number}", max_tokens=5 + number, temperature=1.2).json()
            counted.append(answer["usage"])
            reasons.append(answer["choices"][0]["finish_reason"])

    threads = [threading.Thread(target=use, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    generated = sum(usage["completion_tokens"] for usage in counted)
    gained = [server.metric(name) - was for name, was in zip(names, before, strict=True)]
    assert gained == [sum(usage["prompt_tokens"] for usage in counted), generated, 30, 30, generated - 30]
    for reason, was in ended.items():
        assert server.metric("vllm:request_success_total", finished_reason=reason) - was == reasons.count(reason)
    assert server.metric("vllm:num_requests_running") == 0
    assert server.metric("vllm:kv_cache_usage_perc") == 0


def test_a_repeated_prompt_is_found_in_the_cache(server: Server) -> None:
    prompt = [index % 300 + 5 for index in range(70)]
    first, second = (server.complete(prompt=prompt, max_tokens=3, temperature=0).json() for _ in range(2))
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == 64
    assert first["choices"][0]["text"] == second["choices"][0]["text"]


def test_it_listens_on_loopback_only(server: Server) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()
    ours = [line.split()[1] for line in listening if line.split()[1].endswith(f":{server.port:04X}")]
    assert ours
    assert all(address.startswith("0100007F:") for address in ours)
