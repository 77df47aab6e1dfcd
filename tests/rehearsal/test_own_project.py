"""A project of a user's own, with penstock from its wheel, as docs/own-project.md describes it."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from tools.engine import PROGRAMS

SITE = f"lib/python{sysconfig.get_python_version()}/site-packages"


def documented(repository: Path) -> dict[str, str]:
    """The files that the page shows, by name."""
    text = (repository / "docs" / "own-project.md").read_text()
    blocks = re.findall(r"^`([\w.]+)`[^`]*(?:`[^`\n]+`[^`]*)*```\w+\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    return {name: body.replace("lib/python3.11/site-packages", SITE) for name, body in blocks}


@pytest.fixture(scope="module")
def environment(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it depends on, in which the checkout is not to be found."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=repository, check=True, capture_output=True)
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(environment / SITE)
    # A folder that is named in a .pth file has its own .pth files left alone: penstock's checkout is in one of them.
    (environment / SITE / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for program in PROGRAMS:
        link = Path(sys.executable).parent / program
        if link.exists():
            (environment / "bin" / program).symlink_to(link.resolve())
    return environment


@pytest.fixture
def own(environment: Path, repository: Path, tmp_path: Path) -> Path:
    """The folder with the page's files."""
    for name, text in documented(repository).items():
        (tmp_path / name).write_text(text)
    (tmp_path / ".venv").symlink_to(environment)
    return tmp_path


def penstock(own: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(own / ".venv" / "bin" / "python"), "-P", "-m", "penstock", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(command, cwd=cwd or own, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_page_shows_the_files_that_are_used_here(repository: Path) -> None:
    assert documented(repository).keys() == {"Pulumi.yaml", "__main__.py", "Pulumi.dev.yaml"}


def test_the_wheel_names_no_environment_of_the_checkout(environment: Path) -> None:
    site = environment / SITE
    for file in (site / "policies" / "PulumiPolicy.yaml", site / "plugin" / "PulumiPlugin.yaml"):
        assert yaml.safe_load(file.read_text())["runtime"] == {"name": "python"}


def test_its_own_stacks_are_planned(own: Path) -> None:
    (own / "notes").mkdir()
    shown = penstock(own, "plan", "dev", cwd=own / "notes")
    assert shown.returncode == 0, shown.stderr
    assert "g6e.8xlarge" in shown.stdout
    refused = penstock(own, "plan", "local")
    assert (
        refused.stderr
        == "stack 'local': Pulumi.local.yaml does not exist; there is dev; a copy of one is a new stack\n"
    )


def test_its_schema_is_written_beside_its_stacks(own: Path) -> None:
    shown = penstock(own, "schema")
    assert shown.stdout == f"wrote {own / 'stack.schema.json'}\n", shown.stderr


def test_without_a_project_one_sentence_says_what_to_do(own: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for command in (["plan", "dev"], ["rehearse", "preview", "dev"], ["schema"], ["lab", "status"]):
        shown = penstock(own, *command, cwd=elsewhere)
        assert shown.returncode == 1
        assert shown.stderr.startswith(f"no Pulumi project here: {elsewhere} and the folders above it hold no")
        assert shown.stderr.endswith("or make one as docs/own-project.md shows\n")


def test_its_program_is_previewed(own: Path, pulumi: Path) -> None:
    shown = penstock(own, "rehearse", "preview", "dev", "--json", "report.json")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.splitlines()[-1].startswith("OK: 1 phase did what it must; nothing was created")
    report = json.loads((own / "report.json").read_text())
    assert report["phases"][0]["created"] > 100
