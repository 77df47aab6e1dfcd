"""The distribution that tokens are drawn from, and that a seed gives the same text in any company."""

import math
from collections import Counter
from typing import Any

import pytest
import torch

from tests.workloads.serve.export import make_vocabulary
from workloads.serve.sampling import choose, logprobs
from workloads.serve.sequence import Sampling, Sequence
from workloads.serve.text import Transcript

VOCABULARY = make_vocabulary(320)
PROBABILITIES = [0.5, 0.25, 0.15, 0.1]
LOGITS = torch.tensor(PROBABILITIES).log()


def sequence(index: int = 0, **options: Any) -> Sequence:
    sampling = Sampling(max_tokens=1, **options)
    return Sequence(prompt=[0], sampling=sampling, transcript=Transcript(VOCABULARY, ()), deadline=0.0, index=index)


def draw(count: int, **options: Any) -> Counter[int]:
    one = sequence(seed=1, **options)
    return Counter(choose(LOGITS.expand(count, -1), [one] * count))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_follow_the_softmax_at_that_temperature(temperature: float) -> None:
    count = 20_000
    weights = [probability ** (1 / temperature) for probability in PROBABILITIES]
    found = draw(count, temperature=temperature)
    for token, weight in enumerate(weights):
        expected = weight / sum(weights)
        deviation = math.sqrt(expected * (1 - expected) / count)
        assert abs(found[token] / count - expected) < 5 * deviation


def test_top_p_keeps_the_smallest_set_that_reaches_it() -> None:
    assert set(draw(2000, top_p=0.5)) == {0}
    assert set(draw(2000, top_p=0.7)) == {0, 1}
    assert set(draw(2000, top_p=0.89)) == {0, 1, 2}
    assert set(draw(2000, top_p=1.0)) == {0, 1, 2, 3}
    assert set(draw(2000, top_p=1e-9)) == {0}


def test_temperature_zero_and_a_tiny_one_take_the_likeliest() -> None:
    assert set(draw(50, temperature=0.0)) == {0}
    assert set(draw(50, temperature=1e-6)) == {0}


def test_each_row_is_chosen_by_its_own_rule() -> None:
    greedy, narrow, free = sequence(temperature=0.0), sequence(top_p=0.5), sequence(seed=3)
    rows = LOGITS.expand(3, -1).contiguous()
    for _ in range(20):
        chosen = choose(rows, [greedy, narrow, free])
        assert chosen[:2] == [0, 0]


def test_a_seed_gives_the_same_tokens_alone_and_in_a_batch() -> None:
    alone = sequence(seed=7)
    in_company = sequence(seed=7)
    other = sequence(seed=8)
    expected = [choose(LOGITS[None], [alone])[0] for _ in range(50)]
    found = [choose(LOGITS.expand(2, -1), [other, in_company])[1] for _ in range(50)]
    assert found == expected


def test_choices_of_one_seed_differ() -> None:
    first, second = sequence(index=0, seed=7), sequence(index=1, seed=7)
    rows = LOGITS.expand(2, -1)
    pairs = [choose(rows, [first, second]) for _ in range(50)]
    assert any(a != b for a, b in pairs)


def test_log_probabilities_are_those_of_the_softmax() -> None:
    silent, asking = sequence(), sequence(top_logprobs=2)
    nothing, report = logprobs(LOGITS.expand(2, -1), [silent, asking], [0, 2])
    assert nothing is None
    assert report is not None
    assert report.logprob == pytest.approx(math.log(0.15))
    assert [token for token, _ in report.top] == [0, 1]
