import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.spec.training import GuardSpec
from workloads.pretrain.record.progress import GuardState
from workloads.pretrain.train.guard import LEARN_FIRST, PAST_STEPS, Guard, StepVerdict

STEP = 1000


def learnt(spec: GuardSpec, losses: int = 2 * LEARN_FIRST) -> Guard:
    guard = Guard(spec, GuardState())
    for step in range(losses):
        assert guard.judge(step, 3.0 + 0.05 * (-1) ** step, 1.0) is StepVerdict.APPLY
    return guard


@pytest.mark.parametrize("loss", [math.nan, math.inf, 30.0])
def test_a_bad_loss_is_skipped_and_not_remembered(loss: float) -> None:
    guard = learnt(GuardSpec())
    mean = guard.state.mean
    assert guard.judge(STEP, loss, 1.0) is StepVerdict.SKIP
    assert guard.state.mean == mean
    assert guard.judge(STEP, 3.0, 1.0) is StepVerdict.APPLY
    assert guard.state.skipped_in_a_row == 0
    assert guard.state.skipped == 1


def test_a_bad_gradient_is_skipped_from_the_first_step_on() -> None:
    assert Guard(GuardSpec(), GuardState()).judge(STEP, 3.0, math.nan) is StepVerdict.SKIP


def test_a_high_loss_among_the_first_is_no_spike() -> None:
    assert learnt(GuardSpec(), losses=LEARN_FIRST - 1).judge(STEP, 9.0, 1.0) is StepVerdict.APPLY


def test_too_many_in_a_row_rewind_once_and_then_fail() -> None:
    guard = learnt(GuardSpec(max_skips=2))
    verdicts = [guard.judge(STEP, math.nan, 1.0) for _ in range(3)]
    assert verdicts == [StepVerdict.SKIP, StepVerdict.SKIP, StepVerdict.REWIND]
    guard.note_rewind(STEP)
    assert guard.judge(STEP - 50, math.nan, 1.0) is StepVerdict.FAIL, "back at an earlier step"
    assert guard.judge(STEP + PAST_STEPS - 1, math.nan, 1.0) is StepVerdict.FAIL


def test_a_later_bad_stretch_is_another() -> None:
    guard = learnt(GuardSpec(max_skips=0))
    assert guard.judge(STEP, math.nan, 1.0) is StepVerdict.REWIND
    guard.note_rewind(STEP)
    assert guard.judge(STEP + PAST_STEPS, math.nan, 1.0) is StepVerdict.REWIND


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=200))
def test_the_running_moments_stay_within_what_was_seen(losses: list[float]) -> None:
    guard = Guard(GuardSpec(spike_sigmas=1e9), GuardState())
    for loss in losses:
        guard.judge(STEP, loss, 1.0)
    assert min(losses) - 1e-9 <= guard.state.mean <= max(losses) + 1e-9
    assert 0 <= guard.state.variance <= (max(losses) - min(losses)) ** 2 + 1e-9
