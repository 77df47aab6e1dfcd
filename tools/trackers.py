"""Installs W&B and MLflow into the checkout's environment: `python -m tools.trackers`, for runs and tests with them.

`make setup` leaves them out. Nothing else changes: requirements/trackers.txt has the versions of requirements/all.txt.
"""

import sys
from pathlib import Path

from tools import environment
from tools.steps import SetupError, run
from tools.uv import installer_environment, uv

CHECKOUT = Path(__file__).resolve().parent.parent
REQUIREMENTS = CHECKOUT / "requirements" / "trackers.txt"


def main() -> int:
    """0 when they are there at their pinned versions; else one sentence on stderr and 1 (130 when interrupted)."""
    try:
        if environment.present_profile(CHECKOUT) != environment.FULL:
            raise SetupError("trackers come on top of the full environment; run `make setup` first")
        python = CHECKOUT / ".venv" / "bin" / "python"
        options: list[str | Path] = ["--python", python, "--compile-bytecode", "--require-hashes", "-r", REQUIREMENTS]
        what = "installing trackers"
        run([uv(), "pip", "install", *options], what=what, env=installer_environment(), show=environment.phase)
    except SetupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run it again to go on\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
