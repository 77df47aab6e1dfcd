"""`python -m bench.server_client PORT CLIENTS REQUESTS TOKENS [PROMPT LONG]`: clients that stream completions.

One after the other. With PROMPT, prompts have so many tokens and are the same in each run, so that from the second run
on only decoding is left; with LONG above 0, beside a text of so many tokens that decodes before they begin and until
they have ended.

Plain sockets, because an HTTP library costs more than a small model does. Prompts are random token ids, so that no
prefix is ever found in the cache; lengths are fixed and nothing ends early. Prints one JSON object.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PROMPT_TOKENS = 32


@dataclass(slots=True)
class ClientMeasurements:
    """Measurements of the clients."""

    tokens: int = 0
    first_token_s: list[float] = field(default_factory=list)


def main(port: int, clients: int, requests: int, tokens: int, prompt: int = 0, long: int = 0) -> None:
    prompts = [_prompt(prompt or PROMPT_TOKENS, seed=client if prompt else None) for client in range(clients)]
    print(json.dumps(asyncio.run(_load(port, prompts, requests, tokens, long))))


async def _load(
    port: int, prompts: list[Callable[[], list[int]]], requests: int, tokens: int, long: int
) -> dict[str, object]:
    seen = ClientMeasurements()
    begun = asyncio.Event()
    beside = asyncio.create_task(_long_texts(port, long, begun)) if long else None
    if beside:
        await begun.wait()
    begin = time.perf_counter()
    await asyncio.gather(*(_client(port, prompt, requests, tokens, seen) for prompt in prompts))
    seconds = time.perf_counter() - begin
    if beside:
        beside.cancel()
    return {"tokensPerS": seen.tokens / seconds, "firstTokenS": sorted(seen.first_token_s)}


async def _long_texts(port: int, tokens: int, begun: asyncio.Event) -> None:
    """One text of so many tokens after the other, an eighth of each generated."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_request(tokens // 8, _prompt(tokens - tokens // 8, seed=-1)()))
        await reader.readuntil(b"data: ")
        begun.set()
        await reader.read(-1)
        writer.close()


async def _client(
    port: int, prompt: Callable[[], list[int]], requests: int, tokens: int, seen: ClientMeasurements
) -> None:
    for _ in range(requests):
        begin = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_request(tokens, prompt()))
        await reader.readuntil(b"data: ")
        seen.first_token_s.append(time.perf_counter() - begin)
        rest = await reader.read(-1)
        writer.close()
        seen.tokens += _completion_tokens(rest)
    assert seen.tokens >= tokens


def _prompt(tokens: int, seed: int | None) -> Callable[[], list[int]]:
    """Prompts of so many tokens: always another, or with a seed always the same."""

    def draw() -> list[int]:
        source = random.Random(seed)  # noqa: S311  # no secret
        return [source.randrange(256, 2000) for _ in range(tokens)]

    return draw


def _request(tokens: int, prompt: list[int]) -> bytes:
    asked = {"model": "serve", "prompt": prompt, "max_tokens": tokens, "temperature": 0, "ignore_eos": True}
    body = json.dumps({**asked, "stream": True, "stream_options": {"include_usage": True}}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _completion_tokens(stream: bytes) -> int:
    """Completion tokens, as the server reports them in the stream's last event but one."""
    usage = stream[stream.rindex(b'"completion_tokens":') :]
    return int(usage.split(b":", 1)[1].split(b",", 1)[0])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
