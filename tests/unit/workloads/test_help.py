"""The help of the workloads by hand: what each does, and where its file comes from, which has to be true."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.plan_json import as_form
from stacks.config import read_file
from stacks.plan import plan_stack
from tests.clock import NOW
from workloads.fabric_check import __main__ as fabric_check
from workloads.pretrain.agent import launch
from workloads.pretrain.config import read_job
from workloads.serve import __main__ as serve
from workloads.serve.config import read_config

PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "train": launch.main,
    "serve": serve.main,
    "check": fabric_check.main,
}


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_help_says_how_it_is_called_in_80_columns(
    name: str, flag: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        PROGRAMS[name]([flag])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert shown.startswith(f"usage: penstock {name} ")
    assert f"penstock {name} " in shown.partition("options:")[2], "an example"
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(("name", "code"), [("train", 78), ("serve", 78)])
def test_a_file_that_is_not_there_is_told_in_one_sentence(
    name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert PROGRAMS[name](["/nope.json"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("/nope.json: cannot be read (No such file or directory); give a ")
    assert f"`penstock {name} --help`" in line


def test_the_files_of_a_plan_are_what_the_help_says(tmp_path: Path) -> None:
    plan: dict[str, Any] = json.loads(json.dumps(as_form(plan_stack(read_file("local"), "local", NOW))))
    job, config = tmp_path / "job.json", tmp_path / "serve.json"
    job.write_text(json.dumps(plan["job"][0]["job"]))
    config.write_text(json.dumps(plan["service"][0]["config"]))
    assert read_job(job).training.steps == 300
    assert read_config(config).port == 8000
    assert "jq '.job[0].job'" in launch.EXAMPLE
    assert "jq '.service[0].config'" in serve.EXAMPLE
