"""The thread that runs the model: takes requests, steps, hands text back.

HTTP and model share one process, but not a queue per token: requests come in through an inbox, and what all
sequences gained goes out in one hand-over, at once when one got its first token or ended, else every few
milliseconds. So a busy server writes a few larger chunks instead of one per token and client.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Items
from dataclasses import dataclass, field

import torch

from workloads.serve.metrics import Metrics
from workloads.serve.runner import ModelRunner
from workloads.serve.sampling import choose, logprobs
from workloads.serve.scheduler import ScheduledStep, Scheduler
from workloads.serve.sequence import Finish, Output, Sequence, TokenLogprob

log = logging.getLogger("penstock.serve")

HAND_OVER_S = 0.01
"""Longest that text waits to be handed over: below what a reader can see."""
EXPIRY_CHECK_S = 0.05
RATE_WINDOW = 64
"""Finished sequences that the rate for Retry-After is measured over."""

Deliver = Callable[[list[Output]], None]


class QueueFullError(Exception):
    """One more sequence than may wait; carries when to try again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("the queue is full")
        self.retry_after_s = retry_after_s


class DrainingError(Exception):
    """The server is stopping and takes nothing new."""


@dataclass(slots=True)
class _Gain:
    """Tokens that one sequence gained since the last hand-over."""

    text: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: Finish | None = None


class InferenceEngine:
    """Continuous batching in a thread of its own. `submit`, `cancel` and `stop` may be called from any thread."""

    def __init__(self, runner: ModelRunner, scheduler: Scheduler, metrics: Metrics, queue_limit: int) -> None:
        self._runner, self._scheduler, self._metrics = runner, scheduler, metrics
        self._queue_limit = queue_limit
        self._wake = threading.Condition()
        self._inbox: list[Sequence] = []
        self._cancelled: list[tuple[Sequence, Finish]] = []
        self._unfinished = 0
        self._draining = self._stopped = False
        self._finished_at: deque[float] = deque(maxlen=RATE_WINDOW)
        self._gains: dict[Sequence, _Gain] = {}
        self._handed_over = self._expiry_checked = 0.0
        self._urgent = False
        self._deliver: Deliver = lambda _: None
        self._on_failure: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self, deliver: Deliver, on_failure: Callable[[], None]) -> None:
        """Begin to serve. Both callbacks are called on the engine's thread and must not block."""
        self._deliver, self._on_failure = deliver, on_failure
        self._thread.start()

    def submit(self, sequences: Items[Sequence]) -> None:
        """Queue all of them, or none: QueueFullError, DrainingError."""
        with self._wake:
            if self._draining:
                raise DrainingError
            excess = self._unfinished + len(sequences) - self._places()
            if excess > 0:
                raise QueueFullError(self._retry_after_s(excess))
            self._unfinished += len(sequences)
            self._inbox += sequences
            self._wake.notify()

    def cancel(self, sequences: Iterable[Sequence], reason: Finish = Finish.ABORT) -> None:
        """End what is not finished yet; its blocks are free before the next step."""
        with self._wake:
            self._cancelled += ((sequence, reason) for sequence in sequences)
            self._wake.notify()

    def drain(self) -> None:
        """Take nothing new; what is there goes on."""
        with self._wake:
            self._draining = True

    def stop(self) -> None:
        """End everything that is left with Finish.SHUTDOWN, and the thread."""
        with self._wake:
            self._draining = self._stopped = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def unfinished(self) -> int:
        return self._unfinished

    @property
    def running(self) -> int:
        return len(self._scheduler.running)

    @property
    def waiting(self) -> int:
        return len(self._scheduler.waiting) + len(self._inbox)

    @property
    def cache_usage(self) -> float:
        return self._scheduler.blocks.held / self._scheduler.blocks.total

    @property
    def preemptions(self) -> int:
        return self._scheduler.preemptions

    @property
    def prefix_queries(self) -> int:
        return self._scheduler.prefix_queries

    @property
    def prefix_hits(self) -> int:
        return self._scheduler.prefix_hits

    def _places(self) -> int:
        """Sequences that may be unfinished: those that can run, and the queue."""
        scheduler = self._scheduler
        able = len(scheduler.running) if scheduler.short_of_blocks else scheduler.max_sequences
        return able + self._queue_limit

    def _retry_after_s(self, excess: int) -> int:
        """Seconds until `excess` places are free at the rate of the last finished sequences; 1 to 60."""
        finished = self._finished_at
        if len(finished) < 2:
            return 1
        per_s = len(finished) / max(time.monotonic() - finished[0], 1e-3)
        return min(60, 1 + int(excess / per_s))

    def _run(self) -> None:
        # One thread of torch: the matrices of a small model are not worth splitting, and HTTP needs the other cores.
        # Large models on an accelerator do not compute on the CPU at all.
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                while self._turn():
                    pass
            self._end_all(Finish.SHUTDOWN)
        except Exception:
            log.exception("the engine failed")
            self._draining = True
            self._end_all(Finish.ERROR)
            self._on_failure()

    def _turn(self) -> bool:
        """One round: messages, deadlines, a step, the hand-over. False when the engine is to stop."""
        self._receive()
        if self._stopped:
            return False
        now = time.monotonic()
        if now - self._expiry_checked >= EXPIRY_CHECK_S:
            self._expire(now)
        step = self._scheduler.step(now)
        if step.tokens:
            self._execute(step)
        self._hand_over()
        return True

    def _receive(self) -> None:
        with self._wake:
            scheduler = self._scheduler
            while not (self._inbox or self._cancelled or self._stopped or scheduler.running or scheduler.waiting):
                self._wake.wait()
            inbox, self._inbox = self._inbox, []
            cancelled, self._cancelled = self._cancelled, []
            for sequence in inbox:
                scheduler.add(sequence)
        for sequence, reason in cancelled:
            if sequence.finish is None:
                self._finish(sequence, reason, time.monotonic())

    def _expire(self, now: float) -> None:
        self._expiry_checked = now
        for sequence in (*self._scheduler.running, *self._scheduler.waiting):
            if now >= sequence.deadline:
                self._finish(sequence, Finish.DEADLINE, now)

    def _execute(self, step: ScheduledStep) -> None:
        logits, sequences = self._runner.forward(step)
        self._scheduler.computed(step)
        if not sequences:
            return
        tokens = choose(logits, sequences)
        reports = logprobs(logits, sequences, tokens)
        now = time.monotonic()
        for sequence, token, report in zip(sequences, tokens, reports, strict=True):
            self._append(sequence, token, report, now)

    def _append(self, sequence: Sequence, token: int, report: TokenLogprob | None, now: float) -> None:
        self._metrics.token(sequence, now)
        if sequence.first_token is None:
            sequence.first_token = now
            self._urgent = True
        sequence.last_token = now
        sequence.tokens.append(token)
        text, finish = _read(sequence, token)
        gain = self._gain(sequence)
        gain.text.append(text)
        if report:
            gain.logprobs.append(report)
        if finish:
            self._finish(sequence, finish, now)

    def _finish(self, sequence: Sequence, reason: Finish, now: float) -> None:
        self._scheduler.remove(sequence)
        sequence.finish = reason
        self._gain(sequence).finish = reason
        self._urgent = True
        self._metrics.finished(sequence, reason, now)
        self._finished_at.append(now)
        with self._wake:
            self._unfinished -= 1

    def _gain(self, sequence: Sequence) -> _Gain:
        return self._gains.setdefault(sequence, _Gain())

    def _hand_over(self) -> None:
        now = time.monotonic()
        if not self._gains or not (self._urgent or now - self._handed_over >= HAND_OVER_S):
            return
        outputs = [
            Output(
                sequence=sequence,
                text="".join(gain.text),
                logprobs=gain.logprobs,
                finish=gain.finish,
                generated=sequence.generated,
            )
            for sequence, gain in self._gains.items()
        ]
        self._gains, self._urgent, self._handed_over = {}, False, now
        self._deliver(outputs)

    def _end_all(self, reason: Finish) -> None:
        with self._wake:
            inbox, self._inbox = self._inbox, []
        for sequence in inbox:
            self._scheduler.add(sequence)
        for sequence in (*self._scheduler.running, *self._scheduler.waiting):
            self._finish(sequence, reason, time.monotonic())
        self._hand_over()


def _read(sequence: Sequence, token: int) -> tuple[str, Finish | None]:
    """The text that a new token adds, and whether it ends the sequence."""
    sampling = sequence.sampling
    if token in sampling.stop_tokens:
        text, _ = sequence.transcript.finish()
        return text, Finish.STOP
    text, stopped = sequence.transcript.push(token)
    if stopped:
        return text, Finish.STOP
    if sequence.generated < sampling.max_tokens:
        return text, None
    rest, stopped = sequence.transcript.finish()
    return text + rest, Finish.STOP if stopped else Finish.LENGTH
