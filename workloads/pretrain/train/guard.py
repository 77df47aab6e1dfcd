"""The guard: whether a step's loss and gradient can be trusted."""

import math
from enum import Enum, auto

from components.spec.training import GuardSpec
from workloads.pretrain.record.progress import GuardState

LEARN_FIRST = 20
"""Losses seen before a spike is judged: the first ones fall too fast to have a spread."""

MEMORY = 0.05
"""Weight of the newest loss in the running mean and variance: about the last twenty count."""

LEAST_DEVIATION = 0.01
"""Share of the mean that the deviation is taken for at least, so that a very even run is not nervous."""


PAST_STEPS = 100
"""Steps past a bad stretch after which the next one is another."""


class StepVerdict(Enum):
    APPLY = auto()
    SKIP = auto()
    REWIND = auto()
    """Too many skipped in a row: go back to the last checkpoint, and on with the data behind the bad part."""
    FAIL = auto()
    """Too many skipped again, soon after a rewind."""


class Guard:
    """Judges each step. Given the same numbers on all ranks, it judges the same on all."""

    def __init__(self, spec: GuardSpec, state: GuardState) -> None:
        self._spec, self.state = spec, state

    def judge(self, step: int, loss: float, gradient_norm: float) -> StepVerdict:
        """Decides on the batch after `step`, whose loss is remembered only if it is applied."""
        state = self.state
        if math.isfinite(loss) and math.isfinite(gradient_norm) and not self._is_spike(loss):
            self._remember(loss)
            state.skipped_in_a_row = 0
            return StepVerdict.APPLY
        state.skipped += 1
        state.skipped_in_a_row += 1
        if state.skipped_in_a_row <= self._spec.max_skips:
            return StepVerdict.SKIP
        return StepVerdict.FAIL if step < state.rewinds_again_from else StepVerdict.REWIND

    def note_rewind(self, step: int) -> None:
        """The run has gone back from `step`: it may do so again once it is well past it, and not before."""
        self.state.rewinds_again_from = step + PAST_STEPS

    def _is_spike(self, loss: float) -> bool:
        state = self.state
        deviation = max(math.sqrt(state.variance), LEAST_DEVIATION * state.mean)
        return state.seen >= LEARN_FIRST and loss > state.mean + self._spec.spike_sigmas * deviation

    def _remember(self, loss: float) -> None:
        state = self.state
        weight = max(MEMORY, 1 / (state.seen + 1))
        change = loss - state.mean
        state.mean += weight * change
        state.variance = (1 - weight) * (state.variance + weight * change * change)
        state.seen += 1
