"""A run in words."""

import pytest

from workloads.pretrain.record.words import learned_nothing, progress_line, result_line, short_time


def test_percent_time_left_and_loss_come_first() -> None:
    status = {"state": "training", "step": 99, "steps": 300, "loss": 5.084, "tokensPerS": 3981.4, "etaS": 118.0}
    line = progress_line(status)
    assert line == "33% 2m 5.08 loss, step 99/300, 3,981 tokens/s"
    assert line.index(" loss") <= 11, "what the engine's table has room for in 80 columns"


def test_what_is_not_known_is_left_out() -> None:
    assert progress_line({"state": "training", "step": 0, "steps": 300, "loss": None}) == "0%, step 0/300"
    assert progress_line({"state": "preparing", "message": "tokenizing 40%"}) == "preparing: tokenizing 40%"
    assert progress_line({}) == "starting"


def test_a_message_of_another_state_is_not_repeated() -> None:
    status = {"state": "exporting", "step": 300, "steps": 300, "message": "training from step 0"}
    assert progress_line(status) == "exporting step 300/300"


@pytest.mark.parametrize(("seconds", "words"), [(5, "5s"), (700, "12m"), (12_000, "3h20m"), (7_500, "2h05m")])
def test_time_left(seconds: float, words: str) -> None:
    assert short_time(seconds) == words


def test_the_end_names_the_validation_loss_and_no_batchs() -> None:
    line = result_line(300, 4.263, 5.302, "/data/export")
    assert line == "trained to step 300, validation loss 4.26 (unigram baseline 5.30), model in /data/export"
    assert result_line(3, None, None, None) == "trained to step 3"


def test_a_run_above_the_baseline_is_warned_of_with_likely_reasons() -> None:
    warning = learned_nothing(5.73, 5.30, {"steps": 12, "optimizer": {"learningRate": 0.003}})
    assert warning.startswith("validation loss 5.73 is not below the unigram baseline 5.30")
    assert "training.steps 12" in warning
    assert "training.optimizer.learningRate 0.003" in warning
    assert learned_nothing(4.2, 5.3, {"steps": 12}) == ""
    assert learned_nothing(None, 5.3, {"steps": 12}) == ""
