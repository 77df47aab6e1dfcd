"""Work of one forward pass: every decoding sequence, then chunks of prompts, under a budget of tokens.

Order of arrival decides everything. The oldest is served first and preempted last, and one sequence always fits into
the cache, so each step brings the oldest sequence forward: nobody starves.
"""

from collections import deque
from dataclasses import dataclass

from workloads.serve.blocks import BlockManager, extend_hashes
from workloads.serve.sequence import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One sequence's part of a step."""

    sequence: Sequence
    start: int
    """Position of its first token of this step; everything before is in the cache."""
    count: int

    @property
    def samples(self) -> bool:
        """It reaches the sequence's newest token, so that the next one can be chosen."""
        return self.start + self.count == len(self.sequence.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledStep:
    """One forward pass: decodes (one token each) and prompt chunks."""

    decodes: list[Work]
    prefills: list[Work]

    @property
    def tokens(self) -> int:
        return len(self.decodes) + sum(work.count for work in self.prefills)


class Scheduler:
    """Continuous batching over a `BlockManager`; knows no model."""

    def __init__(self, blocks: BlockManager, *, max_sequences: int, max_batch_tokens: int) -> None:
        assert max_sequences <= max_batch_tokens
        self.blocks = blocks
        self.max_sequences, self.max_batch_tokens = max_sequences, max_batch_tokens
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        """In order of arrival."""
        self.short_of_blocks = False
        """The last step left someone waiting for blocks, not for a place."""
        self.preemptions = 0
        self.prefix_queries = 0
        self.prefix_hits = 0

    def add(self, sequence: Sequence) -> None:
        self.waiting.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Forget a sequence, wherever it stands, and free its blocks."""
        if sequence in self.running:
            self.running.remove(sequence)
        else:
            self.waiting.remove(sequence)
        self._free(sequence)

    def step(self, now: float) -> ScheduledStep:
        """The next forward pass. Empty only when there is nothing to do."""
        self.short_of_blocks = False
        decodes = self._decodes()
        budget = self.max_batch_tokens - len(decodes)
        prefills = self._running_prefills(budget)
        budget -= sum(work.count for work in prefills)
        prefills += self._admissions(budget, now)
        return ScheduledStep(decodes=decodes, prefills=prefills)

    def computed(self, step: ScheduledStep) -> None:
        """The pass is done: its keys and values are in the cache. Call before new tokens are appended."""
        for work in (*step.decodes, *step.prefills):
            sequence = work.sequence
            sequence.computed = work.start + work.count
            full = sequence.computed // self.blocks.block_tokens
            if full > sequence.registered:
                self._register(sequence, full)

    def _decodes(self) -> list[Work]:
        """One token of each decoding sequence; the newest ones give up their blocks where these run out."""
        chosen: list[Work] = []
        position = 0
        while position < len(self.running):  # preemption shortens the list from its end
            sequence = self.running[position]
            if sequence.decoding and self._make_room(sequence):
                chosen.append(Work(sequence=sequence, start=sequence.computed, count=1))
            position += 1
        return chosen

    def _make_room(self, sequence: Sequence) -> bool:
        while not self._grow(sequence, sequence.computed + 1):
            self.short_of_blocks = True
            newest = self.running[-1]
            self._preempt(newest)
            if newest is sequence:
                return False
        return True

    def _running_prefills(self, budget: int) -> list[Work]:
        chosen: list[Work] = []
        for sequence in self.running:
            if budget > 0 and not sequence.decoding:
                work = self._chunk(sequence, budget)
                if work is None:
                    self.short_of_blocks = True
                    break
                chosen.append(work)
                budget -= work.count
        return chosen

    def _admissions(self, budget: int, now: float) -> list[Work]:
        chosen: list[Work] = []
        while self.waiting and budget > 0 and len(self.running) < self.max_sequences and not self.short_of_blocks:
            sequence = self.waiting[0]
            self._take_prefix(sequence)
            work = self._chunk(sequence, budget)
            if work is None:
                self._free(sequence)
                self.short_of_blocks = True
                break
            self._admit(self.waiting.popleft(), now)
            chosen.append(work)
            budget -= work.count
        return chosen

    def _admit(self, sequence: Sequence, now: float) -> None:
        if sequence.admitted is None:
            sequence.admitted, sequence.cached = now, sequence.computed
            self.prefix_queries += len(sequence.prompt)
            self.prefix_hits += sequence.computed
        self.running.append(sequence)

    def _chunk(self, sequence: Sequence, budget: int) -> Work | None:
        """As many tokens as budget and free blocks allow; None when not a single one fits."""
        room = len(sequence.blocks) * self.blocks.block_tokens + self.blocks.free * self.blocks.block_tokens
        count = min(budget, len(sequence.tokens) - sequence.computed, room - sequence.computed)
        if count <= 0 or not self._grow(sequence, sequence.computed + count):
            return None
        return Work(sequence=sequence, start=sequence.computed, count=count)

    def _take_prefix(self, sequence: Sequence) -> None:
        """Start behind the blocks that the cache already holds; the newest token is always computed."""
        block_tokens = self.blocks.block_tokens
        extend_hashes(sequence.hashes, sequence.tokens, block_tokens)
        sequence.blocks = self.blocks.match(sequence.hashes[: (len(sequence.tokens) - 1) // block_tokens])
        sequence.registered = len(sequence.blocks)
        sequence.computed = len(sequence.blocks) * block_tokens

    def _grow(self, sequence: Sequence, positions: int) -> bool:
        missing = -(-positions // self.blocks.block_tokens) - len(sequence.blocks)
        if missing <= 0:
            return True
        more = self.blocks.allocate(missing)
        if more is None:
            return False
        sequence.blocks += more
        return True

    def _register(self, sequence: Sequence, full: int) -> None:
        extend_hashes(sequence.hashes, sequence.tokens, self.blocks.block_tokens)
        for position in range(sequence.registered, full):
            self.blocks.register(sequence.blocks[position], sequence.hashes[position])
        sequence.registered = full

    def _preempt(self, sequence: Sequence) -> None:
        """Back to the head of the queue; what it computed is computed again, or found in the cache."""
        self.preemptions += 1
        self.running.remove(sequence)
        self._free(sequence)
        self.waiting.appendleft(sequence)

    def _free(self, sequence: Sequence) -> None:
        self.blocks.release(sequence.blocks)
        sequence.blocks, sequence.computed, sequence.registered = [], 0, 0
