"""The engine's greedy text is that of the plain model, one text at a time and without a cache, token for token."""

import threading
import time
from collections.abc import Sequence as Items

import pytest
import torch

from tests.workloads.serve.export import SMALL, make_model, make_vocabulary
from workloads.serve.config import ServeFile
from workloads.serve.engine import InferenceEngine
from workloads.serve.metrics import Metrics
from workloads.serve.sequence import Finish, Output, Sampling, Sequence
from workloads.serve.service import assemble
from workloads.serve.text import Transcript

MODEL = make_model(SMALL)
VOCABULARY = make_vocabulary(SMALL.vocabulary)
SHARED = [(7 * i) % 300 + 3 for i in range(40)]
PROMPTS = [[(i * (3 + j)) % 300 + 3 for i in range(5 + 9 * j)] for j in range(7)] + [
    SHARED,
    [*SHARED[:32], 9, 8],
    [*SHARED, 5],
    SHARED,
]
NEW_TOKENS = 40


@pytest.fixture(scope="module")
def expected() -> list[list[int]]:
    return [reference(prompt) for prompt in PROMPTS]


def reference(prompt: list[int]) -> list[int]:
    """Every token from a forward pass over the whole text so far."""
    tokens = list(prompt)
    with torch.inference_mode():
        for _ in range(NEW_TOKENS):
            tokens.append(int(MODEL(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("reuse", [True, False], ids=["prefix reuse", "no reuse"])
@pytest.mark.parametrize(
    ("max_sequences", "max_batch_tokens", "cache_tokens"),
    [(32, 512, 4096), (1, 16, 4096), (4, 16, 4096), (11, 24, 4096), (11, 512, 256)],
    ids=["all together", "one by one in chunks", "chunks", "chunks of few", "preemption"],
)
def test_same_tokens_as_the_plain_model(
    expected: list[list[int]], *, max_sequences: int, max_batch_tokens: int, cache_tokens: int, reuse: bool
) -> None:
    limits = {"maxSequences": max_sequences, "maxBatchTokens": max_batch_tokens, "cacheTokens": cache_tokens}
    engine = start(limits, reuse=reuse)
    for _ in range(2):  # the second time, the prompts are in the cache
        sequences = [ask(prompt) for prompt in PROMPTS]
        run(engine, sequences)
        assert [sequence.tokens[len(sequence.prompt) :] for sequence in sequences] == expected
    assert (engine.preemptions > 0) == (cache_tokens == 256)
    assert (engine.prefix_hits > 0) == reuse
    assert engine.cache_usage == 0
    engine.stop()


def test_the_text_handed_over_is_the_text_of_the_tokens() -> None:
    engine = start({})
    sequences = [ask(prompt, temperature=1.0) for prompt in PROMPTS]
    texts = run(engine, sequences)
    for sequence in sequences:
        assert texts[id(sequence)] == VOCABULARY.decode(sequence.tokens[len(sequence.prompt) :])
    engine.stop()


def test_a_seed_gives_the_same_text_in_any_company() -> None:
    engine = start({})
    alone = ask(PROMPTS[0], temperature=1.0, seed=5)
    run(engine, [alone])
    crowd = [ask(prompt, temperature=1.0) for prompt in PROMPTS]
    again = ask(PROMPTS[0], temperature=1.0, seed=5)
    run(engine, [*crowd, again])
    assert again.tokens == alone.tokens
    engine.stop()


def test_a_failing_model_ends_every_request_and_takes_nothing_more() -> None:
    engine = assembled({})
    engine._runner.forward = None  # type: ignore[assignment,method-assign]  # calling it fails, as a lost device would
    failed = threading.Event()
    ended: list[Output] = []
    engine.start(ended.extend, failed.set)
    sequences = [ask(prompt) for prompt in PROMPTS]
    engine.submit(sequences)
    assert failed.wait(10)
    assert {output.sequence.finish for output in ended} == {Finish.ERROR}
    assert len(ended) == len(sequences)
    assert engine.unfinished == 0


def ask(prompt: Items[int], temperature: float = 0.0, seed: int | None = None) -> Sequence:
    return Sequence(
        prompt=prompt,
        sampling=Sampling(max_tokens=NEW_TOKENS, temperature=temperature, seed=seed),
        transcript=Transcript(VOCABULARY, ()),
        deadline=time.monotonic() + 60,
    )


def assembled(limits: dict[str, int], *, reuse: bool = True) -> InferenceEngine:
    config = ServeFile.model_validate(
        {"inference": {"cacheTokens": 4096, **limits}, "modelFolder": "unused", "port": 8000}
    )
    return assemble(MODEL, VOCABULARY, config, Metrics("test"), reuse=reuse)


_arrived = threading.Condition()
_outputs: list[Output] = []


def start(limits: dict[str, int], *, reuse: bool = True) -> InferenceEngine:
    engine = assembled(limits, reuse=reuse)
    engine.start(_keep, lambda: None)
    return engine


def _keep(outputs: list[Output]) -> None:
    with _arrived:
        _outputs.extend(outputs)
        _arrived.notify()


def run(engine: InferenceEngine, sequences: list[Sequence]) -> dict[int, str]:
    """The text of each sequence by its id(), when all have ended."""
    _outputs.clear()
    engine.submit(sequences)
    with _arrived:
        assert _arrived.wait_for(lambda: sum(output.finish is not None for output in _outputs) == len(sequences), 60)
    assert all(sequence.finish is Finish.LENGTH for sequence in sequences)
    texts: dict[int, str] = {id(sequence): "" for sequence in sequences}
    for output in _outputs:
        texts[id(output.sequence)] += output.text
    return texts
