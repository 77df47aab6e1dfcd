"""Every sequence once per epoch, whoever loads it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.model.loss import IGNORED
from workloads.pretrain.data.loader import BLOCK, Loader, apportion, permuted, rank_share
from workloads.pretrain.data.tokens import Ids, TokenStream, Weighted

END = 9
CPU = torch.device("cpu")
WORLDS = st.lists(st.integers(1, 6), min_size=1, max_size=40)


class Held(TokenStream):
    """A text that is in memory."""

    def __init__(self, tokens: np.ndarray) -> None:
        super().__init__([])
        self._tokens, self.size = tokens, tokens.size

    def rows(self, starts: Sequence[int], length: int) -> Ids:
        return np.stack([self._tokens[start : start + length].astype(np.int64) for start in starts])


def loader_of(*texts: np.ndarray, weights: Sequence[float] = (1.0,), seed: int = 1) -> Loader:
    sources = [Weighted(tokens=Held(text), weight=weight) for text, weight in zip(texts, weights, strict=True)]
    return Loader(sources, context=4, seed=seed, end_of_text=END)


def samples_of(shares: list[range]) -> list[int]:
    return [sample for part in shares for sample in part]


@settings(deadline=None)
@given(first=st.integers(0, 10**9), count=st.integers(1, 64), world=st.integers(1, 64), at_most=st.integers(1, 16))
def test_the_ranks_share_a_batch_evenly(first: int, count: int, world: int, at_most: int) -> None:
    world = min(world, count)
    shares = [rank_share(first, count, rank, world, at_most) for rank in range(world)]
    assert [s for share in shares for s in samples_of(share)] == list(range(first, first + count))
    sizes = [len(samples_of(share)) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert len({len(share) for share in shares}) == 1, "all ranks take as many turns"
    assert all(len(part) <= at_most for share in shares for part in share)


@settings(deadline=None)
@given(sequences=st.integers(1, 200), batch=st.integers(6, 12), worlds=WORLDS, seed=st.integers(0, 2**31 - 1))
def test_each_epoch_has_every_sequence_once_while_the_world_changes(
    sequences: int, batch: int, worlds: list[int], seed: int
) -> None:
    loader = loader_of(np.zeros(sequences * 4 + 1, dtype=np.uint16), seed=seed)
    assert loader.sequences == sequences
    taken = []
    for step, world in enumerate(worlds):
        for rank in range(world):
            shares = rank_share(step * batch, batch, rank, world, at_most=3)
            taken += [loader.sequence_of(sample)[1] for sample in samples_of(shares)]
    for begin in range(0, len(taken) - sequences + 1, sequences):
        assert sorted(taken[begin : begin + sequences]) == list(range(sequences))
    assert max(Counter(taken).values()) <= -(-len(taken) // sequences)


def test_epochs_and_seeds_shuffle_differently() -> None:
    tokens = np.zeros(401, dtype=np.uint16)
    first, other = loader_of(tokens, seed=1), loader_of(tokens, seed=2)
    epoch = [first.sequence_of(sample) for sample in range(100)]
    assert epoch != [first.sequence_of(sample) for sample in range(100, 200)]
    assert epoch != [other.sequence_of(sample) for sample in range(100)]
    assert epoch == [first.sequence_of(sample) for sample in range(100)], "going back gives the same again"


def test_targets_are_the_tokens_that_follow() -> None:
    loader = loader_of(np.arange(41, dtype=np.uint16))
    (micro,) = loader.batch([range(3)], CPU)
    assert micro.tokens.shape == micro.targets.shape == (3, 4)
    assert torch.equal(micro.targets, micro.tokens + 1)
    assert all(int(row[0]) % 4 == 0 for row in micro.tokens)


def test_an_empty_turn_counts_for_nothing() -> None:
    loader = loader_of(np.arange(41, dtype=np.uint16))
    (micro,) = loader.batch([range(5, 5)], CPU)
    assert micro.tokens.shape == (1, 4)
    assert bool((micro.targets == IGNORED).all())


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 3000), keys=st.lists(st.integers(0, 2**64 - 1), min_size=4, max_size=4))
def test_the_shuffle_meets_every_position_once(count: int, keys: list[int]) -> None:
    assert sorted(permuted(position, count, keys) for position in range(count)) == list(range(count))


def test_the_shuffle_of_a_trillion_sequences_holds_none_of_them() -> None:
    keys = [1, 2, 3, 4]
    found = [permuted(position, 10**12, keys) for position in range(1000)]
    assert len(set(found)) == 1000
    # Even: each tenth of the range has its share of 100, give or take what chance does.
    assert all(60 < count < 140 for count in Counter(one * 10 // 10**12 for one in found).values())


def test_a_mixture_keeps_its_weights_and_each_text_its_own_epochs() -> None:
    texts = [np.full(40 * 4 + 1, 1), np.full(4000 * 4 + 1, 2)]
    loader = loader_of(*texts, weights=(3, 1))
    taken = [loader.sequence_of(sample) for sample in range(BLOCK)]
    assert Counter(source for source, _ in taken) == {0: 768, 1: 256}
    assert taken != sorted(taken), "the texts are mixed, not one behind the other"
    small = Counter(sequence for source, sequence in taken if source == 0)
    assert set(small.values()) == {19, 20}, "768 of 40 sequences"
    assert max(Counter(sequence for source, sequence in taken if source == 1).values()) == 1
    assert taken[500:] == [loader.sequence_of(sample) for sample in range(500, BLOCK)], "no state but the number"


@given(weights=st.lists(st.floats(0.001, 1000), min_size=1, max_size=64))
def test_every_text_of_a_mixture_gets_a_share(weights: list[float]) -> None:
    shares = apportion(weights, BLOCK)
    assert sum(shares) == BLOCK
    assert min(shares) >= 1


def test_a_document_begins_behind_each_end_of_a_text_and_with_each_row() -> None:
    tokens = np.array([1, END, 2, 3, 4, 5, 6, END, 7, 8, 1, 2, 3])
    loader = loader_of(tokens)
    (micro,) = loader.batch([range(3)], CPU)
    rows = {tuple(row): number for number, row in enumerate(micro.tokens.tolist())}
    second = rows[1, END, 2, 3] * 4 + 2
    assert sorted({0, 4, 8, 12, second}) == micro.documents.tolist(), (
        "an end at the end of a row begins no document twice"
    )
