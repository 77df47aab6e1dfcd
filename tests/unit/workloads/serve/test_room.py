"""Sequences that are gathered together, and the size of the cache."""

import pytest
import torch

from components.spec.inference import InferenceSpec
from tests.workloads.serve.export import SMALL, make_model, make_vocabulary
from workloads.serve.load import LoadError
from workloads.serve.room import cache_tokens, heaviest_steps
from workloads.serve.runner import GATHER_TOKENS, PADDING_BLOCKS, ModelRunner, group_rows

MODEL = make_model(SMALL)
VOCABULARY = make_vocabulary(SMALL.vocabulary)
BLOCK = 16
TOKEN_BYTES = 2 * SMALL.layers * SMALL.kv_heads * SMALL.head_size * 4
MIB = 2**20


class Device:
    """A device of 100 MiB, of which a peak takes some."""

    def __init__(self, free: int, peak: int) -> None:
        self.free, self.peak, self.begun = free, peak, False

    def begin(self) -> None:
        self.begun = True

    def peak_bytes(self) -> int:
        assert self.begun
        return self.peak

    def free_bytes(self) -> int:
        return self.free

    def total_bytes(self) -> int:
        return 100 * MIB


def sized(spec: InferenceSpec, device: Device | None) -> int:
    with torch.inference_mode():
        return cache_tokens(MODEL, VOCABULARY, spec, BLOCK, device)


def test_the_cache_is_what_the_heaviest_step_leaves() -> None:
    many = InferenceSpec(max_sequences=4096, max_batch_tokens=4096)
    fits = (60 - 20 - 5) * MIB // TOKEN_BYTES
    assert sized(many, Device(60 * MIB, 20 * MIB)) == fits // BLOCK * BLOCK
    assert sized(InferenceSpec(max_sequences=2), Device(60 * MIB, 20 * MIB)) == 2 * (SMALL.context + BLOCK)


def test_the_cache_is_as_large_as_asked_and_fixed_on_processors() -> None:
    assert sized(InferenceSpec(cache_tokens=640), Device(0, 0)) == 640
    assert sized(InferenceSpec(), None) == 32_768
    assert InferenceSpec().cache_on_processors(131_072) == 131_072


def test_a_device_without_room_for_one_text_is_refused() -> None:
    with pytest.raises(LoadError, match=r"room for a cache of 0 tokens, and one text of it takes 128; take an"):
        sized(InferenceSpec(), Device(20 * MIB, 16 * MIB))


def test_the_heaviest_steps_need_a_single_block_of_cache() -> None:
    runner = ModelRunner(MODEL, blocks=1, block_tokens=BLOCK)
    decoding, computing = heaviest_steps(runner, VOCABULARY, InferenceSpec(max_sequences=5, max_batch_tokens=48))
    with torch.inference_mode():
        assert [len(runner.forward(step)[1]) for step in (decoding, computing)] == [5, 1]
    assert {work.start for work in decoding.decodes} == {SMALL.context - 1}
    assert computing.tokens == 48


def rows(used: list[int], most: int = 4096) -> list[tuple[int, int]]:
    return [(group.start, group.stop) for group in group_rows(used, most)]


def test_a_long_text_is_gathered_alone() -> None:
    assert rows([44] * 31 + [512]) == [(0, 31), (31, 32)]
    assert rows([]) == []
    assert rows([7] * 32) == [(0, 32)]


def test_padding_that_costs_less_than_a_call_is_taken() -> None:
    assert rows([1, 1 + PADDING_BLOCKS]) == [(0, 2)]
    assert rows([1, 2 + PADDING_BLOCKS]) == [(0, 1), (1, 2)]


def test_a_gather_never_takes_more_than_its_buffer() -> None:
    most = GATHER_TOKENS // BLOCK
    groups = rows([500] * 40, most)
    assert [stop - start for start, stop in groups] == [8] * 5
    assert all((stop - start) * 500 <= most for start, stop in groups)
