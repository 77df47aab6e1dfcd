"""Findings of mypy are kept for the next checkout; a run that failed keeps nothing."""

import sys
from pathlib import Path

import pytest

from tools.typecheck import main

MYPY = """
import sys
from pathlib import Path
cache = Path(".mypy_cache")
print("warm" if cache.exists() else "cold", flush=True)
cache.mkdir(exist_ok=True)
(cache / "found").touch()
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PENSTOCK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def checkout(folder: Path, settings: str = "") -> Path:
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "all.txt").touch()
    (folder / "pyproject.toml").write_text(settings)
    return folder


def run(folder: Path, status: int, capfd: pytest.CaptureFixture[str]) -> str:
    assert main(folder, (sys.executable, "-c", MYPY, str(status))) == status
    return capfd.readouterr().out.strip()


def test_another_checkout_begins_with_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(checkout(tmp_path / "one"), 0, capfd) == "cold"
    assert run(checkout(tmp_path / "two"), 0, capfd) == "warm"
    assert (tmp_path / "two" / ".mypy_cache" / "found").exists()


def test_a_failure_is_not_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(checkout(tmp_path / "one"), 1, capfd) == "cold"
    assert run(checkout(tmp_path / "two"), 0, capfd) == "cold"


def test_other_settings_take_the_place_of_the_old(
    tmp_path: Path, cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(checkout(tmp_path / "one"), 0, capfd)
    assert run(checkout(tmp_path / "two", settings="[tool.mypy]"), 0, capfd) == "cold"
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1
