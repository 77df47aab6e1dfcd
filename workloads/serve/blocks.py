"""Owners of the blocks of the paged key-value cache.

A block holds `block_tokens` positions. It is free, or held by one or more sequences (a count). A full block whose
content is known by a hash chained over all tokens before it keeps that content while it is free, until it is given
out again; so the next sequence with the same beginning takes it instead of computing it. Least recently freed goes
first. No tensor is touched here.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence as Items

import xxhash


class BlockManager:
    def __init__(self, blocks: int, block_tokens: int, *, reuse: bool = True) -> None:
        self.block_tokens = block_tokens
        self.total = blocks
        self._reuse = reuse
        self._holders = [0] * blocks
        self._unused = deque(range(blocks))
        """Free blocks without known content."""
        self._cached: OrderedDict[int, None] = OrderedDict()
        """Free blocks with known content, least recently freed first."""
        self._block_of: dict[bytes, int] = {}
        self._hash_of: dict[int, bytes] = {}

    @property
    def free(self) -> int:
        return len(self._unused) + len(self._cached)

    @property
    def held(self) -> int:
        return self.total - self.free

    def match(self, hashes: Items[bytes]) -> list[int]:
        """The longest run of leading blocks that the cache holds, each held by one more from now on."""
        found: list[int] = []
        for key in hashes if self._reuse else ():
            block = self._block_of.get(key)
            if block is None:
                break
            self._hold(block)
            found.append(block)
        return found

    def allocate(self, count: int) -> list[int] | None:
        """`count` blocks of unknown content, or None, with nothing taken, when there are not so many."""
        if count > self.free:
            return None
        return [self._take() for _ in range(count)]

    def release(self, blocks: Items[int]) -> None:
        """Give up one hold on each; the end of a sequence is forgotten before its beginning."""
        for block in reversed(blocks):
            assert self._holders[block] > 0, f"block {block} is released but nobody holds it"
            self._holders[block] -= 1
            if self._holders[block] == 0:
                if block in self._hash_of:
                    self._cached[block] = None
                else:
                    self._unused.append(block)

    def register(self, block: int, key: bytes) -> None:
        """Let others find a full, computed block by its hash; of two equal ones the first stays known."""
        if self._reuse and key not in self._block_of:
            self._block_of[key] = block
            self._hash_of[block] = key

    def _hold(self, block: int) -> None:
        if self._holders[block] == 0:
            del self._cached[block]
        self._holders[block] += 1

    def _take(self) -> int:
        if self._unused:
            block = self._unused.popleft()
        else:
            block, _ = self._cached.popitem(last=False)
            del self._block_of[self._hash_of.pop(block)]
        self._holders[block] = 1
        return block


def extend_hashes(hashes: list[bytes], tokens: Items[int], block_tokens: int) -> None:
    """Append the hash of every full block of `tokens` that `hashes` does not cover yet.

    xxh3-128 over the previous hash and the block's tokens: equal hash means equal text from the very beginning.
    """
    for start in range(len(hashes) * block_tokens, len(tokens) - block_tokens + 1, block_tokens):
        hasher = xxhash.xxh3_128(hashes[-1] if hashes else b"")
        for token in tokens[start : start + block_tokens]:
            hasher.update(token.to_bytes(4, "little"))
        hashes.append(hasher.digest())
