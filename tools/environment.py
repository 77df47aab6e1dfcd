"""The checkout's Python environment, .venv: complete and current, or untouched."""

import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.cache import locked
from tools.steps import SetupError, run
from tools.uv import installer_environment, uv

STAMP = "penstock-setup.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One choice of what is installed."""

    requirements: str
    needed_gib: float
    """Free disk for a first installation: the packages lie once in the installer's cache; links from there are free."""


FULL, PLAN = "full", "plan"
PROFILES = {
    FULL: Profile(requirements="requirements/all.txt", needed_gib=8),
    PLAN: Profile(requirements="requirements/plan.txt", needed_gib=2),
}


def ensure_environment(checkout: Path, profile: str = FULL) -> Path:
    """`checkout`/.venv with exactly the profile's pinned requirements, and penstock itself, editable.

    Made anew in a temporary folder and renamed into place, so an interrupted run leaves the environment that was there.
    """
    environment = checkout / ".venv"
    if not is_current(checkout, profile):
        with locked(checkout / ".penstock" / "setup.lock", what=".venv"):
            if not is_current(checkout, profile):
                _make(checkout, environment, profile)
    return environment


def is_current(checkout: Path, profile: str = FULL) -> bool:
    """True if the environment was completed for these very requirements, this project file and this Python."""
    stamp = _read_stamp(checkout)
    return stamp == _stamp(checkout, profile) and (checkout / ".venv" / "bin" / "python").exists()


def present_profile(checkout: Path) -> str:
    """The profile that the environment was made with; "" where there is none."""
    found = _read_stamp(checkout).get("profile", "")
    return found if found in PROFILES else ""


def _read_stamp(checkout: Path) -> dict[str, str]:
    try:
        stamp = json.loads((checkout / ".venv" / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _stamp(checkout: Path, profile: str) -> dict[str, str]:
    files = (PROFILES[profile].requirements, "pyproject.toml")
    hashes = {name: hashlib.sha256((checkout / name).read_bytes()).hexdigest() for name in files}
    return hashes | {"profile": profile, "python": sys.version.split()[0], "checkout": str(checkout)}


def _make(checkout: Path, environment: Path, profile: str) -> None:
    fresh, old = (checkout / ".penstock" / name for name in ("venv-new", "venv-old"))
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    try:
        _fill(checkout, fresh, profile)
        if environment.exists():
            environment.rename(old)
        fresh.rename(environment)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _fill(checkout: Path, fresh: Path, profile: str) -> None:
    env = installer_environment()
    run(
        [uv(), "venv", "--quiet", "--relocatable", "--python", sys.executable, fresh],
        what="making the environment",
        env=env,
    )
    install: list[str | Path] = [uv(), "pip", "install", "--python", fresh / "bin" / "python"]
    _install(install, checkout, PROFILES[profile])
    run(
        [*install, "--offline", "--no-deps", "--no-build-isolation", "--editable", checkout],
        what="installing penstock",
        env=env,
        cwd=checkout,
    )
    (fresh / STAMP).write_text(json.dumps(_stamp(checkout, profile)))


def _install(install: list[str | Path], checkout: Path, profile: Profile) -> None:
    """From the installer's cache alone where it has everything, else over the network."""
    # Compiled once here, or every process that imports torch compiles for seconds where it may not write.
    command = [*install, "--compile-bytecode", "--require-hashes", "-r", checkout / profile.requirements]
    env = installer_environment()
    try:
        run([*command, "--offline"], what="taking the requirements from the cache", env=env, show=phase)
    except SetupError:
        free_gib = shutil.disk_usage(checkout).free / 2**30
        if free_gib < profile.needed_gib:
            raise SetupError(
                f"the requirements need {profile.needed_gib:g} GiB of disk, {free_gib:.1f} GiB are free at {checkout}; "
                "free some space and run it again"
            ) from None
        run(command, what="installing the requirements", env=env, show=phase)


def phase(line: str) -> str:
    """The long phase that a line of the installer's begins, else the line: it is silent while it compiles."""
    words = line.split()
    if words[:1] == ["Resolved"]:
        return f"downloading and unpacking {words[1]} packages"
    if words[:1] == ["Installed"]:
        return f"compiling {words[1]} packages, the longest part"
    return line.strip()
