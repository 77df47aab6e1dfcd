from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.spec.training import OptimizerSpec, Schedule
from workloads.pretrain.train.optimizer import DECAY_SHARE, learning_rate


@pytest.mark.parametrize("schedule", list(Schedule))
def test_the_rate_rises_to_its_top_and_ends_at_its_share(schedule: Schedule) -> None:
    spec = OptimizerSpec(learning_rate=1.0, warmup_steps=10, schedule=schedule, final_share=0.1)
    rates = [learning_rate(spec, step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.1)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(rates[10:]))


def test_the_stable_part_is_stable() -> None:
    spec = OptimizerSpec(learning_rate=1.0, warmup_steps=0, schedule=Schedule.WARMUP_STABLE_DECAY)
    rates = [learning_rate(spec, step, 1000) for step in range(1000)]
    assert rates.count(1.0) == pytest.approx(1000 * (1 - DECAY_SHARE), abs=2)


@settings(deadline=None)
@given(
    step=st.integers(0, 1000),
    steps=st.integers(1, 1000),
    warmup=st.integers(0, 2000),
    schedule=st.sampled_from(Schedule),
)
def test_no_rate_is_outside_its_bounds(step: int, steps: int, warmup: int, schedule: Schedule) -> None:
    rate = learning_rate(OptimizerSpec(learning_rate=1.0, warmup_steps=warmup, schedule=schedule), step, steps)
    assert 0 < rate <= 1.0
