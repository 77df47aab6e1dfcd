"""Traces of the steps that were asked for, and no harm where there is none."""

import gzip
import json
from pathlib import Path

import pytest
import torch

from components.spec.observe import ProfileSpec
from workloads.pretrain.folder import RunFolder, replace_json
from workloads.pretrain.train import profile
from workloads.pretrain.train.profiler import Profiler

CPU = torch.device("cpu")


def steps(profiler: Profiler, first: int, last: int) -> list[int]:
    """The steps behind which a trace was written."""
    written = []
    for step in range(first, last + 1):
        profiler.before(step)
        torch.ones(8, 8) @ torch.ones(8, 8)
        if profiler.after():
            profiler.write()
            written.append(step)
    return written


def operators(path: Path) -> set[str]:
    with gzip.open(path) as stream:
        return {event["name"] for event in json.load(stream)["traceEvents"]}


def test_a_trace_has_the_steps_asked_for(tmp_path: Path) -> None:
    asked = ProfileSpec(at_step=3, steps=2, ranks=(0, 1))
    profiler = Profiler(RunFolder(tmp_path), asked, 1, CPU, lambda _: None)
    assert steps(profiler, 1, 6) == [4]
    (trace,) = tmp_path.glob("profiles/step-00000003/*")
    assert trace.name == "rank-1.json.gz"
    assert "aten::mm" in operators(trace)


def test_another_rank_and_a_second_start_keep_none(tmp_path: Path) -> None:
    asked = ProfileSpec(at_step=2, steps=1)
    assert steps(Profiler(RunFolder(tmp_path), asked, 1, CPU, lambda _: None), 1, 3) == []
    assert steps(Profiler(RunFolder(tmp_path), asked, 0, CPU, lambda _: None), 1, 3) == [2]
    assert steps(Profiler(RunFolder(tmp_path), asked, 0, CPU, lambda _: None), 1, 3) == []


def test_a_run_that_goes_on_is_asked_by_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workloads.pretrain.train.profiler.LOOK_EVERY_S", 0.0)
    told: list[str] = []
    profiler = Profiler(RunFolder(tmp_path), None, 0, CPU, told.append)
    assert steps(profiler, 1, 2) == []
    replace_json(tmp_path / "profile.json", {"atStep": 4, "steps": 1, "memory": True})
    assert steps(profiler, 3, 5) == [4]
    assert any("no accelerator" in message for message in told)
    replace_json(tmp_path / "profile.json", {"atStep": 2})
    assert steps(profiler, 6, 6) == []
    assert told[-1] == "profile.json asks for step 2, and step 6 begins; ask for a later one"
    (tmp_path / "profile.json").write_text('{"atStep": 0}')
    assert steps(profiler, 7, 7) == []
    assert "atStep" in told[-1]


def test_a_trace_that_cannot_be_written_costs_the_run_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "profiles").write_text("a file where the folder should be")
    profiler = Profiler(RunFolder(tmp_path), ProfileSpec(at_step=1, steps=1), 0, CPU, told.append)
    assert steps(profiler, 1, 3) == [1]
    assert told[-1].startswith("no trace of step 1: ")


def test_the_request_is_far_enough_ahead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"time": 10.0 * step, "step": step, "loss": 1.0} for step in range(1, 6)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    training = {"steps": 20, "minNodes": 1, "ranksPerNode": 1, "precision": "fp32", "parallel": {"sharding": "ddp"}}
    replace_json(tmp_path / "job.json", {"training": training, "runFolder": str(tmp_path), "device": "cpu"})
    assert profile.main([str(tmp_path), "--ranks", "0", "3"]) == 0
    assert "asked for steps 9 to 11" in capsys.readouterr().out  # 30 s at 10 s a step, behind step 6
    assert json.loads((tmp_path / "profile.json").read_text())["ranks"] == [0, 3]
    with pytest.raises(SystemExit):
        profile.main([str(tmp_path), "--at-step", "19"])
    assert "beyond the run's last (20)" in capsys.readouterr().err
