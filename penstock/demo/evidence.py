"""Evidence for the demo's claims, read from the run's files: it learned, the accident cost this, nothing is left."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from penstock.demo.accident import Accident
from workloads.pretrain.folder import RunFolder, json_lines
from workloads.pretrain.record.ledger import Goodput, summarize


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """Losses in nats per token."""

    first_loss: float
    """Of the first step, before anything was learned."""
    validation_loss: float
    """On the held-out documents, at the end."""
    unigram_loss: float
    """Loss of knowing only how often each token occurs, on the same documents."""
    tokens_per_s: float
    goodput: Goodput


def read_learning(run_folder: Path) -> Learning:
    """Reads the losses of a finished run."""
    folder = RunFolder(run_folder)
    metrics = json_lines(folder.metrics)
    steps = [line for line in metrics if "loss" in line]
    validations = [line for line in metrics if "validationLoss" in line]
    corpus = json.loads((folder.data / "corpus.json").read_text())
    return Learning(
        first_loss=_number(steps[0]["loss"]),
        validation_loss=_number(validations[-1]["validationLoss"]),
        unigram_loss=float(corpus["unigramLoss"]),
        tokens_per_s=median(_number(line["tokensPerS"]) for line in steps),
        goodput=summarize(folder.ledger),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Continuation of the run after the accident."""

    reached: int
    """The last step that was finished before."""
    resumed_from: int
    """The checkpoint it went on from."""
    gap_s: float
    """Seconds between the last step before and the first one after."""

    @property
    def repeated(self) -> int:
        return self.reached - self.resumed_from


def read_recovery(run_folder: Path, accident: Accident) -> Recovery:
    """Reads the continuation of the run; ValueError when it lost more than the steps since its last checkpoint."""
    steps = [line for line in json_lines(RunFolder(run_folder).metrics) if "loss" in line]
    before = [line for line in steps if _number(line["attempt"]) <= accident.attempt]
    after = [line for line in steps if _number(line["attempt"]) > accident.attempt]
    if not after:
        raise ValueError("the run did not go on after the accident")
    resumed_from = int(_number(after[0]["step"])) - 1
    if resumed_from < accident.checkpoint_step:
        raise ValueError(f"the run fell back to step {resumed_from}, before its checkpoint {accident.checkpoint_step}")
    return Recovery(
        reached=int(_number(before[-1]["step"])),
        resumed_from=resumed_from,
        gap_s=_number(after[0]["time"]) - _number(before[-1]["time"]),
    )


def leftovers(volume: Path, ports: tuple[int, ...], resources: tuple[str, ...]) -> list[str]:
    """Everything of the stack that is still there: files, processes, open ports, resources of the engine's state."""
    found = [f"the folder {volume}"] if volume.exists() else []
    found += [f"process {process.pid}: {' '.join(command)}" for process, command in _processes_of(volume)]
    found += [f"something listens on port {port}" for port in ports if _listens(port)]
    return found + [f"{resource} in the engine's state" for resource in resources]


def _processes_of(volume: Path) -> list[tuple[psutil.Process, list[str]]]:
    listed = psutil.process_iter(["cmdline"])
    commands = [(process, process.info["cmdline"] or []) for process in listed]
    return [(process, command) for process, command in commands if any(str(volume) in part for part in command)]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _number(value: Any) -> float:
    assert isinstance(value, int | float)
    return float(value)


def ledger_line(seconds: Mapping[Any, float]) -> str:
    """Seconds by kind, largest first, without what took none."""
    kinds = sorted(seconds.items(), key=lambda item: -item[1])
    return ", ".join(f"{kind} {spent:.1f} s" for kind, spent in kinds if spent >= 0.05)
