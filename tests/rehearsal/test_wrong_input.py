"""A user's mistakes under the real engine: one message with path, value and remedy; no traceback; nothing made."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from engine.cli import Engine, throwaway
from stacks.config import read_engine, stack_file
from tests.properties.stack_cases import Case, read_cases, told, told_by_plan

LOCAL = "local"

pytestmark = pytest.mark.usefixtures("pulumi")


@contextmanager
def local_stack(repository: Path, folder: Path, **parts: Any) -> Iterator[Engine]:
    """The shipped stack with some of its parts replaced, its data in the test's folder."""
    content = yaml.safe_load(stack_file(LOCAL).path.read_text())
    changes = {"storage": {"volume": {"path": str(folder / "volume")}}, **parts}
    content["config"] |= {f"penstock:{key}": value for key, value in changes.items()}
    config = folder / "stack.yaml"
    config.write_text(yaml.safe_dump(content))
    with throwaway(repository, config_file=config) as engine:
        engine.stack_init(LOCAL)
        yield engine


def refusal(repository: Path, folder: Path, **parts: Any) -> str:
    """Message of `up`, after a look that it failed in order and made nothing."""
    with local_stack(repository, folder, **parts) as engine:
        result = engine.up(LOCAL)
        made = [resource for resource in engine.export_state(LOCAL).resources if resource.id]
    assert not result.ok
    assert made == []
    assert not (folder / "volume").exists()
    assert "Traceback" not in result.output
    return "\n".join(result.errors)


def test_mistakes_of_the_description(repository: Path, tmp_path: Path) -> None:
    message = refusal(
        repository, tmp_path, training={"stepz": 5, "steps": 0, "model": {"heads": "four"}}, trainig={"steps": 1}
    )
    assert "Pulumi.local.yaml: 4 problems, nothing was created" in message
    assert "penstock:trainig: unknown key; did you mean 'penstock:training'?" in message
    assert "training.stepz: unknown key; did you mean 'steps'?" in message
    assert "training.steps: 0 is out of range; 1 or more is right" in message
    assert "training.model.heads: 'four' is not a whole number" in message


def test_what_stands_in_the_way_on_this_machine(repository: Path, tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        missing = str(tmp_path / "no-such-folder")
        message = refusal(
            repository, tmp_path, training={"data": {"text": {"files": missing}}}, inference={"port": port}
        )
    assert f"training.data.text.files: '{missing}': does not exist" in message
    assert f"inference.port: 127.0.0.1:{port} cannot be listened on" in message
    assert "choose another port" in message


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Engine]:
    """An engine that reads stack files for a project of penstock's name."""
    (tmp_path / "Pulumi.yaml").write_text("{name: penstock, runtime: python}")
    with throwaway(tmp_path) as engine:
        engine.stack_init("case").require_ok()
        yield engine


def read_by(engine: Engine, file: Path) -> dict[str, str] | None:
    """Configuration that the engine hands to a program of the file; None where it refuses the file. `pulumi config`
    reads as `up`.
    """
    result = engine._run(["config", "--json", "--stack", "case", "--config-file", str(file)])
    assert "panic" not in result.output
    if not result.ok:
        return None
    _warnings, brace, rest = result.output.partition("{")
    return {key: entry.get("value", "") for key, entry in json.loads(brace + rest).items()}


def of_the_engine() -> list[Case]:
    """A tenth of all, and more of the kinds in which the engine has a say."""
    cases = read_cases()
    own = [case for case in cases if case.kind in ("yaml", "prefix", "file")]
    return list(dict.fromkeys([*cases[::12], *own[::4]]))


def test_the_engine_and_its_program_judge_as_the_plan_does(
    reader: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "Pulumi.case.yaml"
    monkeypatch.setattr(pulumi, "get_stack", lambda: "case")
    monkeypatch.setattr(pulumi, "get_project", lambda: "penstock")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    otherwise = {}
    for case in of_the_engine():
        file.write_text(case.text)
        config, planned = read_by(reader, file), told_by_plan(file)
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
        by_program = told(read_engine) if config is not None else ["refused by the engine"]
        same_words = config is not None and not "".join(planned).startswith("config: is required")
        if (by_program != planned) if same_words else not (by_program and planned):
            otherwise[case.raw] = (by_program, planned)
    assert otherwise == {}
