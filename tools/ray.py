"""Installs Ray into the checkout's environment: `python -m tools.ray`, before a test that runs it.

`make setup` leaves it out. Nothing else changes: requirements/ray.txt has the versions of requirements/all.txt.
"""

import sys
from pathlib import Path

from tools import environment
from tools.steps import SetupError, run
from tools.uv import installer_environment, pinned_version, uv

CHECKOUT = Path(__file__).resolve().parent.parent
REQUIREMENTS = CHECKOUT / "requirements" / "ray.txt"


def main() -> int:
    """0 when Ray is there at its pinned version; else one sentence on stderr and 1 (130 when interrupted)."""
    try:
        ensure_ray(CHECKOUT / ".venv")
    except SetupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run it again to go on\n")
        return 130
    return 0


def ensure_ray(venv: Path) -> None:
    """Ray at its pinned version in the environment `venv`; nothing to do where it is there."""
    if is_installed(venv):
        return
    if environment.present_profile(venv.parent) != environment.FULL:
        raise SetupError("Ray comes on top of the full environment; run `make setup` first")
    python = venv / "bin" / "python"
    options: list[str | Path] = ["--python", python, "--compile-bytecode", "--require-hashes", "-r", REQUIREMENTS]
    run([uv(), "pip", "install", *options], what="installing Ray", env=installer_environment(), show=environment.phase)


def is_installed(venv: Path) -> bool:
    """True where the environment has Ray at the pinned version."""
    name = f"ray-{pinned_version(REQUIREMENTS, 'ray')}.dist-info"
    return any(venv.glob(f"lib/python*/site-packages/{name}"))


if __name__ == "__main__":
    sys.exit(main())
