"""Benchmarks of the trainer and the server, in their shortest form."""

import pytest

from bench import server, trainer
from components.spec.training import ModelSpec

LONG = ModelSpec(layers=1, width=32, heads=2, kv_heads=1, vocabulary=2048, context=512)
TINY = ModelSpec(layers=1, width=32, heads=2, kv_heads=1, vocabulary=2048, context=64)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_trainer_is_compared_with_a_bare_loop() -> None:
    speed, memory, stall, restart = trainer.figures(model=TINY, steps=10, rounds=1)
    assert speed.what == "tokens/s of the trainer / of a bare loop"
    assert min(figure.value for figure in (speed, memory, stall, restart)) > 0


@pytest.mark.slow
def test_the_server_is_compared_with_a_plain_loop() -> None:
    *served, beside, loading = server.figures(model=TINY, large=TINY, tokens=4, rounds=1, beside_long=LONG)
    assert [figure.unit for figure in served] == ["x"] * 3 + ["ms"] * 3
    assert min(figure.value for figure in [*served, beside, loading]) > 0
