"""A quick check of a node whose workers are lost again and again: its accelerators, one by one and in pairs.

A process of its own makes it (`python -m workloads.pretrain.agent.node_check --device cuda --ranks 8`), as a driver
that is gone can hang or abort one. Exit 0: sound; 71: the last line says what is broken.
"""

import argparse
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from workloads.pretrain.exits import ExitCode

TIMEOUT_S = 60.0
"""Of the whole check; importing torch on a busy node is most of it."""

SIZE = 4096
PRODUCTS = 20
"""Matrix products of each accelerator: a second or less."""


@dataclass(frozen=True, slots=True)
class NodeVerdict:
    """Verdict on this node."""

    name: str
    broken: str
    """Reason why jobs should keep off it; "" for a sound one."""

    def __str__(self) -> str:
        if self.broken:
            return f"node {self.name} is broken: {self.broken}; keep jobs off it (`kubectl cordon {self.name}`)"
        return f"node {self.name} passes a check of its devices"


def check_node(device: str, ranks: int, timeout_s: float = TIMEOUT_S) -> NodeVerdict:
    """Check this node in another process; a check that does not end in time is a broken node."""
    name = os.environ.get("NODE_NAME") or socket.gethostname()
    command = [sys.executable, "-m", "workloads.pretrain.agent.node_check", "--device", device, "--ranks", str(ranks)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return NodeVerdict(name, f"its check did not end within {timeout_s:.0f} s")
    if done.returncode == 0:
        return NodeVerdict(name, "")
    said = done.stdout.strip() or done.stderr.strip() or f"its check ended with code {done.returncode}"
    return NodeVerdict(name, said.splitlines()[-1])


def problems_of(device: str, count: int, multiply: Callable[[Tensor, Tensor], Tensor] = torch.mm) -> Iterator[str]:
    """Problems of `count` devices: products that are wrong, and rows that arrive otherwise than they were sent."""
    names = [f"{device}:{number}" for number in range(count)] if device == "cuda" else [device]
    for name in names:
        yield from _problem(name, partial(_multiplies, name, multiply))
    for sender, receiver in zip(names, [*names[1:], names[0]], strict=True):
        yield from _problem(f"{sender} to {receiver}", partial(_sends, sender, receiver))


def _problem(what: str, work: Callable[[], str]) -> Iterator[str]:
    try:
        problem = work()
    except RuntimeError as error:  # the driver's, and out of memory
        problem = str(error).splitlines()[0]
    if problem:
        yield f"{what}: {problem}"


def _multiplies(device: str, multiply: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Rows of one number by columns of one number: every product is known, and exact in fp32."""
    size, kind = (SIZE, torch.bfloat16) if device.startswith("cuda") else (SIZE // 16, torch.float32)
    rows, columns = torch.arange(size, device=device) % 5, torch.arange(size, device=device) % 3
    a = rows.to(kind)[:, None].expand(size, size).contiguous()
    b = columns.to(kind)[None, :].expand(size, size).contiguous()
    expected = (rows[:, None] * columns[None, :] * size).to(kind)
    for _ in range(PRODUCTS):
        wrong = int((multiply(a, b) != expected).sum())
        if wrong:
            return f"{wrong} of {size * size} numbers of a matrix product are wrong"
    return ""


def _sends(sender: str, receiver: str) -> str:
    sent = torch.arange(2**22, device=sender, dtype=torch.int32)
    wrong = int((sent.to(receiver).to("cpu") != torch.arange(2**22, dtype=torch.int32)).sum())
    return f"{wrong} of {2**22} numbers arrive as others" if wrong else ""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m workloads.pretrain.agent.node_check")
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--ranks", type=int, required=True)
    options = parser.parse_args(arguments)
    if options.device == "cuda" and torch.cuda.device_count() < options.ranks:
        found = [f"{torch.cuda.device_count()} of {options.ranks} accelerators are there"]
    else:
        found = list(problems_of(options.device, options.ranks))
    if found:
        sys.stdout.write("; ".join(found) + "\n")
    return ExitCode.BROKEN_NODE if found else ExitCode.FINISHED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
