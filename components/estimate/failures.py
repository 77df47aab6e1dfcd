"""Failures that end a step of a large run, and the interval of checkpoints that loses the least to them.

Pure. The rate is one published run's, so a figure that follows from it is good for its order of magnitude.
"""

import math

FAILURES_PER_ACCELERATOR_HOUR = 419 / (54 * 24 * 16_384)
"""Unexpected interruptions of 16,384 H100 in 54 days: 2.0e-5, one in 50,700 hours of an accelerator (Llama Team, "The
Llama 3 Herd of Models", arXiv 2407.21783, section 3.3.4 and table 5; from memory)."""


def failure_interval_s(accelerators: int) -> float:
    """Expected seconds from one failure to the next, of a run on so many accelerators."""
    return 3600 / (FAILURES_PER_ACCELERATOR_HOUR * accelerators)


def best_interval_s(stall_s: float, between_failures_s: float) -> float:
    """Seconds of training between two checkpoints that lose the least, where each stalls training for `stall_s`.

    Young's sqrt(2 stall MTBF), less the stall as Daly has it; where that would be more than half of the time between
    failures, no more than this (Young 1974, CACM 17(9); Daly 2006, FGCS 22(3), equation 20 and its condition).
    """
    if stall_s >= between_failures_s / 2:
        return between_failures_s
    return math.sqrt(2 * stall_s * between_failures_s) - stall_s
