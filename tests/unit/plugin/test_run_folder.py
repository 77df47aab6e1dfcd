"""Reading of a run's folder."""

import json
from pathlib import Path

from plugin.local import training_run
from plugin.local.run_folder import checkpoint_step, finished, newest_export, outputs_of


def exported(folder: Path, step: int, text: str = "weights") -> Path:
    export = folder / "export" / f"step-{step:08d}"
    export.mkdir(parents=True)
    (export / "model.safetensors").write_text(text)
    files = {"model.safetensors": {"bytes": len(text), "chunkBytes": 8, "xxh3": []}}
    manifest = {"step": step, "digest": f"d{step}", "validationLoss": 2.5, "files": files}
    (export / "manifest.json").write_text(json.dumps(manifest))
    return export


def test_the_newest_whole_export_counts(tmp_path: Path) -> None:
    assert newest_export(tmp_path) is None
    exported(tmp_path, 100)
    torn = exported(tmp_path, 200)
    (torn / "model.safetensors").write_text("half")
    (tmp_path / "export" / "step-00000300").mkdir()
    assert newest_export(tmp_path) == tmp_path / "export" / "step-00000100"
    assert finished(tmp_path, 100)
    assert finished(tmp_path, 50)
    assert not finished(tmp_path, 101)


def test_half_written_checkpoints_do_not_count(tmp_path: Path) -> None:
    assert checkpoint_step(tmp_path) is None
    for name in ("step-00000050", "step-00000100", ".partial-150", "step-00000120.tmp"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert checkpoint_step(tmp_path) == 100


def test_outputs_come_from_disk(tmp_path: Path) -> None:
    export = exported(tmp_path, 300)
    (tmp_path / "status.json").write_text(json.dumps({"loss": 3.4, "tokensPerS": 5210.0, "step": 300}))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "corpus.json").write_text(json.dumps({"unigramLoss": 6.10001234}))
    assert outputs_of(tmp_path, restarts=1) == {
        "step": 300,
        "loss": 3.4,
        "validationLoss": 2.5,
        "unigramLoss": 6.1,
        "exportFolder": str(export),
        "digest": "d300",
        "tokensPerS": 5210.0,
        "goodput": None,
        "timeByCause": None,
        "restarts": 1,
        "runBytes": sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()),
    }


def test_a_ledger_says_the_goodput_and_all_restarts(tmp_path: Path) -> None:
    lines = [(0, "start", None), (10, "train", 0), (30, "restart", 20), (35, "train", 20), (40, "stopped", 40)]
    text = "".join(json.dumps({"time": t, "kind": k, "step": s, "attempt": 1}) + "\n" for t, k, s in lines)
    (tmp_path / "ledger.jsonl").write_text(text)
    outputs = outputs_of(tmp_path, restarts=0)
    assert outputs["goodput"] == 25 / 40
    assert outputs["timeByCause"] == {"restart": 0.125, "start": 0.25, "train": 0.625}
    assert outputs["restarts"] == 1


def test_an_empty_folder_is_step_0(tmp_path: Path) -> None:
    assert outputs_of(tmp_path, restarts=0)["step"] == 0


def test_what_is_not_finished_has_to_go_on(tmp_path: Path) -> None:
    asked = {"runFolder": str(tmp_path), "job": {"training": {"steps": 300}}}
    assert [change.name for change in training_run.diff(asked, asked, {})] == ["step"]
    exported(tmp_path, 300)
    assert training_run.diff(asked, asked, {}) == []
    more = asked | {"job": {"training": {"steps": 301}}}
    changes = training_run.diff(asked, more, {})
    assert [(change.name, change.replaces) for change in changes] == [("job", False), ("step", False)]
