"""One replica: from loading through serving to draining, and the mail between the engine and the replies."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from pathlib import Path

import torch

from components.errors import PenstockError
from workloads.model.transformer import Transformer
from workloads.serve.ask import Ask, Asker
from workloads.serve.blocks import BlockManager
from workloads.serve.config import ServeFile
from workloads.serve.engine import DrainingError, InferenceEngine, QueueFullError
from workloads.serve.errors import ReplyError, unready
from workloads.serve.load import LoadError, find_export, has_export, load_model
from workloads.serve.metrics import Metrics
from workloads.serve.room import CudaMemory, cache_tokens
from workloads.serve.runner import ModelRunner
from workloads.serve.sampling import choose
from workloads.serve.scheduler import Scheduler
from workloads.serve.sequence import Output, Sampling, Sequence
from workloads.serve.text import Transcript, Vocabulary, load_vocabulary

log = logging.getLogger("penstock.serve")

BLOCK_TOKENS = 16
FLUSH_S = 2.0
"""Seconds that clients get, after the last sequence ended, to read what is left."""


WAIT_EVERY_S = 2.0
"""Seconds between two looks for a model that is still being trained."""


class ServiceState(StrEnum):
    WAITING = "waiting for a model"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


class Mailbox:
    """Output that one reply has not written yet. A reader that is slow finds several pieces at once."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self._open = len(ask.sequences)
        self._outputs: list[Output] = []
        self._arrived = asyncio.Event()

    def push(self, output: Output) -> None:
        self._outputs.append(output)
        self._open -= output.finish is not None
        self._arrived.set()

    async def batches(self) -> AsyncIterator[list[Output]]:
        """All that has come since the last time, until every sequence has ended."""
        while self._open or self._outputs:
            await self._arrived.wait()
            self._arrived.clear()
            outputs, self._outputs = self._outputs, []
            yield _merged(outputs)


class Service:
    """The state of a replica. All methods but `load` belong to the event loop's thread."""

    def __init__(self, config: ServeFile) -> None:
        self.config = config
        self.name = config.inference.name
        self.created = int(time.time())
        self.state = ServiceState.LOADING
        self.failure: str | None = None
        """The user's mistake that made loading fail."""
        self.metrics = Metrics(self.name)
        self._engine: InferenceEngine | None = None
        self._asker: Asker | None = None
        self._mailboxes: dict[Sequence, Mailbox] = {}
        self._stopping = False

    def start(self, on_end: Callable[[], None]) -> None:
        """Load in the background; `on_end` is called, on the event loop, when the replica is to exit."""
        self._loop, self._on_end = asyncio.get_running_loop(), on_end
        threading.Thread(target=self._load, name="load", daemon=True).start()

    @property
    def asker(self) -> Asker:
        """Turns bodies into sequences; ApiError 503 while there is no model, or no longer."""
        if self.state is ServiceState.READY and self._asker:
            return self._asker
        raise unready(f"the server is {self.state.value}; try another replica, or this one again")

    def open(self, ask: Ask) -> Mailbox:
        """Queue the request; ApiError 429 when too many wait, 503 when draining."""
        assert self._engine is not None
        try:
            self._engine.submit(ask.sequences)
        except DrainingError:
            raise unready("the server is draining; try another replica") from None
        except QueueFullError as full:
            self.metrics.turned_away()
            raise ReplyError(
                429,
                f"{self.config.inference.queue_limit} requests wait already; try again in {full.retry_after_s} s",
                code="queue_full",
                headers={"Retry-After": str(full.retry_after_s)},
            ) from None
        mailbox = Mailbox(ask)
        self._mailboxes.update(dict.fromkeys(ask.sequences, mailbox))
        return mailbox

    def close(self, mailbox: Mailbox) -> None:
        """The reply is written or its client is gone: end what still runs for it."""
        assert self._engine is not None
        unfinished = [sequence for sequence in mailbox.ask.sequences if sequence.finish is None]
        for sequence in mailbox.ask.sequences:
            self._mailboxes.pop(sequence, None)
        if unfinished:
            self._engine.cancel(unfinished)

    async def drain(self) -> None:
        """Finish what runs within drainS, end the rest with an error, then let the process exit."""
        if self._stopping:
            return
        self._stopping = True
        if self.state is not ServiceState.FAILED:
            self.state = ServiceState.DRAINING
            log.info("draining, at most %g s", self.config.inference.drain_s)
        if self._engine:
            self._engine.drain()
            await self._until_no_mail(self.config.inference.drain_s)
            await asyncio.to_thread(self._engine.stop)
            await self._until_no_mail(FLUSH_S)
        self._on_end()

    async def _until_no_mail(self, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while self._mailboxes and time.monotonic() < end:
            await asyncio.sleep(0.02)

    def _load(self) -> None:
        try:
            if self.config.wait_for_model:
                self._wait_for_model()
            if self._stopping:
                return
            started = time.monotonic()
            engine, asker = build(self.config, self.metrics)
            log.info("loaded %s in %.2f s", self.config.model_folder, time.monotonic() - started)
            self._on_loop(lambda: self._loaded(engine, asker))
        except PenstockError as error:
            message = str(error)
            self._on_loop(lambda: self._fail(message))
        except Exception:
            log.exception("loading failed")
            self._on_loop(lambda: self._fail(None))

    def _wait_for_model(self) -> None:
        """Return when there is a finished export; one that is damaged is not waited out."""
        folder = Path(self.config.model_folder)
        while not self._stopping and not has_export(folder):
            if self.state is ServiceState.LOADING:
                log.info("waiting for a model in %s", folder)
                self._on_loop(lambda: self._wait(ServiceState.WAITING))
            time.sleep(WAIT_EVERY_S)
        self._on_loop(lambda: self._wait(ServiceState.LOADING))

    def _wait(self, state: ServiceState) -> None:
        if not self._stopping:
            self.state = state

    def _loaded(self, engine: InferenceEngine, asker: Asker) -> None:
        if self._stopping:
            return
        engine.start(self._deliver, lambda: self._on_loop(lambda: self._fail(None)))
        self._engine, self._asker = engine, asker
        self.state = ServiceState.READY
        inference = self.config.inference
        log.info("%s is ready on http://%s:%d", self.name, inference.host, self.config.port)

    def _fail(self, failure: str | None) -> None:
        self.state, self.failure = ServiceState.FAILED, failure
        self._drain_task = self._loop.create_task(self.drain())

    def _deliver(self, outputs: list[Output]) -> None:
        """From the engine's thread: one hand-over for all sequences."""
        self._on_loop(lambda: self._sort(outputs))

    def _sort(self, outputs: list[Output]) -> None:
        for output in outputs:
            mailbox = self._mailboxes.get(output.sequence)
            if mailbox:
                mailbox.push(output)

    def _on_loop(self, call: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)


def build(config: ServeFile, metrics: Metrics) -> tuple[InferenceEngine, Asker]:
    """Load, check and warm up what `config` names; LoadError, SpecError for the user's mistakes."""
    export = find_export(Path(config.model_folder))
    context = export.model.context
    if (asked := config.inference.cache_tokens) is not None and asked < context:
        raise LoadError(
            f"inference.cacheTokens: {asked} cannot hold one text of this model "
            f"(context {context}); raise it to {context} at least, or leave it out"
        )
    if config.device == "cuda" and not torch.cuda.is_available():
        raise LoadError("device: 'cuda', but torch sees no CUDA device here; use 'cpu'")
    vocabulary = load_vocabulary(export)
    model = load_model(export, torch.device(config.device))
    engine = assemble(model, vocabulary, config, metrics)
    return engine, Asker(vocabulary=vocabulary, context=context, config=config)


def assemble(
    model: Transformer, vocabulary: Vocabulary, config: ServeFile, metrics: Metrics, *, reuse: bool = True
) -> InferenceEngine:
    """An engine for a model that is in memory, warmed up; `reuse` off forgets the keys and values of ended texts."""
    inference = config.inference
    with torch.inference_mode():
        memory = CudaMemory() if model.embedding.weight.is_cuda else None
        tokens = cache_tokens(model, vocabulary, inference, BLOCK_TOKENS, memory)
    log.info("the cache holds %d tokens", tokens)
    count = -(-tokens // BLOCK_TOKENS)
    runner = ModelRunner(model, blocks=count, block_tokens=BLOCK_TOKENS)
    scheduler = Scheduler(
        BlockManager(count, BLOCK_TOKENS, reuse=reuse),
        max_sequences=inference.max_sequences,
        max_batch_tokens=inference.max_batch_tokens,
    )
    with torch.inference_mode():
        _warm_up(runner, vocabulary, inference.max_batch_tokens)
    engine = InferenceEngine(runner, scheduler, metrics, inference.queue_limit)
    metrics.watch(engine)
    return engine


def _warm_up(runner: ModelRunner, vocabulary: Vocabulary, batch_tokens: int) -> None:
    """A prompt and two steps of decoding, so that the first request does not pay for lazy set-up."""
    scheduler = Scheduler(
        BlockManager(runner.keys.shape[1], runner.block_tokens), max_sequences=2, max_batch_tokens=batch_tokens
    )
    length = min(batch_tokens // 2, runner.model.spec.context - 2)
    for _ in range(2):
        transcript = Transcript(vocabulary, ())
        prompt = [vocabulary.begin] * length
        scheduler.add(Sequence(prompt=prompt, sampling=Sampling(max_tokens=2), transcript=transcript, deadline=0.0))
    for _ in range(3):
        step = scheduler.step(0.0)
        logits, sequences = runner.forward(step)
        scheduler.computed(step)
        for sequence, token in zip(sequences, choose(logits, sequences), strict=True):
            sequence.tokens.append(token)


def _merged(outputs: list[Output]) -> list[Output]:
    """The outputs of each sequence as one, in order."""
    if len(outputs) == 1:
        return outputs
    by_sequence: dict[Sequence, list[Output]] = {}
    for output in outputs:
        by_sequence.setdefault(output.sequence, []).append(output)
    return [
        Output(
            sequence=sequence,
            text="".join(part.text for part in parts),
            logprobs=[report for part in parts for report in part.logprobs],
            finish=parts[-1].finish,
            generated=parts[-1].generated,
        )
        for sequence, parts in by_sequence.items()
    ]
