"""The bodies of OpenAI's completions and chat completions, as far as this server has them.

null means left out, in a body and in what lies in it. What would change the answer and is not supported is refused by
its path, unless it has the value that changes nothing. What cannot change the answer (user, metadata, ...) is accepted
and unused. The parameters are those of OpenAI's API reference, as its Python client 3.54 types them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workloads.serve.errors import ReplyError, wrong

UNUSED = frozenset(
    {
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "parallel_tool_calls",
        "prediction",
    }
)
"""Bookkeeping, and hints about speed."""
NEUTRAL: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        "best_of": (1,),
        "suffix": ("",),
        "logit_bias": ({},),
        "presence_penalty": (0,),
        "frequency_penalty": (0,),
        "repetition_penalty": (1,),
        "tools": ([],),
        "tool_choice": ("none", "auto"),
        "functions": ([],),
        "function_call": ("none", "auto"),
        "response_format": ({"type": "text"},),
        "modalities": (["text"],),
        "audio": (),
        "moderation": (),
        "reasoning_effort": ("none",),
        "verbosity": ("medium",),
        "web_search_options": (),
    }
)
"""Parameters that are not supported, and the values beside null that ask for nothing."""

NEUTRAL_IN_MESSAGES: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        "tool_calls": ([],),
        "function_call": ({},),
        "audio": ({},),
        "refusal": ("",),
        "annotations": ([],),
        "tool_call_id": ("",),
    }
)
"""The same for the parts of a message, those of an answer (`ChatCompletionMessage`) too: it is sent back whole."""

HINT = "prompt_cache_breakpoint"

Token = Annotated[int, Field(ge=0)]
Stop = Annotated[str, Field(min_length=1, max_length=1024)]

Prompt = str | list[str] | list[Token] | list[list[Token]] | None


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(Body):
    include_usage: bool | None = None
    continuous_usage_stats: bool | None = None
    """Usage so far in each event of a stream that has it at its end (as vLLM has it; for benchmarks)."""
    include_obfuscation: bool | None = None
    """Unused: it pads events, and changes no answer."""


class GenerationBody(Body):
    """Fields that both endpoints have in common. null means left out, as with OpenAI."""

    model: str
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**64)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    ignore_eos: bool | None = None
    """Go on behind the end of a document, up to max_tokens (as vLLM has it; for benchmarks)."""
    deadline_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which this request is given up."""

    @model_validator(mode="before")
    @classmethod
    def _unsupported(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        _refuse_unsupported(body, NEUTRAL, "")
        return {key: value for key, value in body.items() if key not in UNUSED and key not in NEUTRAL}

    @model_validator(mode="after")
    def _options_need_stream(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise wrong("stream_options", "stream_options is only for stream: true")
        return self


class CompletionBody(GenerationBody):
    """POST /v1/completions"""

    prompt: Prompt = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None

    @model_validator(mode="after")
    def _no_prompt_logprobs(self) -> Self:
        if self.echo and self.logprobs is not None:
            raise wrong("echo", "echo together with logprobs is not supported by this server; ask for one of the two")
        return self


class TextPart(Body):
    type: Literal["text"]
    text: str

    @model_validator(mode="before")
    @classmethod
    def _without_hints(cls, part: Any) -> Any:
        """The part without where to cut the cached prefix: it changes no answer."""
        return {key: value for key, value in part.items() if key != HINT} if isinstance(part, dict) else part


class Message(Body):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart] | None = None
    """Left out by an assistant that said nothing, as OpenAI's answers have it."""
    name: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content is None and self.role != "assistant":
            raise ValueError(f"a message of the role {self.role} needs its content")
        return self

    @property
    def text(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "".join(part.text for part in self.content)


class ChatBody(GenerationBody):
    """POST /v1/chat/completions"""

    messages: Annotated[list[Message], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _unsupported_in_messages(cls, body: Any) -> Any:
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return body
        return {**body, "messages": [_plain(index, message) for index, message in enumerate(body["messages"])]}

    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.max_tokens and self.max_completion_tokens and self.max_tokens != self.max_completion_tokens:
            raise wrong("max_tokens", "max_tokens and max_completion_tokens differ; give one of them")
        if self.top_logprobs and not self.logprobs:
            raise wrong("top_logprobs", "top_logprobs needs logprobs: true")
        return self


def _refuse_unsupported(found: Mapping[str, Any], neutral: Mapping[str, tuple[object, ...]], where: str) -> None:
    for name, values in neutral.items():
        value = found.get(name)
        if value is not None and not any(_same(value, other) for other in values):
            path = f"{where}{name}"
            raise wrong(path, f"{path} is not supported by this server; leave it out", "unsupported_parameter")


def _same(value: object, other: object) -> bool:
    """Equality as JSON has it, where true is no number."""
    return value == other and isinstance(value, bool) is isinstance(other, bool)


def _plain(index: int, message: Any) -> Any:
    """The message without what asks for nothing; ApiError 400 with the path of what is not supported in it."""
    if not isinstance(message, dict):
        return message
    where = f"messages.{index}."
    if message.get("role") in ("tool", "function"):
        path = f"{where}role"
        reason = f"{path}: {message['role']} is not supported by this server; put the result into a user's message"
        raise wrong(path, reason, "unsupported_parameter")
    _refuse_unsupported(message, NEUTRAL_IN_MESSAGES, where)
    return {key: value for key, value in message.items() if key not in NEUTRAL_IN_MESSAGES}


Asked = TypeVar("Asked", bound=GenerationBody)


def parse(kind: type[Asked], body: bytes) -> Asked:
    """The request in `body`; ApiError 400 that names the first wrong parameter."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _explained(error) from None


def _explained(error: ValidationError) -> ReplyError:
    found = error.errors(include_url=False)
    first = found[0]
    if not first["loc"]:
        return wrong(None, f"the body is not a JSON object: {first['msg']}")
    param = str(first["loc"][0])
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return wrong(param, f"unknown parameter: {param}", "unknown_parameter")
    reasons = dict.fromkeys(other["msg"] for other in found if other["loc"][:1] == first["loc"][:1])
    where = ".".join(map(str, first["loc"])) if len(reasons) == 1 else param
    return wrong(param, f"{where}: {'; or: '.join(reasons)}")
