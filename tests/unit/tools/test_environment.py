"""The environment of a checkout: complete and current, or the one that was there.

A checkout with a few small packages stands for the real one; they come from the installer's cache, which setting up
this checkout has filled.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tools import environment
from tools.cache import cache_root
from tools.environment import FULL, PLAN, ensure_environment, is_current, present_profile
from tools.steps import SetupError
from tools.uv import REQUIREMENTS, pinned_version

CHECKOUT = Path(environment.__file__).parent.parent
PACKAGES = ("editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers")
MORE = "xxhash"
"""A package that the full profile has on top."""
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "small"
version = "1"
[project.scripts]
small = "small:main"
"""


def pins(*packages: str) -> str:
    """The lines of requirements/all.txt for these packages, hashes and all."""
    text = (CHECKOUT / "requirements" / "all.txt").read_text()
    return "".join(re.findall(rf"^(?:{'|'.join(packages)})==.*\n(?:    .*\n)+", text, re.MULTILINE))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not (cache_root() / "tools" / f"uv-{pinned_version(REQUIREMENTS, 'uv')}").is_dir():
        pytest.skip("the installer is not in the cache; run `make setup` first")
    monkeypatch.setenv("UV_OFFLINE", "1")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "all.txt").write_text(pins(*PACKAGES, MORE))
    (tmp_path / "requirements" / "plan.txt").write_text(pins(*PACKAGES))
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "small.py").write_text("def main():\n    print('runs from', __file__)\n")
    return tmp_path


def small(checkout: Path) -> str:
    command = [checkout / ".venv" / "bin" / "small"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_it_is_made_once_and_runs_the_checkout(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It stays until a pin, the project file, the profile or the place of the checkout is another one."""
    assert not is_current(checkout)
    ensure_environment(checkout)
    assert is_current(checkout)
    assert present_profile(checkout) == FULL
    assert small(checkout) == f"runs from {checkout / 'small.py'}"
    (checkout / ".venv" / "mine").touch()
    ensure_environment(checkout)
    assert (checkout / ".venv" / "mine").exists()
    assert [path.name for path in (checkout / ".penstock").iterdir()] == ["setup.lock"]
    assert not is_current(checkout, PLAN)
    for name in ("requirements/all.txt", "pyproject.toml"):
        text = (checkout / name).read_text()
        (checkout / name).write_text(text + "# changed\n")
        assert not is_current(checkout), name
        (checkout / name).write_text(text)
    moved = tmp_path_factory.mktemp("moved") / "checkout"
    checkout.rename(moved)
    assert not is_current(moved)


def test_another_profile_is_made_anew_and_back(checkout: Path) -> None:
    ensure_environment(checkout, PLAN)
    assert present_profile(checkout) == PLAN
    assert is_current(checkout, PLAN)
    assert not is_current(checkout)
    assert not list(checkout.glob(f".venv/lib/python*/site-packages/{MORE}*"))
    (checkout / ".venv" / "mine").touch()
    ensure_environment(checkout)
    assert present_profile(checkout) == FULL
    assert list(checkout.glob(f".venv/lib/python*/site-packages/{MORE}*"))
    assert not (checkout / ".venv" / "mine").exists()


def test_a_failure_leaves_the_one_that_was_there(checkout: Path) -> None:
    ensure_environment(checkout)
    forged = re.sub(r"sha256:[0-9a-f]{4}", "sha256:0000", pins(*PACKAGES))
    (checkout / "requirements" / "all.txt").write_text(forged)
    with pytest.raises(SetupError):
        ensure_environment(checkout)
    assert not is_current(checkout)
    assert small(checkout).startswith("runs from")
    assert [path.name for path in (checkout / ".penstock").iterdir()] == ["setup.lock"]
