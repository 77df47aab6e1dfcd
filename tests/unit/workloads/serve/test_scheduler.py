"""Any requests in any order: the budget holds, everything ends, and no block is lost."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.serve.export import make_vocabulary
from workloads.serve.blocks import BlockManager
from workloads.serve.scheduler import ScheduledStep, Scheduler
from workloads.serve.sequence import Sampling, Sequence
from workloads.serve.text import Transcript

BLOCK_TOKENS = 4
CONTEXT = 32
VOCABULARY = make_vocabulary(320)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    at_step: int
    prompt: list[int]
    max_tokens: int
    cancel_at: int | None


def arrivals() -> st.SearchStrategy[list[Arrival]]:
    one = st.builds(
        Arrival,
        at_step=st.integers(0, 20),
        prompt=st.lists(st.integers(0, 1), min_size=1, max_size=CONTEXT - 8),
        max_tokens=st.integers(1, 8),
        cancel_at=st.none() | st.integers(0, 30),
    )
    return st.lists(one, min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    arrivals=arrivals(),
    blocks=st.integers(CONTEXT // BLOCK_TOKENS, 20),
    max_sequences=st.integers(1, 5),
    more_tokens=st.integers(0, 20),
    reuse=st.booleans(),
)
def test_every_sequence_ends_and_every_invariant_holds(
    arrivals: list[Arrival], blocks: int, max_sequences: int, more_tokens: int, reuse: bool
) -> None:
    scheduler = Scheduler(
        BlockManager(blocks, BLOCK_TOKENS, reuse=reuse),
        max_sequences=max_sequences,
        max_batch_tokens=max_sequences + more_tokens,
    )
    pending = sorted(arrivals, key=lambda arrival: arrival.at_step)
    live: list[tuple[Sequence, Arrival]] = []
    number = 0
    while pending or live:
        while pending and pending[0].at_step <= number:
            arrival = pending.pop(0)
            sequence = _sequence(arrival.prompt, arrival.max_tokens)
            scheduler.add(sequence)
            live.append((sequence, arrival))
        _cancel(scheduler, live, lambda arrival, now=number: arrival.cancel_at == now)  # type: ignore[misc]
        before = [(sequence, sequence.computed, len(sequence.tokens)) for sequence, _ in live]
        step = scheduler.step(0.0)
        _check(scheduler, step)
        assert bool(step.tokens) == bool(live), "a step is empty although something is left to do"
        _execute(scheduler, step)
        _oldest_came_forward(before)
        _cancel(scheduler, live, lambda _: False)
        number += 1
        assert number < 2000, "somebody starves"
    assert scheduler.blocks.free == blocks
    assert not scheduler.running
    assert not scheduler.waiting


def test_a_long_prompt_is_taken_in_chunks_while_others_decode() -> None:
    scheduler = Scheduler(BlockManager(64, BLOCK_TOKENS), max_sequences=4, max_batch_tokens=8)
    short, long = _sequence([1], 20), _sequence([1] * 24, 4)
    scheduler.add(short)
    _execute(scheduler, scheduler.step(0.0))
    scheduler.add(long)
    chunks = []
    for _ in range(4):
        step = scheduler.step(0.0)
        assert [work.sequence for work in step.decodes][:1] == [short]
        chunks += [work.count for work in step.prefills]
        _execute(scheduler, step)
    assert chunks == [7, 7, 7, 3]


def test_the_newest_is_preempted_and_goes_on_where_it_was() -> None:
    scheduler = Scheduler(BlockManager(4, BLOCK_TOKENS), max_sequences=2, max_batch_tokens=16)
    old, new = _sequence([0] * 7, 6), _sequence([1] * 7, 6)
    scheduler.add(old)
    scheduler.add(new)
    generated: list[int] = []
    while old in scheduler.running or new in scheduler.running or scheduler.waiting:
        _execute(scheduler, scheduler.step(0.0))
        generated.append(new.generated)
        for sequence in (old, new):
            if sequence in scheduler.running and sequence.generated == 6:
                scheduler.remove(sequence)
    assert scheduler.preemptions == 1
    assert generated == sorted(generated)
    assert (old.generated, new.generated) == (6, 6)


def test_a_known_beginning_is_not_computed_again() -> None:
    scheduler = Scheduler(BlockManager(16, BLOCK_TOKENS), max_sequences=2, max_batch_tokens=64)
    first, second = _sequence([1, 0] * 5, 1), _sequence([1, 0] * 5, 1)
    scheduler.add(first)
    _execute(scheduler, scheduler.step(0.0))
    scheduler.remove(first)
    scheduler.add(second)
    (work,) = scheduler.step(0.0).prefills
    assert (work.start, work.count) == (8, 2)
    assert (scheduler.prefix_queries, scheduler.prefix_hits) == (20, 8)


def _sequence(prompt: list[int], max_tokens: int) -> Sequence:
    return Sequence(
        prompt=prompt, sampling=Sampling(max_tokens=max_tokens), transcript=Transcript(VOCABULARY, ()), deadline=0.0
    )


def _check(scheduler: Scheduler, step: ScheduledStep) -> None:
    assert step.tokens <= scheduler.max_batch_tokens
    assert len(scheduler.running) <= scheduler.max_sequences
    works = (*step.decodes, *step.prefills)
    assert len({id(work.sequence) for work in works}) == len(works)
    for work in works:
        assert work.sequence in scheduler.running
        assert work.start == work.sequence.computed
        assert len(work.sequence.blocks) * BLOCK_TOKENS >= work.start + work.count
    held = {block for sequence in scheduler.running for block in sequence.blocks}
    assert len(held) == scheduler.blocks.held
    assert all(not sequence.blocks for sequence in scheduler.waiting)


def _execute(scheduler: Scheduler, step: ScheduledStep) -> None:
    """Executes as the engine does, with a model whose next token is the parity of the length."""
    scheduler.computed(step)
    for work in (*step.decodes, *step.prefills):
        if work.samples:
            work.sequence.tokens.append(len(work.sequence.tokens) % 2)


def _oldest_came_forward(before: list[tuple[Sequence, int, int]]) -> None:
    if before:
        oldest, computed, tokens = before[0]
        assert (oldest.computed, len(oldest.tokens)) > (computed, tokens) or len(oldest.tokens) > tokens


def _cancel(scheduler: Scheduler, live: list[tuple[Sequence, Arrival]], asked: Callable[[Arrival], bool]) -> None:
    """Remove what is cancelled now or has all its tokens."""
    for sequence, arrival in list(live):
        if asked(arrival) or sequence.generated >= arrival.max_tokens:
            scheduler.remove(sequence)
            live.remove((sequence, arrival))
