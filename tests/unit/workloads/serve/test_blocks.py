"""No block is lost, held twice by mistake, or given out while someone holds it."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from workloads.serve.blocks import BlockManager, extend_hashes

BLOCKS = 6


class Blocks(RuleBasedStateMachine):
    """Sequences that take, share, register and give back blocks in any order, beside a simple account."""

    def __init__(self) -> None:
        super().__init__()
        self.manager = BlockManager(BLOCKS, 4)
        self.held: list[list[int]] = []
        self.content: dict[int, bytes] = {}

    @rule(count=st.integers(1, BLOCKS))
    def allocate(self, count: int) -> None:
        free = self.manager.free
        blocks = self.manager.allocate(count)
        if count > free:
            assert blocks is None
            return
        assert blocks is not None
        assert not set(blocks) & {block for held in self.held for block in held}
        for block in blocks:
            self.content.pop(block, None)
        self.held.append(blocks)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), key=st.binary(min_size=1, max_size=1))
    def register(self, data: st.DataObject, key: bytes) -> None:
        block = data.draw(st.sampled_from([block for held in self.held for block in held]))
        if block not in self.content and key not in self.content.values():
            self.manager.register(block, key)
            self.content[block] = key

    @rule(keys=st.lists(st.binary(min_size=1, max_size=1), max_size=3, unique=True))
    def match(self, keys: list[bytes]) -> None:
        found = self.manager.match(keys)
        assert [self.content[block] for block in found] == keys[: len(found)]
        if len(found) < len(keys):
            assert keys[len(found)] not in self.content.values()
        if found:
            self.held.append(found)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.manager.release(self.held.pop(data.draw(st.integers(0, len(self.held) - 1))))

    @invariant()
    def every_block_is_accounted_for(self) -> None:
        held = {block for blocks in self.held for block in blocks}
        assert self.manager.held == len(held)
        assert self.manager.free == BLOCKS - len(held)

    def teardown(self) -> None:
        for blocks in self.held:
            self.manager.release(blocks)
        assert self.manager.free == BLOCKS


TestBlocks = Blocks.TestCase
TestBlocks.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_double_release_is_caught() -> None:
    manager = BlockManager(2, 4)
    blocks = manager.allocate(1)
    assert blocks
    manager.release(blocks)
    with pytest.raises(AssertionError, match="nobody holds"):
        manager.release(blocks)


def test_content_survives_until_the_block_is_needed_and_the_oldest_goes_first() -> None:
    manager = BlockManager(2, 4)
    for key in (b"first", b"second"):
        blocks = manager.allocate(1)
        assert blocks
        manager.register(blocks[0], key)
        manager.release(blocks)
    assert manager.allocate(1) is not None
    assert manager.match([b"first"]) == []
    assert len(manager.match([b"second"])) == 1


def test_without_reuse_nothing_is_found() -> None:
    manager = BlockManager(2, 4, reuse=False)
    blocks = manager.allocate(1)
    assert blocks
    manager.register(blocks[0], b"key")
    assert manager.match([b"key"]) == []


def test_equal_hashes_mean_equal_beginnings() -> None:
    first: list[bytes] = []
    second: list[bytes] = []
    extend_hashes(first, [1, 2, 3, 4, 5, 6, 7], 2)
    extend_hashes(second, [1, 2, 9, 4, 5, 6, 7], 2)
    assert len(first) == 3
    assert first[0] == second[0]
    assert not set(first[1:]) & set(second[1:])
    grown = list(first)
    extend_hashes(grown, [1, 2, 3, 4, 5, 6, 7, 8], 2)
    assert grown[:3] == first
    assert len(grown) == 4
