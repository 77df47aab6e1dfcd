"""The policy pack under the real engine."""

from pathlib import Path

import pytest
import yaml

from rehearsal.engine.cli import Engine, throwaway
from stacks.config import stack_file

LOCAL = "local"


def preview(repository: Path, folder: Path, host: str) -> tuple[bool, str]:
    """A preview of the local stack with the server on that address, and what it printed."""
    content = yaml.safe_load(stack_file(LOCAL).read_text())
    content["config"]["penstock:storage"] = {"volume": {"path": str(folder / "volume")}}
    content["config"]["penstock:inference"] = {"host": host, "port": 18765}
    config = folder / "stack.yaml"
    config.write_text(yaml.safe_dump(content))
    with throwaway(repository, config_file=config) as engine:
        engine.stack_init(LOCAL)
        result = engine.preview(LOCAL)
    return result.ok, result.output


@pytest.mark.usefixtures("pulumi")
def test_an_open_server_is_reported_and_not_forbidden(repository: Path, tmp_path: Path) -> None:
    ok, output = preview(repository, tmp_path, "0.0.0.0")  # noqa: S104 - what the policy speaks of
    assert ok, output
    assert "[advisory]  loopback-only" in output
    assert "it listens on 0.0.0.0, where others can reach it" in output


@pytest.mark.usefixtures("pulumi")
def test_the_shipped_stack_keeps_every_rule(repository: Path, tmp_path: Path) -> None:
    ok, output = preview(repository, tmp_path, "127.0.0.1")
    assert ok, output
    assert "advisory" not in output
    assert "penstock@" in output, "the pack was run"


PROGRAM = """
import pulumi

class Account(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("tests:index:Account", "account", {"password": "hunter2"}, remote=False)

Account()
"""


def test_a_plain_secret_is_forbidden(pulumi: Path, repository: Path, tmp_path: Path) -> None:
    runtime = {"name": "python", "options": {"virtualenv": str(repository / ".venv")}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "plain", "runtime": runtime}))
    (tmp_path / "__main__.py").write_text(PROGRAM)
    for shared in ("policies", ".venv"):
        (tmp_path / shared).symlink_to(repository / shared)
    engine: Engine
    with throwaway(tmp_path) as engine:
        engine.stack_init("dev")
        result = engine.preview("dev")
    assert not result.ok
    assert "[mandatory]  no-plaintext-secret" in result.output
    assert "password is plain text of 7 characters" in result.output
    assert "hunter2" not in result.output
