"""Choice of a pulumi, and the note about it for an environment."""

import re
from pathlib import Path

import pytest

from tools import PULUMI_VERSION, engine
from tools.engine import LAUNCHER, PROGRAMS, ensure_engine, is_current

CHECKOUT = Path(engine.__file__).parent.parent


def install(folder: Path, version: str, *, programs: tuple[str, ...] = PROGRAMS) -> Path:
    """A folder of programs; `pulumi` is one that prints this version, as the real one does."""
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).write_text(f"#!/bin/sh\necho v{version}\n")
        (folder / program).chmod(0o755)
    return folder


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment and a warm cache; PATH has nothing yet but the system's."""
    monkeypatch.setenv("PENSTOCK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    cached = install(tmp_path / "cache" / "tools" / f"pulumi-{PULUMI_VERSION}", PULUMI_VERSION)
    (cached / "pulumi-language-python").write_text(LAUNCHER)
    bin_folder = tmp_path / "venv" / "bin"
    bin_folder.mkdir(parents=True)
    return bin_folder.parent


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_version_is_the_same_everywhere() -> None:
    pins = {
        "requirements/run.in": rf"^pulumi=={PULUMI_VERSION}$",
        "requirements/all.txt": rf"^pulumi=={PULUMI_VERSION} ",
        "pyproject.toml": f'"pulumi=={PULUMI_VERSION}"',
        "tools/pulumi/go.mod": f"require github.com/pulumi/pulumi/pkg/v3 v{PULUMI_VERSION}",
    }
    for file, pattern in pins.items():
        assert re.search(pattern, (CHECKOUT / file).read_text(), re.MULTILINE), file


def test_a_complete_engine_of_the_version_on_path_wins(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = install(tmp_path / "own", PULUMI_VERSION)
    put_on_path(own, monkeypatch)
    assert ensure_engine(environment) == own
    assert (environment / "bin" / "pulumi").resolve() == own / "pulumi"
    assert is_current(environment)


@pytest.mark.parametrize(
    ("version", "programs"),
    [("3.258.0", PROGRAMS), (PULUMI_VERSION, ("pulumi",))],
    ids=["another version", "no language host"],
)
def test_another_engine_on_path_is_passed_over(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, programs: tuple[str, ...]
) -> None:
    put_on_path(install(tmp_path / "own", version, programs=programs), monkeypatch)
    assert ensure_engine(environment).name == f"pulumi-{PULUMI_VERSION}"


def test_our_own_link_on_path_is_no_engine_of_the_user(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = ensure_engine(environment)
    put_on_path(environment / "bin", monkeypatch)
    assert ensure_engine(environment) == cached
    assert is_current(environment)


def test_links_of_an_older_version_are_not_current(environment: Path, tmp_path: Path) -> None:
    ensure_engine(environment)
    older = install(tmp_path / "cache" / "tools" / "pulumi-3.258.0", "3.258.0")
    link = environment / "bin" / "pulumi"
    link.unlink()
    link.symlink_to(older / "pulumi")
    assert not is_current(environment)
    ensure_engine(environment)
    assert is_current(environment)


def test_an_old_launcher_is_renewed(environment: Path) -> None:
    folder = ensure_engine(environment)
    (folder / "pulumi-language-python").write_text("#!/bin/sh\nexit 1\n")
    assert not is_current(environment)
    ensure_engine(environment)
    assert (folder / "pulumi-language-python").read_text() == LAUNCHER
    assert is_current(environment)


def test_no_environment_is_not_current(tmp_path: Path) -> None:
    assert not is_current(tmp_path)
