"""The training loop of one rank. Every decision in it is made from numbers that all ranks share."""

import gc
import time
from collections.abc import Sequence
from enum import Enum, auto

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grad_norm_

from components.spec.training import Sharding
from components.stop_request import StopRequest
from workloads.model.loss import IGNORED
from workloads.pretrain.config import JobFile
from workloads.pretrain.data.loader import Loader, MicroBatch, rank_share
from workloads.pretrain.data.tokens import TokenData
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.record.journal import Journal, StepReport
from workloads.pretrain.record.ledger import EventKind
from workloads.pretrain.record.peak import peak_of
from workloads.pretrain.record.progress import Progress
from workloads.pretrain.record.status import RunState
from workloads.pretrain.train.checkpoint import Checkpointer, Ended
from workloads.pretrain.train.guard import Guard, StepVerdict
from workloads.pretrain.train.optimizer import build_optimizer, learning_rate
from workloads.pretrain.train.parallelize import mesh_of, parallelize, start
from workloads.pretrain.train.profiler import Profiler
from workloads.pretrain.train.watch import HangWatch, Limits, RankPhase, Stragglers

VALIDATION_SEQUENCES = 64
"""Sequences the validation loss is measured on, at most."""

COLLECT_EVERY_STEPS = 50
"""Steps between two runs of Python's garbage collector: on all ranks at once, so that none is waited for alone."""

SAVE_PATIENCE_S = 10.0
"""Seconds that a checkpoint which is due waits for the one before; then it is left out: a slow disk costs no steps."""


class Outcome(Enum):
    FINISHED = auto()
    STOPPED = auto()
    """On request; the last step is in a checkpoint."""
    FAILED = auto()
    """The guard gave up: starting again would fail in the same way."""


class Trainer:
    """A training run, seen from one rank."""

    def __init__(self, job: JobFile, data: TokenData, device: torch.device, journal: Journal, watch: HangWatch) -> None:
        self.training, self.data, self.device, self.journal = job.training, data, device, journal
        self.peak_tflops = job.peak_tflops
        self.rank, self.world_size = dist.get_rank(), dist.get_world_size()
        torch.manual_seed(self.training.seed + self.rank)
        mesh = mesh_of(self.training, device)
        watch.guard([None, *(mesh.get_all_groups() if mesh else [])])
        self.model = parallelize(self.training, device, mesh)
        self.parameters = [one for one in self.model.module.parameters() if one.requires_grad]
        self.optimizer = build_optimizer(self.model.module, self.training.optimizer)
        context, seed = self.training.model.context, self.training.seed
        self.loader = Loader(data.train, context, seed, data.end_of_text)
        self.validation = Loader(data.validation, context, seed, data.end_of_text)
        self.checkpointer = Checkpointer(
            RunFolder.of(job).checkpoints,
            self.training.checkpoint.keep,
            self.model.module,
            self.optimizer,
            timeout_s=Limits.of(self.training).seconds[RankPhase.SAVE],
        )
        self.progress = Progress(
            model=self.training.model.model_dump(by_alias=True),
            lora=self.training.lora.model_dump(mode="json", by_alias=True) if self.training.lora else None,
            data_digest=data.digest,
            world_size=self.world_size,
        )
        self.guard = Guard(self.training.guard, self.progress.guard)
        self.watch = watch
        self.loss = self.gradient_norm = self.rate = self.data_s = 0.0
        self.saving = False
        """True if a rank had a checkpoint under way at the end of the last step; the same on all ranks."""
        self.stragglers = Stragglers(self.training.guard.straggler_ratio, device)
        folder, asked = RunFolder.of(job), self.training.profile
        self.profiler = Profiler(folder, asked, self.rank, device, journal.warn)
        self.stop = StopRequest()
        self.validation_loss: float | None = None
        self.step_ended = time.perf_counter()

    def begin(self) -> None:
        """Go on from the newest checkpoint, or fill the weights that the run starts with.

        A checkpoint of adapters has nothing else: the model's own weights are those of its folder.
        """
        if self.training.lora is not None:
            start(self.model, self.training)
            self.restore()
        elif not self.restore():
            start(self.model, self.training)

    def restore(self) -> bool:
        """Go on from the newest checkpoint, if there is one. SpecError when it is of another model or other data."""
        found = self.checkpointer.restore(self.progress, self.journal.warn)
        if found is None:
            return False
        found.world_size = self.world_size
        self.progress, self.guard.state = found, found.guard
        return True

    def run(self) -> Outcome:
        """Train up to `steps`, or to a request to stop, and leave the last step in a checkpoint."""
        self._settle_buckets()
        # Not earlier: a Python handler cannot run while the process waits in a C++ rendezvous. Before the process group
        # is up the default, which is to die at once, is the faster way to stop, and nothing is lost yet.
        self.stop.listen()
        self.watch.enter(RankPhase.FIRST_STEP)
        if self._evaluation_is_due():  # it was stopped behind the step and before its evaluation
            self.evaluate()
        self.journal.training(self.progress.step, peak_of(self.device, self.peak_tflops))
        gc.freeze()
        gc.disable()
        outcome = self._loop()
        gc.enable()
        self.watch.enter(RankPhase.SAVE)
        if outcome is not Outcome.FAILED and self.checkpointer.latest != self.progress.step:
            self._checkpoint()
        self.journal.enter(RunState.CHECKPOINTING, EventKind.CHECKPOINT, self.progress.step)
        self._note(self.checkpointer.finish())
        dist.barrier()
        if outcome is Outcome.FINISHED and self.progress.evaluated_step != self.progress.step:
            self.evaluate()
        return outcome

    def evaluate(self) -> float:
        """Nats per token on the held-out text."""
        with self.watch.inside(RankPhase.EVALUATE):
            return self._evaluate()

    def _evaluate(self) -> float:
        self.journal.enter(RunState.TRAINING, EventKind.EVALUATE, self.progress.step)
        count = min(VALIDATION_SEQUENCES, self.validation.sequences)
        shares = rank_share(0, count, self.rank, self.world_size, self.training.batch.micro_sequences)
        micro_batches = self.validation.batch(shares, self.device)
        total = torch.zeros((), device=self.device)
        with torch.no_grad():
            for micro in micro_batches:
                total += self.model.loss(micro.tokens, micro.targets, micro.documents)
        dist.all_reduce(total)
        self.validation_loss = float(total / self._learned(micro_batches, count))
        self.progress.evaluated_step = self.progress.step
        self.journal.evaluated(self.progress.step, self.validation_loss)
        return self.validation_loss

    def _loop(self) -> Outcome:
        self.step_ended = time.perf_counter()
        while self.progress.step < self.training.steps:
            self.profiler.before(self.progress.step + 1)
            verdict, stop = self._step()
            self.watch.progress()
            if self.profiler.after():
                with self.watch.inside(RankPhase.SAVE):
                    self.profiler.write()
            if verdict is StepVerdict.FAIL or (verdict is StepVerdict.REWIND and not self._rewind()):
                return Outcome.FAILED
            if verdict is StepVerdict.APPLY:
                self._after_step()
            if stop and self.progress.step < self.training.steps:
                return Outcome.STOPPED
            if verdict is StepVerdict.APPLY:
                self._chores()
        return Outcome.FINISHED

    def _step(self) -> tuple[StepVerdict, bool]:
        """One batch: gradients, their judgement, and the optimizer's step when it is in order."""
        batch, progress = self.training.batch, self.progress
        shares = rank_share(progress.sample, batch.sequences, self.rank, self.world_size, batch.micro_sequences)
        begun = time.perf_counter()
        micro_batches = self.loader.batch(shares, self.device)
        self.data_s = time.perf_counter() - begun
        loss = self._gradients(micro_batches)
        norm = clip_grad_norm_(self.parameters, self.training.optimizer.clip_norm, foreach=True)
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        own = loss.new_tensor((float(self.stop.requested), float(self.checkpointer.is_saving)))
        sums = torch.cat((torch.stack((loss, norm.to(loss) / self.world_size)), own))
        dist.all_reduce(sums)
        total, self.gradient_norm, stops, saving = sums.tolist()
        self.loss, self.saving = total, saving > 0
        verdict = self.guard.judge(progress.step, total, self.gradient_norm)
        progress.sample += batch.sequences
        self.checkpointer.wait_for_staging()
        if verdict is StepVerdict.APPLY:
            self.rate = learning_rate(self.training.optimizer, progress.step, self.training.steps)
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate
            self.optimizer.step()
            progress.step += 1
        elif verdict is StepVerdict.SKIP:
            self.journal.skipped(progress.step, total)
        self.optimizer.zero_grad(set_to_none=True)
        return verdict, stops > 0

    def _gradients(self, micro_batches: Sequence[MicroBatch]) -> Tensor:
        """This rank's part of the batch's mean loss; the ranks' gradients are averaged behind the last micro-batch."""
        learned = self._learned(micro_batches, self.training.batch.sequences)
        loss = torch.zeros((), device=self.device)
        for index, micro in enumerate(micro_batches):
            with self.model.gradient_sync(index == len(micro_batches) - 1):
                with self.stragglers.own_time():
                    part = self.model.loss(micro.tokens, micro.targets, micro.documents) / learned
                # Averaging over the ranks divides by their number, but the parts are shares of one mean already.
                torch.autograd.backward(part * self.world_size)
            loss += part.detach()
        return loss

    def _learned(self, micro_batches: Sequence[MicroBatch], sequences: int) -> Tensor | int:
        """Targets that count in so many sequences over all ranks: all of text, of conversations the answers."""
        if not self.data.converses:
            return sequences * self.training.model.context
        counted = sum(((micro.targets != IGNORED).sum() for micro in micro_batches), torch.tensor(0)).to(self.device)
        dist.all_reduce(counted)
        return counted.clamp_min(1)

    def _after_step(self) -> None:
        now = time.perf_counter()
        self.journal.step(
            StepReport(
                step=self.progress.step,
                loss=self.loss,
                gradient_norm=self.gradient_norm,
                learning_rate=self.rate,
                seconds=now - self.step_ended,
                data_s=self.data_s,
            )
        )
        self.step_ended = now
        if self.progress.step % COLLECT_EVERY_STEPS == 0:
            gc.collect(1)
        if (slow := self.stragglers.compare()) is not None:
            self.journal.stragglers(slow)

    def _rewind(self) -> bool:
        """Back to the last checkpoint, on with the data that follows the bad part; whether there was one."""
        step, sample, skipped = self.progress.step, self.progress.sample, self.guard.state.skipped
        with self.watch.inside(RankPhase.RESTORE):
            self._note(self.checkpointer.finish())
            if not self.restore():
                return False
        self.progress.sample = sample
        self.guard.state.skipped = skipped
        self.guard.note_rewind(step)
        self.journal.warn(f"too many bad batches in a row: went back to step {self.progress.step}, on with other data")
        return True

    def _chores(self) -> None:
        """Work that is due after a step besides training; its time is not the next step's."""
        step = self.progress.step
        self._note(self.checkpointer.poll())
        checkpoint = step % self.training.checkpoint.every_steps == 0
        evaluation = self._evaluation_is_due()
        if evaluation:
            self.evaluate()
        if (
            checkpoint and self._may_save()
        ):  # behind the evaluation, which is not done again by a run that goes on from here
            self._checkpoint()
        if checkpoint or evaluation:
            self.journal.enter(RunState.TRAINING, EventKind.TRAIN, step)
            self.step_ended = time.perf_counter()

    def _evaluation_is_due(self) -> bool:
        step = self.progress.step
        return step > 0 and step % self.training.evaluate_every_steps == 0 and self.progress.evaluated_step != step

    def _checkpoint(self) -> None:
        self.journal.enter(RunState.CHECKPOINTING, EventKind.CHECKPOINT, self.progress.step)
        with self.watch.inside(RankPhase.SAVE):
            self._note(self.checkpointer.save(self.progress))

    def _may_save(self) -> bool:
        """False on all ranks while a checkpoint is under way on one of them, and has been for too long."""
        if not self.saving:
            return True
        with self.watch.inside(RankPhase.SAVE):
            late = torch.tensor(float(not self.checkpointer.wait(SAVE_PATIENCE_S)), device=self.device)
            dist.all_reduce(late)
        if late.item() > 0:
            step = self.progress.step
            self.journal.warn(f"no checkpoint of step {step}: the one before is still being written; storage is slow")
        return late.item() == 0

    def _note(self, ended: Ended | None) -> None:
        """Tell how a save ended."""
        if ended is None:
            return
        if ended.failure is None:
            self.journal.checkpointed(ended.step, self.checkpointer.stall_s)
        else:
            older = self.checkpointer.committed
            self.journal.warn(f"{ended.failure}; the run goes on, its newest checkpoint is of step {older or 'none'}")

    def _settle_buckets(self) -> None:
        """Let DDP arrange its buckets before the first real step.

        It reorders them after the first backward pass of a process, and with them the order in which more than two
        ranks add up gradients: a resumed run would differ from an uninterrupted one in the last bit.
        """
        if self.world_size <= 2 or self.training.parallel.sharding is not Sharding.DDP:
            return
        for _ in range(2):
            tokens = torch.zeros(1, self.training.model.context, dtype=torch.long, device=self.device)
            torch.autograd.backward(self.model.loss(tokens, tokens) * 0.0)
        self.optimizer.zero_grad(set_to_none=True)
