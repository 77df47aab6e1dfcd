"""The Pulumi project that a command is about, and its stack files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml

from components.errors import PenstockError

PROJECT_FILE = "Pulumi.yaml"
CHECKOUT = Path(__file__).parent.parent
"""The folder of penstock's own packages. It is a project too, unless they were installed."""

_STACK_FILE = re.compile(r"Pulumi\.(.+)\.yaml")
_STARTS_PENSTOCK = re.compile(r"^\s*(?:import|from)\s+stacks\b", re.MULTILINE)


class ProjectError(PenstockError):
    """A file of the project that is missing or cannot be read, and the remedy."""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{file}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The content of a Pulumi.yaml, as far as it says where things lie."""

    folder: Path
    name: str
    program: Path
    """The folder of the program, or its file."""
    stack_folder: Path

    @property
    def is_penstocks(self) -> bool:
        """True where the program is penstock's own, which builds what a stack file says."""
        file = self.program / "__main__.py" if self.program.is_dir() else self.program
        return file.is_file() and bool(_STARTS_PENSTOCK.search(file.read_text(encoding="utf-8", errors="replace")))

    def stacks(self) -> list[str]:
        """Every stack that has a file, in alphabetical order."""
        names = (_STACK_FILE.fullmatch(path.name) for path in self.stack_folder.glob("Pulumi.*.yaml"))
        return sorted(name[1] for name in names if name)

    def stack_file(self, stack: str) -> Path:
        """The file of that stack; PenstockError that lists the stacks when there is none."""
        path = self.stack_folder / f"Pulumi.{stack}.yaml"
        if path.is_file():
            return path
        if path.exists() or path.is_symlink():
            raise PenstockError(f"stack '{stack}': {_shown(path)} is not a file; put a stack file in its place")
        known = self.stacks()
        close = get_close_matches(stack, known, n=1)
        there = f"there is {', '.join(known)}; a copy of one is a new stack" if known else "write it"
        hint = f"did you mean '{close[0]}'?" if close else there
        raise PenstockError(f"stack '{stack}': {_shown(path)} does not exist; {hint}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """One stack's file. `project` is None where the file does not lie where its project's stacks do."""

    name: str
    path: Path
    project: Project | None


def read_project(folder: Path) -> Project:
    """The project in that folder; ProjectError where it has no Pulumi.yaml that the engine could read."""
    file = folder / PROJECT_FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProjectError(file, f"{error.strerror}; run this in the project's folder") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ProjectError(file, f"is not YAML: {error}") from error
    settings = content if isinstance(content, Mapping) else {}
    name = settings.get("name")
    if not isinstance(name, str):
        raise ProjectError(file, "has no name; add `name: penstock`")
    return Project(
        folder=folder,
        name=name,
        program=folder / str(settings.get("main") or "."),
        stack_folder=folder / str(settings.get("stackConfigDir") or "."),
    )


def nearest_project(folder: Path) -> Project | None:
    """The project of the folder: that of the nearest Pulumi.yaml upwards. None where there is none."""
    here = folder.resolve()
    return next((read_project(above) for above in (here, *here.parents) if (above / PROJECT_FILE).is_file()), None)


def find_project() -> Project:
    """The project of the current folder, else the checkout's."""
    if project := nearest_project(Path.cwd()):
        return project
    if (CHECKOUT / PROJECT_FILE).is_file():
        return read_project(CHECKOUT)
    raise PenstockError(
        f"no Pulumi project here: {Path.cwd()} and the folders above it hold no {PROJECT_FILE}; go to the folder of "
        "one, or make one as docs/own-project.md shows"
    )


def find_stack(stack: str) -> StackFile:
    """The file of a stack of the current folder's project. A stack file's path is taken for its name."""
    path = Path(stack)
    if not (path.suffix == ".yaml" and path.is_file()):
        if "/" in stack or path.suffix == ".yaml":
            raise PenstockError(f"{stack}: no such stack file; give a stack's name, or the path of its file")
        project = find_project()
        return StackFile(name=stack, path=project.stack_file(stack), project=project)
    name = _STACK_FILE.fullmatch(path.name)
    if name is None:
        raise PenstockError(f"{path}: a stack file is named Pulumi.STACK.yaml; rename it")
    nearest, folder = nearest_project(path.parent), path.parent.resolve()
    own = nearest if nearest and nearest.stack_folder.resolve() == folder else None
    return StackFile(name=name[1], path=path, project=own)


def _shown(path: Path) -> str:
    """The path as a user would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
