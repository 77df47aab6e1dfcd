"""Version of the accelerator driver that runs on a node, against the least that its accelerators need."""

import re
from pathlib import Path

TOLD = Path("/proc/driver/nvidia/version")
"""The kernel's own word on the NVIDIA driver, which every container may read."""
_VERSION = re.compile(r"Kernel Module\b.*?\s(\d+(?:\.\d+)+)\s")


def driver_below(least: str, told: Path = TOLD) -> str:
    """Reason why this node's driver will not do; empty where it is `least` or later."""
    try:
        found = _VERSION.search(told.read_text())
    except OSError:
        return f"no NVIDIA driver is loaded, and its accelerators need {least}"
    if found is None:
        return f"the version of its NVIDIA driver is not told in {told}, and its accelerators need {least}"
    if _number(found[1]) < _number(least):
        return f"its NVIDIA driver is {found[1]}, and its accelerators need {least}"
    return ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
