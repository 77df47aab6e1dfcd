"""The shapes of OpenAI's answers: whole ones and chunks of a stream."""

import json
import time
import uuid
from collections.abc import Mapping
from collections.abc import Sequence as Items
from typing import Any

from workloads.serve.ask import Ask
from workloads.serve.sequence import Finish, Output, TokenLogprob
from workloads.serve.text import Vocabulary

DONE = b"data: [DONE]\n\n"


class Reply:
    """One request's answer; `chat` decides between the two endpoints' shapes."""

    def __init__(self, ask: Ask, model: str, vocabulary: Vocabulary, *, chat: bool) -> None:
        self._ask, self._chat, self._vocabulary = ask, chat, vocabulary
        self._head = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }
        self._begun: set[int] = set()

    def whole(self, texts: Items[str], logprobs: Items[Items[TokenLogprob]]) -> dict[str, object]:
        """The answer when every sequence has ended."""
        choices = [
            self._choice(index, text, reports, self._ask.sequences[index].finish, streamed=False)
            for index, (text, reports) in enumerate(zip(texts, logprobs, strict=True))
        ]
        kind = {"object": "chat.completion"} if self._chat else {}
        return {**self._head, **kind, "choices": choices, "usage": self._usage()}

    def chunk(self, output: Output) -> bytes:
        """One event of the stream; continuous usage is that of its choice alone, up to here (as vLLM has it)."""
        sequence = output.sequence
        choice = self._choice(sequence.index, output.text, output.logprobs, output.finish, streamed=True)
        if not self._ask.include_usage:
            return self._event({"choices": [choice]})
        usage = _tokens(len(sequence.prompt), output.generated) if self._ask.continuous_usage else None
        return self._event({"choices": [choice], "usage": usage})

    def end(self) -> bytes:
        """The last events: usage, if it was asked for, and the mark of the end."""
        if not self._ask.include_usage:
            return DONE
        return self._event({"choices": [], "usage": self._usage()}) + DONE

    def _event(self, body: Mapping[str, object]) -> bytes:
        kind = {"object": "chat.completion.chunk"} if self._chat else {}
        return event({**self._head, **kind, **body})

    def _choice(
        self, index: int, text: str, logprobs: Items[TokenLogprob], finish: Finish | None, *, streamed: bool
    ) -> dict[str, object]:
        first = index not in self._begun
        self._begun.add(index)
        reason = finish.value if finish else None
        if not self._chat:
            shown = self._ask.echoes[index] + text if first else text
            return {
                "index": index,
                "text": shown,
                "logprobs": self._completion_logprobs(logprobs),
                "finish_reason": reason,
            }
        content = {"content": text, **({"role": "assistant"} if first else {})}
        return {
            "index": index,
            "delta" if streamed else "message": content,
            "logprobs": self._chat_logprobs(logprobs),
            "finish_reason": reason,
        }

    def _usage(self) -> dict[str, object]:
        sequences, prompt = self._ask.sequences, self._ask.prompt_tokens
        generated = sum(sequence.generated for sequence in sequences)
        first_choices = sequences[:: len(sequences) // self._ask.prompts]
        details = {"cached_tokens": sum(sequence.cached for sequence in first_choices)}
        return {**_tokens(prompt, generated), "prompt_tokens_details": details}

    def _completion_logprobs(self, reports: Items[TokenLogprob]) -> dict[str, Any] | None:
        if not reports:
            return None
        return {
            "tokens": [self._token(report.token) for report in reports],
            "token_logprobs": [report.logprob for report in reports],
            "top_logprobs": [{self._token(token): value for token, value in report.top} for report in reports],
        }

    def _chat_logprobs(self, reports: Items[TokenLogprob]) -> dict[str, Any] | None:
        if not reports:
            return None
        return {
            "content": [
                {
                    **self._described(report.token, report.logprob),
                    "top_logprobs": [self._described(token, value) for token, value in report.top],
                }
                for report in reports
            ]
        }

    def _described(self, token: int, logprob: float) -> dict[str, object]:
        return {"token": self._token(token), "logprob": logprob, "bytes": list(self._vocabulary.bytes_of[token])}

    def _token(self, token: int) -> str:
        return self._vocabulary.decode([token])


def _tokens(prompt: int, generated: int) -> dict[str, object]:
    return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}


def event(body: Mapping[str, object]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
