"""Exits of a worker and of an agent."""

import atexit
import ctypes
import os
import signal
import sys
from enum import IntEnum
from typing import NoReturn


class ExitCode(IntEnum):
    FINISHED = 0
    FAILED = 1
    """Worth starting again: a lost rank, a hung collective."""
    EXHAUSTED = 69
    """Workers were lost again and again, no new checkpoint between: worth starting again elsewhere (EX_UNAVAILABLE)."""
    GAVE_UP = 70
    """Not worth starting again (sysexits EX_SOFTWARE)."""
    BROKEN_NODE = 71
    """Worth starting again, on another node: this one's accelerators fail a check (EX_OSERR)."""
    PREEMPTED = 75
    """Stopped on request, with a checkpoint (EX_TEMPFAIL)."""
    REFUSED = 78
    """The user's mistake; the message says which (EX_CONFIG)."""


def leave(code: int) -> NoReturn:
    """Ends this process with `code`, whatever torch's threads do meanwhile.

    The rendezvous' heartbeats run in a thread that torch stops only where the whole run is closed. Python's own end
    aborts the process (SIGABRT, exit -6) when it meets such a thread inside torch (seen on torch 2.15).
    """
    atexit._run_exitfuncs()  # noqa: SLF001  # what Python itself would run now; os._exit leaves it out
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent is gone (prctl(2), PR_SET_PDEATHSIG): no orphan trains on."""
    parent = os.getppid()
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ExitCode.FAILED)
