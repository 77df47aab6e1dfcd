"""How long the engine and the command line take, against an empty program and a bare interpreter."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.figures import Figure, alternate
from rehearsal.engine.cli import Engine, throwaway
from stacks.config import stack_file

CHECKOUT = Path(__file__).parent.parent


def figures() -> list[Figure]:
    """Preview of the local stack against an empty program; `penstock plan` and `--help` against the interpreter."""
    return [*_preview(), *_command_line()]


def _preview() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, _local(Path(folder)) as local, empty_program(Path(folder)) as empty:
        ours, floor = alternate(lambda: preview_s(local), lambda: preview_s(empty))
    note = f"{ours:.2f} s against {floor:.2f} s"
    return [Figure(what="preview of the local stack / of an empty program", value=ours / floor, at_most=1.5, note=note)]


def _command_line() -> list[Figure]:
    plan, usage, bare = alternate(
        lambda: run_s("-m", "penstock", "plan", "local"),
        lambda: run_s("-m", "penstock", "--help"),
        lambda: run_s("-c", "pass"),
        rounds=7,
    )
    return [
        Figure(what="penstock plan local", value=plan, unit="s", at_most=1.0, note=f"interpreter alone {bare:.2f} s"),
        Figure(what="penstock --help", value=usage, unit="s", at_most=0.3, note=f"interpreter alone {bare:.2f} s"),
    ]


def preview_s(engine: Engine, stack: str = "local") -> float:
    """How long the engine takes, its start and its policy pack included."""
    result = engine.preview(stack)
    assert result.ok, result.errors
    return result.seconds


def run_s(*arguments: str) -> float:
    """How long this interpreter takes with these arguments, in the checkout."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, capture_output=True, check=True)
    return time.perf_counter() - begin


@contextmanager
def _local(folder: Path) -> Iterator[Engine]:
    """The shipped stack, its data in a folder that does not exist yet."""
    content = yaml.safe_load(stack_file("local").path.read_text())
    content["config"]["penstock:storage"] = {"volume": {"path": str(folder / "volume")}}
    config = folder / "stack.yaml"
    config.write_text(yaml.safe_dump(content))
    with throwaway(CHECKOUT, config_file=config) as engine:
        engine.stack_init("local")
        yield engine


@contextmanager
def empty_program(folder: Path) -> Iterator[Engine]:
    """A program that does nothing but import the SDK, in the same environment."""
    project = folder / "empty"
    project.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}}
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "empty", "runtime": runtime}))
    (project / "__main__.py").write_text("import pulumi\n")
    with throwaway(project) as engine:
        engine.stack_init("local")
        yield engine
