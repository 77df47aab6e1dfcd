"""A user's mistakes under the real engine: one message with path, value and remedy; no traceback; nothing made."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.engine.cli import Engine, throwaway
from stacks.config import stack_file

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
    """What `up` says, after a look that it failed in order and made nothing."""
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
    assert "Pulumi.local.yaml: 4 mistakes, nothing was created" in message
    assert "penstock:trainig: unknown key; did you mean 'penstock:training'?" in message
    assert "training.stepz: unknown key; did you mean 'steps'?" in message
    assert "training.steps: 0 is out of range; 1 or more is right" in message
    assert "training.model.heads: 'four' is not a whole number" in message


def test_what_this_machine_cannot_hold(repository: Path, tmp_path: Path) -> None:
    message = refusal(repository, tmp_path, training={"ranksPerNode": 2000, "nodes": 2, "batch": {"sequences": 4000}})
    assert "training.nodes: 2 nodes, but the pool 'here' has 1" in message
    assert "training.ranksPerNode: 2000 ranks need about" in message


def test_what_stands_in_the_way_on_this_machine(repository: Path, tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        missing = str(tmp_path / "no-such-folder")
        message = refusal(repository, tmp_path, training={"data": {"files": missing}}, inference={"port": port})
    assert f"training.data.files: '{missing}': does not exist" in message
    assert f"inference.port: 127.0.0.1:{port} cannot be listened on" in message
    assert "choose another port" in message


def test_a_service_without_a_model(repository: Path, tmp_path: Path) -> None:
    message = refusal(repository, tmp_path, training=None, inference={})
    assert "inference.model.fromTraining: this stack trains nothing" in message
