"""The real engine on a project of the test's own."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from engine.cli import Engine, find_pulumi, throwaway
from engine.errors import CliMissingError

TINY = Path(__file__).parent / "tiny"


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyProject:
    """A copy of tests/rehearsal/tiny and an engine whose home and backend end with the test."""

    engine: Engine
    folder: Path
    stack_file: Path

    @property
    def file(self) -> Path:
        """The file that the one resource of the program is."""
        return self.folder / "file.json"

    def configure(self, **settings: str) -> None:
        """Writes the settings into the stack file, beside the file's path."""
        content = yaml.safe_load(self.stack_file.read_text())
        values = {"path": str(self.file)} | settings
        content["config"] = {f"tiny:{name}": value for name, value in values.items()}
        self.stack_file.write_text(yaml.safe_dump(content))


@pytest.fixture(scope="session")
def pulumi() -> Path:
    """The pinned pulumi command."""
    try:
        return find_pulumi()
    except CliMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def tiny(pulumi: Path, tmp_path: Path) -> Iterator[TinyProject]:
    """The tiny project with an initialised stack `dev`."""
    folder = tmp_path / "tiny"
    shutil.copytree(TINY, folder)
    stack_file = folder / "stacks" / "Pulumi.dev.yaml"
    stack_file.parent.mkdir()
    with throwaway(folder) as engine:
        project = TinyProject(engine=engine, folder=folder, stack_file=stack_file)
        assert engine.stack_init("dev").ok
        project.configure()
        yield project
