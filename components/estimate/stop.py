"""Time from the request to stop a training run to its last exit: the step under way, and a checkpoint.

Conventions, all on the slow side, since a run that is killed too early loses what it was given time to save: a tenth of
an accelerator's dense peak (trainers reach 30 to 50 % of it), 2 GFLOP/s of a core, and where nobody says how fast the
file system is, what one modest network file system writes.
"""

from dataclasses import dataclass

from components.catalog import MachineType
from components.estimate.memory import checkpoint_bytes
from components.spec.training import ActivationCheckpointing, Precision, TrainingSpec

SLOW_SHARE_OF_PEAK = 0.1
SLOW_CORE_FLOPS = 2e9
FAST_CORE_FLOPS = 2e11
"""More than a core of today reaches in fp32: two 512-bit multiply-add units at 3 GHz are 1.9e11."""

UNKNOWN_WRITE_MBPS = 200.0
RANK_WRITE_MBPS = 500.0
"""Most that one rank writes: it hashes and syncs every file."""

RECOMPUTED = {
    ActivationCheckpointing.NONE: 1.0,
    ActivationCheckpointing.SELECTIVE: 7 / 6,
    ActivationCheckpointing.FULL: 4 / 3,
}
"""Arithmetic of a step, of that without recomputation: a forward pass more is a third, half of its products a sixth."""

CHECKPOINTS = 2
"""The one that was under way when the request came, and the one that it asks for."""

MARGIN_S = 15.0
"""Joining the ranks, the exit of Python, and the agent's own."""

LEAST_GRACE_S = 45.0
"""Least grace that is given: ending a process group takes a while on a busy node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopEstimate:
    """Seconds of each part."""

    step_s: float
    checkpoint_s: float
    """Of one; CHECKPOINTS are waited for."""

    @property
    def total_s(self) -> float:
        return self.step_s + CHECKPOINTS * self.checkpoint_s + MARGIN_S

    def __str__(self) -> str:
        parts = f"a step of {self.step_s:.1f} s, {CHECKPOINTS} checkpoints of {self.checkpoint_s:.1f} s"
        return f"{parts} and {MARGIN_S:.0f} s to leave"


def estimate_stop(training: TrainingSpec, machine: MachineType, write_mbps: float) -> StopEstimate:
    """For a spec with nothing left open, on that machine type; `write_mbps` is 0 where the file system's is unknown."""
    ranks = training.nodes * (training.ranks_per_node or 1)
    rate_mbps = min(write_mbps or UNKNOWN_WRITE_MBPS, RANK_WRITE_MBPS * ranks)
    return StopEstimate(
        step_s=_step_flops(training) / (training.nodes * _slow_node_flops(training, machine)),
        checkpoint_s=checkpoint_bytes(training) / (rate_mbps * 1e6),
    )


def least_cpu_step_s(training: TrainingSpec, machine: MachineType) -> float:
    """Seconds of a step that no processor of that many cores comes under."""
    return _step_flops(training) / (training.nodes * machine.cores * FAST_CORE_FLOPS)


def _step_flops(training: TrainingSpec) -> float:
    """Of one optimizer step over all ranks; more where activations are computed again."""
    tokens = training.batch.sequences * training.model.context
    again = RECOMPUTED[training.activation_checkpointing]
    return training.flops_per_token * tokens * again


def _slow_node_flops(training: TrainingSpec, machine: MachineType) -> float:
    chip, ranks = machine.accelerator, training.ranks_per_node or 1
    if chip is None or not chip.bf16_tflops:
        return SLOW_CORE_FLOPS * min(machine.cores, ranks)
    peak = chip.bf16_tflops * 1e12 * (1 if training.precision is Precision.BF16 else 0.25)
    return min(machine.accelerator_count, ranks) * peak * SLOW_SHARE_OF_PEAK
