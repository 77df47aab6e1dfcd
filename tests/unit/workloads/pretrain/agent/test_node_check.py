"""The check of a node whose workers are lost again and again."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from workloads.pretrain.agent.node_check import NodeVerdict, check_node, problems_of
from workloads.pretrain.exits import ExitCode


def test_a_sound_device_has_no_problem() -> None:
    assert list(problems_of("cpu", 2)) == []


def test_a_wrong_number_is_seen() -> None:
    def multiply(a: Tensor, b: Tensor) -> Tensor:
        product = a @ b
        product[3, 4] += 1
        return product

    (problem,) = problems_of("cpu", 1, multiply)
    assert problem == "cpu: 1 of 65536 numbers of a matrix product are wrong"


def test_a_driver_that_fails_is_a_problem() -> None:
    def multiply(_a: Tensor, _b: Tensor) -> Tensor:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure\nCompile with ...")

    (problem,) = problems_of("cpu", 1, multiply)
    assert problem == "cpu: CUDA error: unspecified launch failure"


def test_accelerators_that_are_gone_are_told_by_their_process() -> None:
    command = [sys.executable, "-m", "workloads.pretrain.agent.node_check", "--device", "cuda", "--ranks", "99"]
    done = subprocess.run(command, cwd=Path(__file__).parents[4], capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.BROKEN_NODE, done.stderr
    assert done.stdout == f"{torch.cuda.device_count()} of 99 accelerators are there\n"


def test_the_node_is_named_as_its_pod_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_NAME", "ip-10-0-0-7")
    verdict = check_node("cpu", 1, timeout_s=0.01)
    assert verdict == NodeVerdict("ip-10-0-0-7", "its check did not end within 0 s")
    assert "kubectl cordon ip-10-0-0-7" in str(verdict)


def test_the_last_line_says_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], ExitCode.BROKEN_NODE, "a warning\ncuda:3: no answer\n", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert check_node("cuda", 8).broken == "cuda:3: no answer"
