"""Profiles: which one a target of the Makefile gets, and what it says where that lacks something."""

import json
import re
from pathlib import Path

import pytest

from tools import ray, setup
from tools.environment import STAMP, phase
from tools.setup import main
from tools.steps import SetupError
from tools.uv import pinned_version


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(setup, "CHECKOUT", tmp_path)
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The profiles that were asked for, in place of making them."""
    asked: list[str] = []

    def set_up(profile: str) -> int:
        asked.append(profile)
        return 0

    monkeypatch.setattr(setup, "_set_up", set_up)
    return asked


def stamp(checkout: Path, **content: str) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / STAMP).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("there", "asked", "profile"),
    [
        ("", [], "full"),
        ("", ["plan"], "plan"),
        ("", ["present"], "full"),
        ("", ["whole"], "full"),
        ("plan", ["full"], "full"),
        ("plan", ["present"], "plan"),
        ("full", ["plan"], "plan"),
        ("full", ["present"], "full"),
        ("full", ["whole"], "full"),
    ],
)
def test_profiles(checkout: Path, made: list[str], there: str, asked: list[str], profile: str) -> None:
    if there:
        stamp(checkout, profile=there)
    assert main(asked) == 0
    assert made == [profile]


def test_what_needs_the_full_profile_says_so(
    checkout: Path, made: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stamp(checkout, profile="plan")
    assert main(["whole"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "PROFILE=plan" in said
    assert "`make setup` brings them" in said
    assert not made


def test_an_unknown_profile(checkout: Path, made: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pln"]) == 1
    assert capsys.readouterr().err == "error: PROFILE=pln is not known; take full or plan\n"
    assert not made


def test_an_environment_from_before_there_were_profiles_is_made_anew(checkout: Path, made: list[str]) -> None:
    stamp(checkout, python="3.11.7")
    assert main(["present"]) == 0
    assert made == ["full"]


def test_every_target_that_needs_the_full_profile_asks_for_it(repository: Path) -> None:
    """A target that runs tests, figures or the demo; the others do with what is there."""
    makefile = (repository / "Makefile").read_text()
    modes = {
        target: mode
        for targets, mode in re.findall(r"^([a-z -]+): MODE = (\w+)$", makefile, re.MULTILINE)
        for target in targets.split()
    }
    need_setup = re.findall(r"^([a-z-]+):[^=\n]*\bsetup\b", makefile, re.MULTILINE)
    assert set(modes) == set(need_setup)
    assert {target for target, mode in modes.items() if mode == "present"} == {"rehearse", "lab", "schema"}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Resolved 197 packages in 1s\n", "downloading and unpacking 197 packages"),
        ("Installed 197 packages in 3.73s\n", "compiling 197 packages"),
        ("Downloading torch (900.0MiB)\n", "Downloading torch (900.0MiB)"),
    ],
)
def test_the_phase_of_an_installation(line: str, shown: str) -> None:
    assert phase(line).startswith(shown)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of the installer."""
    commands: list[list[str]] = []
    monkeypatch.setattr(ray, "uv", lambda: Path("/uv"))
    monkeypatch.setattr(ray, "installer_environment", dict)
    monkeypatch.setattr(ray, "run", lambda command, **_: commands.append([str(part) for part in command]))
    return commands


def test_ray_comes_on_top_of_the_full_profile(checkout: Path, installed: list[list[str]]) -> None:
    stamp(checkout, profile="full")
    ray.ensure_ray(checkout / ".venv")
    (command,) = installed
    assert command[:3] == ["/uv", "pip", "install"]
    assert "--require-hashes" in command
    assert command[-1] == str(ray.REQUIREMENTS)


def test_ray_that_is_there_is_not_installed_again(checkout: Path, installed: list[list[str]]) -> None:
    stamp(checkout, profile="full")
    packages = checkout / ".venv" / "lib" / "python3.11" / "site-packages"
    (packages / "ray-1.0.0.dist-info").mkdir(parents=True)
    ray.ensure_ray(checkout / ".venv")
    assert len(installed) == 1, "another version"
    (packages / f"ray-{pinned_version(ray.REQUIREMENTS, 'ray')}.dist-info").mkdir()
    ray.ensure_ray(checkout / ".venv")
    assert len(installed) == 1


def test_ray_does_not_come_on_top_of_another_profile(checkout: Path, installed: list[list[str]]) -> None:
    stamp(checkout, profile="plan")
    with pytest.raises(SetupError, match="run `make setup` first"):
        ray.ensure_ray(checkout / ".venv")
    assert not installed
