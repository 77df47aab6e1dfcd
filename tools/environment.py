"""The checkout's Python environment, .venv: complete and current, or untouched."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

from tools.cache import locked
from tools.steps import SetupError, run
from tools.uv import installer_environment, uv

STAMP = "penstock-setup.json"
NEEDED_GIB = (
    8  # torch with its accelerator libraries takes 5.3 GB, once in the installer's cache; links from there are free
)


def ensure_environment(checkout: Path) -> Path:
    """`checkout`/.venv with exactly the pinned requirements, and penstock itself, editable.

    Made anew in a temporary folder and renamed into place, so an interrupted run leaves the environment that was there.
    """
    environment = checkout / ".venv"
    if not is_current(checkout):
        with locked(checkout / ".penstock" / "setup.lock", what=".venv"):
            if not is_current(checkout):
                _make(checkout, environment)
    return environment


def is_current(checkout: Path) -> bool:
    """Whether the environment was completed for these very requirements, this project file and this Python."""
    try:
        stamp = json.loads((checkout / ".venv" / STAMP).read_text())
    except (OSError, ValueError):
        return False
    return bool(stamp == _stamp(checkout)) and (checkout / ".venv" / "bin" / "python").exists()


def _stamp(checkout: Path) -> dict[str, str]:
    files = ("requirements/all.txt", "pyproject.toml")
    hashes = {name: hashlib.sha256((checkout / name).read_bytes()).hexdigest() for name in files}
    return hashes | {"python": sys.version.split()[0], "checkout": str(checkout)}


def _make(checkout: Path, environment: Path) -> None:
    fresh, old = (checkout / ".penstock" / name for name in ("venv-new", "venv-old"))
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    try:
        _fill(checkout, fresh)
        if environment.exists():
            environment.rename(old)
        fresh.rename(environment)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _fill(checkout: Path, fresh: Path) -> None:
    env = installer_environment()
    run(
        [uv(), "venv", "--quiet", "--relocatable", "--python", sys.executable, fresh],
        what="making the environment",
        env=env,
    )
    install: list[str | Path] = [uv(), "pip", "install", "--python", fresh / "bin" / "python"]
    # Compiled once here, or every process that imports torch compiles for seconds where it may not write.
    requirements: list[str | Path] = ["--compile-bytecode", "--require-hashes", "-r"]
    _install([*install, *requirements, checkout / "requirements" / "all.txt"], env, checkout)
    run(
        [*install, "--offline", "--no-deps", "--no-build-isolation", "--editable", checkout],
        what="installing penstock",
        env=env,
        cwd=checkout,
    )
    (fresh / STAMP).write_text(json.dumps(_stamp(checkout)))


def _install(command: list[str | Path], env: dict[str, str], checkout: Path) -> None:
    """From the installer's cache alone where it has everything, else over the network."""
    try:
        run([*command, "--offline"], what="installing the requirements from the cache", env=env)
    except SetupError:
        free_gib = shutil.disk_usage(checkout).free / 2**30
        if free_gib < NEEDED_GIB:
            raise SetupError(
                f"the requirements need {NEEDED_GIB} GiB of disk, {free_gib:.1f} GiB are free at {checkout}; "
                "free some space and run it again"
            ) from None
        run(command, what="downloading the requirements (once)", env=env)
