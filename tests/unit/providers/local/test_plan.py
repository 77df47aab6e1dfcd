"""Places that no volume and no text can be: told by the plan, before anything looks at the disk."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from components.spec.stack import parse_stack
from stacks.plan import plan_stack
from tests.clock import NOW


def mistakes(**parts: Any) -> list[str]:
    """The problems of a stack of this machine with these parts."""
    config = {"cluster": {"cloud": "local", "nodePools": [{"name": "here", "machineType": "this-machine"}]}, **parts}
    try:
        plan_stack(parse_stack({f"penstock:{key}": value for key, value in config.items()}, "x"), "mine", NOW)
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", "/ holds more than a volume; give a folder of its own below it, such as /penstock"),
        ("~", "/home/somebody holds more than a volume; give a folder .* /home/somebody/penstock"),
        ("~/runs/..", "/home/somebody holds more than a volume"),
        ("/home", "/home holds more than a volume"),
        ("runs", "'runs' is not an absolute path, or one that begins with ~"),
        ("~nouser/x", "'~nouser/x': this machine has no user 'nouser'; correct the name, or give an absolute path"),
        ("/a\0b", '"/a.u0000b" is not an absolute path'),
    ],
)
def test_a_volume_in_a_place_of_others_is_refused(path: str, said: str) -> None:
    (mistake,) = mistakes(storage={"volume": {"path": path}})
    assert re.match(f"storage.volume.path: .*{said}", mistake), mistake


@pytest.mark.parametrize("path", ["~/runs", "/home/somebody/runs", "/data/../srv/runs"])
def test_a_folder_of_ones_own_is_taken(path: str) -> None:
    assert mistakes(storage={"volume": {"path": path}}) == []


@pytest.mark.parametrize(
    ("files", "said"), [("~nouser/x", "this machine has no user 'nouser'"), ("texts/*.txt", "is not an absolute path")]
)
def test_a_text_at_no_place_is_refused(files: str, said: str) -> None:
    (mistake,) = mistakes(training={"data": {"text": {"files": files}}})
    assert mistake.startswith("training.data.text.files: ")
    assert said in mistake


@pytest.mark.parametrize(("path", "said"), [("~nouser/x", "no user 'nouser'"), ("runs/a", "is not an absolute path")])
def test_a_model_at_no_place_is_refused(path: str, said: str) -> None:
    (mistake,) = mistakes(inference={"model": {"path": path}})
    assert mistake.startswith("inference.model.path: ")
    assert said in mistake


def test_an_empty_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user database has a home then; `/.local` is nobody's."""
    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    config = {"penstock:cluster": {"cloud": "local", "nodePools": [{"name": "here", "machineType": "this-machine"}]}}
    path = Path(plan_stack(parse_stack(config, "x"), "mine", NOW).cluster.volume.path)
    assert path.parts[-4:] == (".local", "share", "penstock", "mine")
    assert len(path.parts) > 5


def test_a_relative_data_home_is_left_out_as_its_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    config = {"penstock:cluster": {"cloud": "local", "nodePools": [{"name": "here", "machineType": "this-machine"}]}}
    plan = plan_stack(parse_stack(config, "x"), "mine", NOW)
    assert plan.cluster.volume.path == "/home/somebody/.local/share/penstock/mine"
