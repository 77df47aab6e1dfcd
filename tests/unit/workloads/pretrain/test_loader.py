"""Every sequence once per epoch, whoever loads it."""

from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.model.loss import IGNORED
from workloads.pretrain.loader import Loader, rank_share

CPU = torch.device("cpu")
WORLDS = st.lists(st.integers(1, 6), min_size=1, max_size=40)


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
    loader = Loader(np.zeros(sequences * 4 + 1, dtype=np.uint16), context=4, seed=seed)
    assert loader.sequences == sequences
    taken = []
    for step, world in enumerate(worlds):
        for rank in range(world):
            shares = rank_share(step * batch, batch, rank, world, at_most=3)
            taken += [loader.sequence_of(sample) for sample in samples_of(shares)]
    for begin in range(0, len(taken) - sequences + 1, sequences):
        assert sorted(taken[begin : begin + sequences]) == list(range(sequences))
    assert max(Counter(taken).values()) <= -(-len(taken) // sequences)


def test_epochs_and_seeds_shuffle_differently() -> None:
    tokens = np.zeros(401, dtype=np.uint16)
    first, other = Loader(tokens, 4, seed=1), Loader(tokens, 4, seed=2)
    epoch = [first.sequence_of(sample) for sample in range(100)]
    assert epoch != [first.sequence_of(sample) for sample in range(100, 200)]
    assert epoch != [other.sequence_of(sample) for sample in range(100)]
    assert epoch == [first.sequence_of(sample) for sample in range(100)], "going back gives the same again"


def test_targets_are_the_tokens_that_follow() -> None:
    loader = Loader(np.arange(41, dtype=np.uint16), context=4, seed=1)
    (micro,) = loader.batch([range(3)], CPU)
    assert micro.tokens.shape == micro.targets.shape == (3, 4)
    assert torch.equal(micro.targets, micro.tokens + 1)
    assert all(int(row[0]) % 4 == 0 for row in micro.tokens)


def test_an_empty_turn_counts_for_nothing() -> None:
    loader = Loader(np.arange(41, dtype=np.uint16), context=4, seed=1)
    (micro,) = loader.batch([range(5, 5)], CPU)
    assert micro.tokens.shape == (1, 4)
    assert bool((micro.targets == IGNORED).all())
