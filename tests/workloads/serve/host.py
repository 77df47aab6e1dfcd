"""A real server process on a port of its own, for a test."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from components.spec.training import ModelSpec

LONG = ModelSpec(layers=2, width=64, heads=4, kv_heads=2, vocabulary=320, context=8192)
"""A model whose texts take long enough to be interrupted."""
START_S = 90.0
"""torch alone takes seconds to import on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def complete(self, **asked: object) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/completions", json={"model": "serve", **asked}, timeout=60)

    def metric(self, name: str, **labels: str) -> float:
        """The value of one sample of /metrics."""
        for line in httpx.get(f"{self.url}/metrics").text.splitlines():
            sample = re.fullmatch(r"(\S+?)\{(.*)\} (\S+)", line)
            if sample and sample[1] == name and all(f'{key}="{value}"' in sample[2] for key, value in labels.items()):
                return float(sample[3])
        raise AssertionError(f"/metrics has no {name} {labels}")

    def until_metric(self, name: str, value: float, **labels: str) -> None:
        end = time.monotonic() + 30
        while self.metric(name, **labels) != value:
            assert time.monotonic() < end, f"{name} never became {value}: {self.metric(name, **labels)}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(START_S)


@contextmanager
def serve(
    folder: Path, export: Path, *, port: int | None = None, device: str = "cpu", **inference: Any
) -> Iterator[Server]:
    """A server that is ready; killed at the end if it still runs."""
    with launch(folder, export, port=port, device=device, **inference) as server:
        _until_ready(server)
        yield server


@contextmanager
def launch(
    folder: Path, export: Path, *, port: int | None = None, device: str = "cpu", wait: bool = False, **inference: Any
) -> Iterator[Server]:
    """A server that was just started."""
    port = port or free_port()
    config = folder / f"serve-{port}.json"
    content = {"inference": inference, "modelFolder": str(export), "port": port, "device": device, "waitForModel": wait}
    config.write_text(json.dumps(content))
    log = folder / f"serve-{port}.log"
    with log.open("a") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "workloads.serve", str(config)],
            stderr=sink,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    try:
        yield Server(process=process, port=port, log=log)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_ready(server: Server) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()
        try:
            if httpx.get(f"{server.url}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready after {START_S} s: {server.log.read_text()}")
