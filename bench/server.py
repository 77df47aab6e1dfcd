"""The server against a plain loop over the same model, and its loading against reading the bytes.

`python -m bench.server [--json FILE]`. Random weights in the trainer's default shape; fixed lengths, unique prompts;
server, clients and plain loop are processes of their own on this machine and are measured in turn.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import psutil
import torch

from bench.figures import Figure, alternate, save, show
from components.spec.training import ModelSpec
from tests.workloads.serve.export import make_model, write_export
from workloads.serve.load import READ_THREADS, find_export, load_model

PORT = 18417
TOKENS = 128
CLIENTS = (1, 8, 32)
REQUESTS = {1: 2, 8: 3, 32: 3}
"""Requests of each client: some seconds in all."""
GOALS = {1: 0.9, 8: 3.0, 32: 6.0}
SHORT = 31
BESIDE_LONG = ModelSpec(layers=4, width=512, heads=8, kv_heads=2, context=8192)
"""A model of 15 million parameters: a smaller one does hardly anything but look back."""
LARGE = ModelSpec(layers=8, width=1024, heads=16, kv_heads=8, vocabulary=8192, context=256, tie_embeddings=False)
"""A weights file of about 450 MB."""


def figures(
    *,
    model: ModelSpec | None = None,
    large: ModelSpec = LARGE,
    tokens: int = TOKENS,
    rounds: int = 3,
    beside_long: ModelSpec = BESIDE_LONG,
) -> list[Figure]:
    """Output tokens/s and time to first token under load; speed of loading."""
    shape = model or ModelSpec()
    with tempfile.TemporaryDirectory() as folder:
        served = _serving(Path(folder), shape, tokens, rounds)
        beside = _beside_a_long_text(Path(folder), beside_long, tokens, rounds)
        return [*served, beside, *_loading(Path(folder), large, 3 * rounds)]


def _beside_a_long_text(folder: Path, model: ModelSpec, tokens: int, rounds: int) -> Figure:
    """Time between tokens of short texts, with one text of about the whole context that decodes beside them. All
    prompts are in the cache, so that only decoding is measured."""
    export, context = write_export(folder / "long", make_model(model)), model.context

    used_s: dict[int, list[float]] = {0: [], context - 1: []}

    def short_tokens_per_s(long: int) -> float:
        before = sum(server.cpu_times()[:2])
        prompt = context // 14
        said = json.loads(_run("bench.server_client", PORT, SHORT, 1, tokens, prompt, long))
        used_s[long].append(sum(server.cpu_times()[:2]) - before)
        return float(said["tokensPerS"])

    with _server(folder, export) as process:
        server = psutil.Process(process.pid)
        short_tokens_per_s(0)
        short_tokens_per_s(context - 1)
        for taken in used_s.values():
            taken.clear()
        alone, beside = alternate(lambda: short_tokens_per_s(0), lambda: short_tokens_per_s(context - 1), rounds=rounds)
    return Figure(
        what=f"time between tokens of {SHORT} short texts, beside one of {context - 1} tokens / without it",
        value=alone / beside,
        at_most=1.3,
        note=f"{1000 * SHORT / beside:.1f} against {1000 * SHORT / alone:.1f} ms; "
        f"{median(used_s[context - 1]) / median(used_s[0]):.2f}x by the server's processor time",
    )


def _serving(folder: Path, model: ModelSpec, tokens: int, rounds: int) -> list[Figure]:
    export = write_export(folder / "model", make_model(model))
    first_token_s: dict[int, list[float]] = {clients: [] for clients in CLIENTS}

    def loaded(clients: int) -> float:
        said = json.loads(_run("bench.server_client", PORT, clients, REQUESTS[clients], tokens))
        first_token_s[clients] += said["firstTokenS"]
        return float(said["tokensPerS"])

    def plain(threads: int) -> float:
        return float(_run("bench.server_plain", export, threads, tokens))

    with _server(folder, export):
        loaded(8)
        first_token_s[8].clear()
        # taken separately for each number of threads: the faster one is the peer
        results = alternate(
            lambda: plain(1),
            lambda: plain(os.cpu_count() or 1),
            *(lambda clients=clients: loaded(clients) for clients in CLIENTS),
            rounds=rounds,
        )
    peer, served = max(results[:2]), dict(zip(CLIENTS, results[2:], strict=True))
    return [*_throughput(peer, served), *_first_token(first_token_s)]


def _throughput(peer: float, served: dict[int, float]) -> Iterator[Figure]:
    for clients, tokens_per_s in served.items():
        yield Figure(
            what=f"output tokens/s, {clients} clients / plain unbatched loop",
            value=tokens_per_s / peer,
            at_least=GOALS[clients],
            note=f"{tokens_per_s:,.0f} against {peer:,.0f} tokens/s",
        )


def _first_token(first_token_s: dict[int, list[float]]) -> Iterator[Figure]:
    for clients, seconds in first_token_s.items():
        p99 = quantiles(seconds, n=100, method="inclusive")[98]
        yield Figure(
            what=f"time to first token, {clients} clients, median",
            value=1000 * median(seconds),
            unit="ms",
            note=f"p99 {1000 * p99:.0f} ms of {len(seconds)} requests",
        )


def _loading(folder: Path, model: ModelSpec, rounds: int) -> list[Figure]:
    """Page cache warm for both. The floor reads with as many threads, and makes fp32 of it without a look at it."""
    export = find_export(write_export(folder / "large", make_model(model)))
    (path,) = export.folder.glob("*.safetensors")
    size = path.stat().st_size

    def load() -> float:
        begin = time.perf_counter()
        load_model(export, torch.device("cpu"))
        return size / (time.perf_counter() - begin)

    def read() -> float:
        begin = time.perf_counter()
        _read_as_fp32(path, size)
        return size / (time.perf_counter() - begin)

    load()
    ours, floor = alternate(load, read, rounds=rounds)
    note = f"{ours / 1e9:.2f} against {floor / 1e9:.2f} GB/s, {size / 1e6:.0f} MB, page cache warm"
    return [
        Figure(
            what="weights loaded, checked and made fp32 / only read and made fp32",
            value=ours / floor,
            at_least=0.8,
            note=note,
        )
    ]


def _read_as_fp32(path: Path, size: int, piece: int = 2**23) -> None:
    buffer = torch.empty(size, dtype=torch.uint8)
    memory = memoryview(buffer.numpy())  # type: ignore[arg-type]  # a buffer
    with path.open("rb", buffering=0) as file, ThreadPoolExecutor(READ_THREADS) as pool:
        descriptor = file.fileno()
        starts = range(0, size, piece)
        done = sum(pool.map(lambda at: os.preadv(descriptor, [memory[at : at + piece]], at), starts))
    assert done == size
    buffer[: size // 2 * 2].view(torch.bfloat16).float()


def _run(module: str, *arguments: object) -> str:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


@contextmanager
def _server(folder: Path, export: Path) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "serve.json"
    config.write_text(json.dumps({"inference": {}, "modelFolder": str(export), "port": PORT}))
    process = subprocess.Popen([sys.executable, "-m", "workloads.serve", str(config)], stderr=subprocess.DEVNULL)
    try:
        _until_ready(process)
        yield process
    finally:
        process.terminate()
        process.wait()


def _until_ready(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/ready").close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the server ended with {process.returncode} before it was ready")


def main(arguments: list[str]) -> None:
    measured = figures()
    show("server", measured)
    if arguments[:1] == ["--json"]:
        save(measured, Path(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
