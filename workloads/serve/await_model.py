"""Waits for the model of a run, for engines that cannot: `python -m workloads.serve.await_model FOLDER LINK`.

FOLDER is a run's folder or a model's; LINK becomes a link to the newest model in it, and the process ends with 0.
"""

import signal
import sys
import time
from pathlib import Path

from workloads.model.export import newest_export

WAIT_EVERY_S = 5.0


def await_model(folder: Path, link: Path, every_s: float = WAIT_EVERY_S) -> Path:
    """The newest finished export, once there is one; `link` leads to it."""
    told = False
    while True:
        try:
            found = newest_export(folder)
        except FileNotFoundError:
            if not told:
                sys.stdout.write(f"waiting for a model in {folder}\n")
                sys.stdout.flush()
                told = True
            time.sleep(every_s)
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(found)
        return found


if __name__ == "__main__":
    # The first process of a container does not end at SIGTERM by itself.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    sys.stdout.write(f"{await_model(Path(sys.argv[1]), Path(sys.argv[2]))}\n")
