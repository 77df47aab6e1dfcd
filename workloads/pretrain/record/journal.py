"""Reports of a run in one place: log, metrics, ledger and status. Only rank 0 writes."""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from components.estimate.failures import best_interval_s, failure_interval_s
from components.spec.training import TrainingSpec
from workloads.prepare.manifest import read_manifest
from workloads.pretrain.folder import RunFolder, json_lines
from workloads.pretrain.record.ledger import EventKind, Ledger, TimeAccount
from workloads.pretrain.record.metrics import MetricsListener, MetricsLog, PrometheusMetrics, last_step
from workloads.pretrain.record.peak import Peak
from workloads.pretrain.record.status import RunState, StatusFile
from workloads.pretrain.record.trackers import Trackers

log = logging.getLogger(__name__)

LOG_EVERY_STEPS = 10
CHECKPOINTS_WEIGHED = 3
"""Checkpoints whose stall is measured before the best interval is told."""
SMOOTHING = 0.1
"""Weight of the newest step in the tokens/s that is shown and that the time left is computed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One applied optimizer step."""

    step: int
    loss: float
    gradient_norm: float
    learning_rate: float
    seconds: float
    data_s: float = 0.0
    """Of these, what rank 0 has waited for its tokens."""


class Journal:
    """Every method does nothing on the other ranks, so that the trainer reads the same on all."""

    def __init__(  # noqa: PLR0913 (all that surrounds a run, by name)
        self, folder: RunFolder, training: TrainingSpec, attempt: int, rank: int, world_size: int, *,
        metrics_at: MetricsListener | None = None, accelerators: int = 0, trackers: Trackers | None = None,
    ) -> None:  # fmt: skip
        """`accelerators`: those that the run is on, 0 on processors, of whose failures nothing is known."""
        self._trackers = trackers
        self._writes = rank == 0
        self._training, self._world_size, self._attempt = training, world_size, attempt
        self._tokens_per_step = training.batch.sequences * training.model.context
        self._accelerators, self._checkpoints = accelerators, 0
        self._peak: Peak | None = None
        self._tokens_per_s = 0.0
        self._loss: float | None = None
        if self._writes:
            self._folder = folder
            self._status = StatusFile(folder.status)
            self._account = TimeAccount(json_lines(folder.ledger))
            self._ledger = Ledger(folder.ledger, attempt, self._account)
            self._metrics = MetricsLog(folder.metrics)
            self._prometheus = PrometheusMetrics(folder.prometheus, metrics_at)
            self._prometheus.world_size.set(world_size)
            self._prometheus.attempt.set(attempt)

    def enter(self, state: RunState, kind: EventKind | None, step: int | None = None, **status: object) -> None:
        """A new state, at once; `kind` is what the ledger counts the time from now as."""
        if not self._writes:
            return
        if kind is not None:
            self._ledger.enter(kind, step)
        if step is not None:
            status["step"] = step
        self._status.write(
            state, worldSize=self._world_size, attempt=self._attempt, steps=self._training.steps, **status
        )

    def training(self, step: int, peak: Peak) -> None:
        """The first step after a start is about to begin."""
        if not self._writes:
            return
        self._peak = peak
        log.info("step %d of %d, %d ranks; MFU against %s", step, self._training.steps, self._world_size, peak.source)
        self._ledger.enter(EventKind.TRAIN, step, reached=last_step(self._folder.metrics))
        self._status.write(
            RunState.TRAINING,
            step=step,
            steps=self._training.steps,
            worldSize=self._world_size,
            attempt=self._attempt,
            checkpointStep=step or None,
            message=f"training from step {step}",
        )

    def step(self, report: StepReport) -> None:
        if not self._writes:
            return
        tokens_per_s = self._training.batch.sequences * self._training.model.context / report.seconds
        self._tokens_per_s += (SMOOTHING if self._tokens_per_s else 1.0) * (tokens_per_s - self._tokens_per_s)
        self._loss = report.loss
        mfu = self._mfu(tokens_per_s)
        self._metrics.add(
            step=report.step,
            loss=report.loss,
            learningRate=report.learning_rate,
            gradientNorm=report.gradient_norm,
            tokensPerS=round(tokens_per_s, 1),
            mfu=round(mfu, 4),
            worldSize=self._world_size,
            attempt=self._attempt,
        )
        self._ledger.train(report.step, report.data_s)
        self._show(report, mfu)
        if report.step % LOG_EVERY_STEPS == 0:
            log.info(
                "step %d loss %.4f norm %.2f rate %.2e %.0f tokens/s MFU %.1f %%",
                report.step,
                report.loss,
                report.gradient_norm,
                report.learning_rate,
                tokens_per_s,
                100 * mfu,
            )

    def evaluated(self, step: int, loss: float) -> None:
        if self._writes:
            bits = self._bits_per_byte(loss)
            log.info("step %d validation loss %.4f", step, loss)
            told = {"validationLoss": loss} | ({} if bits is None else {"validationBitsPerByte": round(bits, 5)})
            self._metrics.add(step=step, **told)
            self._prometheus.validation_loss.set(loss)
            if bits is not None:
                self._prometheus.bits_per_byte.set(bits)
            self._status.write(RunState.TRAINING, step=step, validationLoss=loss)

    def _bits_per_byte(self, loss: float) -> float | None:
        """A loss, in nats per token, by the tokens and bytes of the whole corpus, which compares across tokenizers;
        None where the tokens came ready and nobody knows the bytes, and of conversations, of which answers count alone.
        """
        data = read_manifest(self._folder.data)
        if any(source.packed for source in data.sources):
            return None
        return loss / math.log(2) * sum(data.tokens) / data.bytes if data.bytes else None

    def checkpointed(self, step: int, stall_s: float) -> None:
        """The checkpoint of a step is safe."""
        if self._writes:
            log.info("checkpoint of step %d is written", step)
            self._prometheus.checkpoint_step.set(step)
            self._prometheus.checkpoint_stall.set(stall_s)
            self._checkpoints += 1
            self._weigh_interval(stall_s / self._checkpoints)
            self._status.note(checkpointStep=step)

    def _weigh_interval(self, stall_s: float) -> None:
        """Compares the interval of checkpoints with the one that loses the least; says so once, and in the metrics."""
        if not self._accelerators or not self._tokens_per_s:
            return
        step_s = self._tokens_per_step / self._tokens_per_s
        between_s = failure_interval_s(self._accelerators)
        best = max(1, round(best_interval_s(stall_s, between_s) / step_s))
        self._prometheus.best_interval.set(best * step_s)
        if self._checkpoints == CHECKPOINTS_WEIGHED:
            log.info(
                "a checkpoint stalls steps for %.2f s, and %d accelerators fail every %.0f h or so: one each %d steps "
                "loses the least (checkpoint.everySteps is %d)",
                stall_s,
                self._accelerators,
                between_s / 3600,
                best,
                self._training.checkpoint.every_steps,
            )

    def skipped(self, step: int, loss: float) -> None:
        """A batch was not applied. Its loss is given as text: JSON has no NaN."""
        self.warn(
            f"the batch after step {step} was skipped: its loss or gradient is not finite, or far above the mean "
            f"(loss {loss})"
        )
        if self._writes:
            self._metrics.add(step=step, skippedLoss=str(loss))
            self._prometheus.skipped.inc()

    def stragglers(self, ratios: Mapping[int, float]) -> None:
        """The slow ranks of the newest comparison, and no others, with their time over the median."""
        if self._writes:
            self._prometheus.straggler.clear()
        for rank, ratio in ratios.items():
            self.warn(f"rank {rank} is a straggler: {ratio:.1f} times the median of the ranks")
            if self._writes:
                self._prometheus.straggler.labels(rank=str(rank)).set(ratio)

    def warn(self, message: str) -> None:
        """Something the user should know while the run goes on."""
        if self._writes:
            log.warning(message)
            self._status.note(message=message, warning=message)

    def say(self, message: str) -> None:
        """Writes a message about the work that goes on just now."""
        if self._writes:
            self._status.note(message=message)

    def close(self, state: RunState, step: int | None, message: str) -> None:
        """The last word."""
        if self._writes:
            self._ledger.enter(EventKind.STOPPED, step)
            self._prometheus.account(self._account.goodput(), self._tokens_per_step)
            self._prometheus.write(now=True)
            if self._trackers is not None:
                for lacking in self._trackers.close(state is RunState.FINISHED):
                    self.warn(lacking)
            known = {"step": step, "loss": self._loss, "tokensPerS": round(self._tokens_per_s, 1)}
            changes = {key: value for key, value in known.items() if value}
            self._status.write(state, etaS=None, message=message, **changes)

    def _mfu(self, tokens_per_s: float) -> float:
        assert self._peak is not None
        return tokens_per_s * self._training.flops_per_token / (self._peak.flops * self._world_size)

    def _show(self, report: StepReport, mfu: float) -> None:
        prometheus = self._prometheus
        prometheus.step.set(report.step)
        prometheus.loss.set(report.loss)
        prometheus.gradient_norm.set(report.gradient_norm)
        prometheus.learning_rate.set(report.learning_rate)
        prometheus.tokens_per_s.set(self._tokens_per_s)
        prometheus.mfu.set(mfu)
        prometheus.account(self._account.goodput(time.time()), self._tokens_per_step)
        prometheus.write()
        self._look_at_trackers()
        if self._status.due:
            left = self._training.steps - report.step
            tokens = left * self._training.batch.sequences * self._training.model.context
            self._status.write(
                RunState.TRAINING,
                step=report.step,
                loss=report.loss,
                tokensPerS=round(self._tokens_per_s, 1),
                etaS=round(tokens / self._tokens_per_s, 1),
            )

    def _look_at_trackers(self) -> None:
        """Tells what is wrong with them, now and then."""
        if self._trackers is None or not self._trackers.due:
            return
        for message in self._trackers.news():
            self.warn(message)
        for kind, waiting, refused in self._trackers.behind():
            self._prometheus.tracker_waiting.labels(tracker=kind.value).set(waiting)
            self._prometheus.tracker_refused.labels(tracker=kind.value).set(refused)
