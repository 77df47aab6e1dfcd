"""Exits of a worker and of an agent."""

from enum import IntEnum


class ExitCode(IntEnum):
    FINISHED = 0
    FAILED = 1
    """Worth starting again: a lost rank, a hung collective."""
    GAVE_UP = 70
    """Not worth starting again (sysexits EX_SOFTWARE)."""
    PREEMPTED = 75
    """Stopped on request, with a checkpoint (EX_TEMPFAIL)."""
    REFUSED = 78
    """The user's mistake; the message says which (EX_CONFIG)."""
