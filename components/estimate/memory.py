"""Memory and disk that a training run needs, before it is tried.

Convention: weights, gradients and AdamW's two moments in fp32 are 16 bytes a parameter, divided by the sharding; what
is copied or gathered beside them is counted apart. It is an estimate for refusing what cannot fit, not a measurement.
"""

from dataclasses import dataclass

from components.spec.training import ModelSpec, Precision, Sharding, TrainingSpec

PROCESS_BYTES = 500 * 2**20
"""A worker before it has a model: Python and torch (measured on torch 2.15, CPU, 2026-11)."""

STATE_BYTES_PER_PARAMETER = 16
CHECKPOINT_BYTES_PER_PARAMETER = 12
"""The fp32 weight and the two moments of AdamW."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Bytes of one rank at its peak, by what they hold."""

    state_bytes: int
    """Weights, gradients and moments: the rank's share."""
    gathered_bytes: int
    """DDP: gradients again, in its buckets. FSDP and HSDP: the weights of one block in full."""
    staging_bytes: int
    """The copy that an asynchronous checkpoint is written from."""
    activation_bytes: int
    """Bytes that the backward pass keeps of one micro-batch, logits included."""

    @property
    def total_bytes(self) -> int:
        held = self.state_bytes + self.gathered_bytes + self.staging_bytes + self.activation_bytes
        return PROCESS_BYTES + held


def estimate_memory(training: TrainingSpec) -> MemoryEstimate:
    """The memory one rank needs with the sharding and the ranks that `training` has decided on."""
    parameters, shards = training.model.parameters, _shards(training)
    return MemoryEstimate(
        state_bytes=STATE_BYTES_PER_PARAMETER * parameters // shards,
        gathered_bytes=4 * parameters // (1 if shards == 1 else training.model.layers),
        staging_bytes=CHECKPOINT_BYTES_PER_PARAMETER * parameters // shards,
        activation_bytes=_activation_bytes(training),
    )


def state_bytes(model: ModelSpec) -> int:
    """Weights, gradients and moments of the whole model."""
    return STATE_BYTES_PER_PARAMETER * model.parameters


def checkpoint_bytes(model: ModelSpec) -> int:
    """The size of one checkpoint on disk."""
    return CHECKPOINT_BYTES_PER_PARAMETER * model.parameters


def _shards(training: TrainingSpec) -> int:
    per_node = training.ranks_per_node or 1
    match training.parallel.sharding:
        case Sharding.FSDP:
            return per_node * training.nodes
        case Sharding.HSDP:
            return training.parallel.shard_ranks or per_node
        case Sharding.DDP | None:
            return 1


def _activation_bytes(training: TrainingSpec) -> int:
    """Counted a token: norms' inputs, rotated and plain projections, the mix and the residuals are about 10 widths of a
    block, gate, up, their product and its activation 4 hidden widths; of the logits three copies, always in fp32."""
    model, tokens = training.model, training.batch.micro_sequences * training.model.context
    number_bytes = 2 if training.precision is Precision.BF16 else 4
    block = number_bytes * (10 * model.width + 4 * model.hidden_width)
    kept = (
        model.layers * number_bytes * model.width + block if training.activation_checkpointing else model.layers * block
    )
    return tokens * (kept + 3 * 4 * model.vocabulary)
