"""`python -m bench.server_client PORT CLIENTS REQUESTS TOKENS`: clients that stream one completion after the other.

Plain sockets, because an HTTP library costs more than a small model does. Prompts are random token ids, so that no
prefix is ever found in the cache; lengths are fixed and nothing ends early. Prints one JSON object.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field

PROMPT_TOKENS = 32


@dataclass(slots=True)
class ClientMeasurements:
    """Measurements of the clients."""

    tokens: int = 0
    first_token_s: list[float] = field(default_factory=list)


def main(port: int, clients: int, requests: int, tokens: int) -> None:
    print(json.dumps(asyncio.run(_load(port, clients, requests, tokens))))


async def _load(port: int, clients: int, requests: int, tokens: int) -> dict[str, object]:
    seen = ClientMeasurements()
    begin = time.perf_counter()
    await asyncio.gather(*(_client(port, requests, tokens, seen) for _ in range(clients)))
    seconds = time.perf_counter() - begin
    return {"tokensPerS": seen.tokens / seconds, "firstTokenS": sorted(seen.first_token_s)}


async def _client(port: int, requests: int, tokens: int, seen: ClientMeasurements) -> None:
    for _ in range(requests):
        begin = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_request(tokens))
        await reader.readuntil(b"data: ")
        seen.first_token_s.append(time.perf_counter() - begin)
        rest = await reader.read(-1)
        writer.close()
        seen.tokens += _completion_tokens(rest)
    assert seen.tokens >= tokens


def _request(tokens: int) -> bytes:
    prompt = [random.randrange(256, 2000) for _ in range(PROMPT_TOKENS)]  # noqa: S311  # no secret
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
