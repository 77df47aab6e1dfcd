"""Stack files: found, read, and refused with one message."""

import json
from pathlib import Path

import pytest

from components.errors import PenstockError, SpecError
from components.project import CHECKOUT, read_project
from stacks import config


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose program is penstock's, with one stack, `mine`."""
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.yaml").write_text("name: infrastructure\n")
    Path("__main__.py").write_text("import stacks.__main__\n")
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text("config:\n  penstock:cluster: {cloud: local, nodePools: [{name: a, machineType: this-machine}]}\n")
    return file


def test_a_stack_file_is_read(stack: Path) -> None:
    assert config.read_file("mine").cluster.node_pools[0].name == "a"


def test_a_missing_stack_names_the_closest(stack: Path) -> None:
    with pytest.raises(PenstockError, match="did you mean 'mine'"):
        config.read_file("mime")


def test_a_missing_stack_lists_those_that_exist(stack: Path) -> None:
    with pytest.raises(PenstockError, match="there is mine"):
        config.read_file("production")


def test_what_is_not_yaml_is_refused_with_its_line(stack: Path) -> None:
    stack.write_text("config:\n  penstock:cluster: {cloud: local\n")
    with pytest.raises(PenstockError, match=r"Pulumi\.mine\.yaml is not YAML that the engine takes: line 3"):
        config.read_file("mine")


def test_a_key_given_twice_is_refused(stack: Path) -> None:
    stack.write_text(stack.read_text() + "  penstock:training: {steps: 1, steps: 2}\n")
    with pytest.raises(PenstockError, match=r"line 3, column 33: 'steps' is given twice"):
        config.read_file("mine")


def test_what_is_not_text_is_refused(stack: Path) -> None:
    stack.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PenstockError, match="is not YAML"):
        config.read_file("mine")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is required and missing"),
        ("config:\n", "is required and missing"),
        ("- a\n", "is required and missing"),
        ("config: []\n", r"\[\] is not a mapping"),
    ],
)
def test_a_file_without_configuration_is_refused(stack: Path, content: str, problem: str) -> None:
    stack.write_text(content)
    with pytest.raises(SpecError, match=f"config: {problem}: penstock's keys stand under it"):
        config.read_file("mine")


def test_the_engine_hands_objects_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = '{"cloud":"local","nodePools":[{"name":"a","machineType":"this-machine"}]}'
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"penstock:cluster": cluster, "mine:region": "x"}))
    assert config.read_engine().cluster.cloud == "local"


def test_every_shipped_stack_is_read() -> None:
    # Another test may have a stack of its own there at this very moment.
    names = [name for name in read_project(CHECKOUT).stacks() if not name.startswith("tests-")]
    assert "local" in names
    for name in names:
        config.read_file(name)
