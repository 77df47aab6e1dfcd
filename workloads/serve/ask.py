"""From a request's body to the sequences it asks for."""

import time
from collections.abc import Iterator
from collections.abc import Sequence as Items
from dataclasses import dataclass

from workloads.model.chat import ConversationError
from workloads.serve.config import ServeFile
from workloads.serve.errors import wrong
from workloads.serve.schema import ChatBody, CompletionBody, GenerationBody, Prompt, StreamOptions
from workloads.serve.sequence import Sampling, Sequence
from workloads.serve.text import Transcript, Vocabulary

DEFAULT_COMPLETION_TOKENS = 16
"""OpenAI's default of max_tokens for completions."""

ROLES = {"developer": "system"}
"""Newer names of roles, by which no chat template goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: its sequences in the order of their choices, and how to answer."""

    sequences: Items[Sequence]
    echoes: Items[str]
    """By sequence: the prompt's text to begin with, empty without `echo`."""
    prompts: int
    prompt_tokens: int
    """Over all prompts, each counted once however many choices it has."""
    stream: bool
    include_usage: bool
    """At the end of a stream."""
    continuous_usage: bool
    """In each of its events too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Knows the model's limits and the server's."""

    vocabulary: Vocabulary
    context: int
    config: ServeFile

    def completion(self, body: CompletionBody) -> Ask:
        prompts = self._prompts(body)
        echoes = [self.vocabulary.decode(prompt) if body.echo else "" for prompt in prompts]
        default = DEFAULT_COMPLETION_TOKENS
        room = min(self.context - len(prompt) for prompt in prompts)
        limit = body.max_tokens or max(1, min(default, room))
        return self._ask(body, prompts, self._sampling(body, limit, body.logprobs), "prompt", echoes)

    def chat(self, body: ChatBody) -> Ask:
        if not self.vocabulary.chats:
            raise wrong("messages", "messages: this model has no chat template; use /v1/completions")
        messages = [(ROLES.get(message.role, message.role), message.text) for message in body.messages]
        try:
            prompt = self.vocabulary.chat(messages)
        except ConversationError as error:
            raise wrong("messages", f"messages: this model's chat template refuses them: {error}") from None
        limit = body.max_completion_tokens or body.max_tokens or max(1, self.context - len(prompt))
        top = (body.top_logprobs or 0) if body.logprobs else None
        return self._ask(body, [prompt], self._sampling(body, limit, top), "messages", [""])

    def _prompts(self, body: CompletionBody) -> list[list[int]]:
        """Every prompt as tokens; an empty one is the beginning of a document, as with OpenAI."""
        prompts = [self._tokens(prompt) for prompt in _each(body.prompt)]
        if not prompts:
            raise wrong("prompt", "prompt: an empty list; give a string, strings, or token ids")
        size = len(self.vocabulary.bytes_of)
        if any(token >= size for prompt in prompts for token in prompt):
            raise wrong("prompt", f"prompt: a token id is not below {size}, the size of the vocabulary")
        return prompts

    def _tokens(self, prompt: str | list[int]) -> list[int]:
        tokens = self.vocabulary.encode(prompt) if isinstance(prompt, str) else prompt
        return tokens or [self.vocabulary.begin]

    def _sampling(self, body: GenerationBody, max_tokens: int, top_logprobs: int | None) -> Sampling:
        return Sampling(
            max_tokens=max_tokens,
            temperature=1.0 if body.temperature is None else body.temperature,
            top_p=1.0 if body.top_p is None else body.top_p,
            seed=body.seed,
            stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
            stop_tokens=frozenset() if body.ignore_eos else self.vocabulary.ends,
            top_logprobs=top_logprobs,
        )

    def _ask(
        self, body: GenerationBody, prompts: list[list[int]], sampling: Sampling, param: str, echoes: list[str]
    ) -> Ask:
        for prompt in prompts:
            self._check_length(len(prompt), sampling.max_tokens, param)
        n, deadline = body.n or 1, time.monotonic() + self._deadline_s(body)
        self._check_count(n * len(prompts))
        sequences = [
            Sequence(
                prompt=prompt,
                sampling=sampling,
                transcript=Transcript(self.vocabulary, sampling.stop),
                deadline=deadline,
                index=position * n + choice,
            )
            for position, prompt in enumerate(prompts)
            for choice in range(n)
        ]
        options = body.stream_options or StreamOptions()
        return Ask(
            sequences=sequences,
            echoes=[echo for echo in echoes for _ in range(n)],
            prompts=len(prompts),
            prompt_tokens=sum(map(len, prompts)),
            stream=bool(body.stream),
            include_usage=bool(options.include_usage),
            continuous_usage=bool(options.include_usage and options.continuous_usage_stats),
        )

    def _check_length(self, prompt_tokens: int, max_tokens: int, param: str) -> None:
        if prompt_tokens + max_tokens <= self.context:
            return
        short = prompt_tokens < self.context
        raise wrong(
            "max_tokens" if short else param,
            # Programs know this mistake by the first words, which are OpenAI's and vLLM's.
            f"This model's maximum context length is {self.context} tokens. However, the prompt has {prompt_tokens} "
            f"and {max_tokens} more are asked for; {'lower max_tokens' if short else 'the prompt is too long'}.",
            "context_length_exceeded",
        )

    def _check_count(self, sequences: int) -> None:
        most = self.config.inference.max_sequences + self.config.inference.queue_limit
        if sequences > most:
            raise wrong("n", f"{sequences} choices in one request, but this server takes {most} at a time at most")

    def _deadline_s(self, body: GenerationBody) -> float:
        most = self.config.inference.deadline_s
        if body.deadline_s is not None and body.deadline_s > most:
            raise wrong("deadline_s", f"deadline_s: {body.deadline_s:g} is more than this server allows ({most:g})")
        return body.deadline_s or most


def _each(prompt: Prompt) -> Iterator[str | list[int]]:
    """The prompts of a body; a flat list of tokens is one prompt."""
    if prompt is None or isinstance(prompt, str):
        yield prompt or ""
        return
    tokens: list[int] = []
    for item in prompt:
        if isinstance(item, int):
            tokens.append(item)
        else:
            yield item
    if tokens:
        yield tokens
