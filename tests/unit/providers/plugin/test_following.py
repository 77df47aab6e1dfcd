"""Progress, in words."""

import pytest

from providers.plugin.following import progress_line, words_for_seconds


def test_a_training_run_in_one_line() -> None:
    status = {"state": "training", "step": 120, "steps": 300, "loss": 3.412, "tokensPerS": 5210.4, "etaS": 48.2}
    assert progress_line(status) == "step 120/300  loss 3.41  5,210 tokens/s  48 s left"


def test_what_is_not_known_is_left_out() -> None:
    assert progress_line({"state": "training", "step": 0, "steps": 300, "loss": None}) == "step 0/300"
    assert progress_line({"state": "preparing", "message": "tokenizing 40%"}) == "preparing: tokenizing 40%"
    assert progress_line({}) == "starting"


@pytest.mark.parametrize(("seconds", "words"), [(5, "5 s"), (700, "12 min"), (12_000, "3 h 20 min")])
def test_time_left(seconds: float, words: str) -> None:
    assert words_for_seconds(seconds) == words
