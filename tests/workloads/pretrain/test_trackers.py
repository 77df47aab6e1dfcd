"""Runs followed by the real W&B and MLflow, without a network; what they keep is read back."""

import json
import os
import socket
import struct
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from tests.workloads.pretrain.runs import AgentHost, Run
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.record.track import main

pytestmark = pytest.mark.skipif(
    find_spec("wandb") is None or find_spec("mlflow") is None,
    reason="not installed; `python -m tools.trackers` does it",
)
BOTH = [{"kind": "wandb", "project": "curves"}, {"kind": "mlflow", "project": "curves"}]
PREEMPTED = 75


def records(path: Path) -> Iterator[bytes]:
    """The records of one of W&B's own files: a log of LevelDB's form behind seven bytes (its format description)."""
    data, at, whole = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield whole
            whole = b""


def wandb_points(folder: Path) -> tuple[set[str], list[tuple[int, float]]]:
    """Runs at W&B, and each step's loss in all files of them."""
    from wandb.proto.wandb_internal_pb2 import Record

    names, points = set(), []
    for path in sorted(folder.glob("trackers/wandb/wandb/offline-run-*/*.wandb")):
        for record in map(Record.FromString, records(path)):
            names |= {record.run.run_id} - {""}
            items = {(item.key or item.nested_key[0]): json.loads(item.value_json) for item in record.history.item}
            if "loss" in items:
                points.append((items["step"], items["loss"]))
    return names, points


def mlflow_points(folder: Path) -> tuple[set[str], list[tuple[int, float]]]:
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(folder / "trackers" / "mlflow").as_uri())
    experiment = client.get_experiment_by_name("curves")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    history = [client.get_metric_history(run.info.run_id, "loss") for run in runs]
    return {run.info.run_id for run in runs}, [(one.step, one.value) for part in history for one in part]


def test_a_run_that_is_stopped_and_goes_on_is_one_run_for_each_tracker(host: AgentHost, run: Run) -> None:
    run.change(trackers=BOTH)
    host.start(run)
    run.wait_until(lambda one: one.step >= 20)
    assert host.stop() == PREEMPTED, run.status
    assert host.run(run) == 0, run.status
    for kind in ("wandb", "mlflow"):  # what a busy machine had no time for
        assert main([str(run.job), kind]) == 0
    written = [(int(str(line["step"])), float(str(line["loss"]))) for line in run.lines if "loss" in line]
    for names, points in (wandb_points(run.folder), mlflow_points(run.folder)):
        assert len(names) == 1
        assert [step for step, _ in sorted(points)] == [step for step, _ in sorted(written)]
        assert [loss for _, loss in sorted(points)] == pytest.approx([loss for _, loss in sorted(written)])


def test_a_server_that_never_answers_neither_slows_nor_stops_a_run(host: AgentHost, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run.change(trackers=[{"kind": "mlflow", "project": "curves", "url": url}], steps=60)
        assert host.run(run) == 0, run.status
    assert run.step == 60
    assert "were not sent" in str(run.status["warning"])
    steps = [line for line in run.lines if "loss" in line]
    longest = max(float(str(b["time"])) - float(str(a["time"])) for a, b in pairwise(steps))
    assert longest < 10, "no step waits for the server's ten seconds"
    assert not list(RunFolder(run.folder).trackers.glob("mlflow/*"))
