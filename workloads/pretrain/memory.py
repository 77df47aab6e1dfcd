"""What a training run needs of memory and disk, estimated before it starts."""

from dataclasses import dataclass

from components.spec.training import Precision, Sharding, TrainingSpec

PROCESS_BYTES = 500 * 2**20
"""A worker before it has a model: Python and torch (measured on torch 2.15, CPU)."""

CHECKPOINT_BYTES_PER_PARAMETER = 12
"""float32 weight and the two moments of AdamW."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Bytes of one rank, by what they hold."""

    state_bytes: int
    """float32 weights, gradients and both moments of AdamW: 16 bytes a parameter, divided by the sharding."""
    staging_bytes: int
    """The copy of weights and moments that an asynchronous checkpoint is written from."""
    activation_bytes: int
    """What the backward pass keeps of one micro-batch, logits included."""

    @property
    def total_bytes(self) -> int:
        return PROCESS_BYTES + self.state_bytes + self.staging_bytes + self.activation_bytes


def estimate_memory(training: TrainingSpec) -> MemoryEstimate:
    """The memory one rank needs at the asked-for number of nodes."""
    shards = _shards(training)
    parameters = training.model.parameters
    return MemoryEstimate(
        state_bytes=16 * parameters // shards,
        staging_bytes=CHECKPOINT_BYTES_PER_PARAMETER * parameters // shards,
        activation_bytes=_activation_bytes(training),
    )


def checkpoint_bytes(training: TrainingSpec) -> int:
    """The size of one checkpoint on disk."""
    return CHECKPOINT_BYTES_PER_PARAMETER * training.model.parameters


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
    model, tokens = training.model, training.batch.micro_sequences * training.model.context
    number_bytes = 2 if training.precision is Precision.BF16 else 4
    # Per token and block: 2 norms' inputs, query/key/value (rotated and not), the mix, the residuals: about 10 widths;
    # and gate, up, their product and its activation: 4 hidden widths.
    block = number_bytes * (10 * model.width + 4 * model.hidden_width)
    blocks = model.width * number_bytes * model.layers + block if training.activation_checkpointing else None
    # Logits, their log-softmax and its gradient, always float32.
    logits = 3 * 4 * model.vocabulary
    return tokens * ((blocks if blocks is not None else model.layers * block) + logits)
