"""Makes the checkout ready: the Python environment and the engine, in .venv and in the user's cache, nowhere else."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tools import engine, environment
from tools.environment import FULL, PLAN, PROFILES
from tools.steps import SetupError, status

CHECKOUT = Path(__file__).resolve().parent.parent
PRESENT = "present"
"""The profile that is there, the full one where there is none."""
WHOLE = "whole"
"""The full profile; refused where the user has chosen another."""


def main(arguments: Sequence[str]) -> int:
    """0 when the checkout is ready; else one sentence on stderr and 1 (130 when interrupted)."""
    return status(
        lambda: _set_up(_profile(arguments[0] if arguments else FULL)),
        "interrupted; nothing was left half-made, run it again to go on",
    )


def _profile(wanted: str) -> str:
    present = environment.present_profile(CHECKOUT)
    if wanted == WHOLE and present == PLAN:
        raise SetupError(
            "this checkout is set up to plan and rehearse only (PROFILE=plan), without torch and the tests' packages; "
            "`make setup` brings them"
        )
    if wanted == PRESENT:
        return present or FULL
    if wanted == WHOLE:
        return FULL
    if wanted not in PROFILES:
        raise SetupError(f"PROFILE={wanted} is not known; take {' or '.join(PROFILES)}")
    return wanted


def _set_up(profile: str) -> int:
    venv = CHECKOUT / ".venv"
    if environment.is_current(CHECKOUT, profile) and engine.is_current(venv):
        return 0
    environment.ensure_environment(CHECKOUT, profile)
    engine.ensure_engine(venv)
    sys.stderr.write("ready: source .venv/bin/activate\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
