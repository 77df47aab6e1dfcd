"""Makes the checkout ready: the Python environment and the engine, in .venv and in the user's cache, nowhere else."""

import signal
import sys
from pathlib import Path

from tools import engine, environment
from tools.steps import SetupError

CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> int:
    """0 when the checkout is ready; else one sentence on stderr and 1 (130 when interrupted)."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _set_up()
    except SetupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"error: {error.filename or 'this machine'}: {error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was left half-made, run it again to go on\n")
        return 130


def _set_up() -> int:
    venv = CHECKOUT / ".venv"
    if environment.is_current(CHECKOUT) and engine.is_current(venv):
        return 0
    environment.ensure_environment(CHECKOUT)
    engine.ensure_engine(venv)
    sys.stderr.write("ready: source .venv/bin/activate\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
