"""A volume that is full, told as what it is: nothing that a run writes about itself gets through then."""

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from components.files import tail, words_for_bytes

ERRORS = (errno.ENOSPC, errno.EDQUOT)
LEAST_FREE_BYTES = 2**20
"""Below this no run gets on: its status, metrics and logs need more in a minute."""
LAST_LINES = 40


def fullness(run_folder: Path) -> str:
    """`the volume is full (0 B free)` where that is so, or was when the run's programs wrote last; else empty."""
    free = shutil.disk_usage(run_folder).free
    if free < LEAST_FREE_BYTES or any(_says_full(log) for log in _newest_logs(run_folder / "logs")):
        return f"the volume is full ({words_for_bytes(free)} free)"
    return ""


def _newest_logs(logs: Path) -> Iterable[Path]:
    yield from (logs / "supervisor.log", logs / "agent.log")
    attempts = [path for path in logs.glob("attempt-*") if path.name.partition("-")[2].isdigit()]
    newest = max(attempts, key=lambda path: int(path.name.partition("-")[2]), default=None)
    yield from newest.glob("rank-*.log") if newest else ()


def _says_full(log: Path) -> bool:
    return any(os.strerror(number) in tail(log, LAST_LINES) for number in ERRORS)
