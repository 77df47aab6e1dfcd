"""Memory and disk that a training run needs, before it is tried.

Convention: the tensors of a rank at the highest moment of a step, as the bundled trainer holds them. `penstock plan
--dry-run` finds them by running that trainer on fake tensors, and the two agree within 10 %. What a driver and NCCL
take beside them is OVERHEAD_BYTES. It is an estimate for refusing what cannot fit, not a measurement.
"""

from dataclasses import dataclass

from components.spec.lora import LoraSpec
from components.spec.training import ActivationCheckpointing, ModelSpec, Precision, Sharding, TrainingSpec

PROCESS_BYTES = 500 * 2**20
"""A worker before it has a model: Python and torch (measured on torch 2.15, CPU, 2026-11)."""

OVERHEAD_BYTES = 2 * 2**30
"""On an accelerator beside the tensors: CUDA context and kernels, NCCL's channels, workspaces of matrix products and
gaps of the allocator. A convention, not measured."""

STATE_BYTES_PER_PARAMETER = 16
CHECKPOINT_BYTES_PER_PARAMETER = 12
"""The fp32 weight and the two moments of AdamW."""

LOGITS_BYTES = 2**29
"""Logits in fp32 that the trainer has at once (workloads/model/loss.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Bytes of one rank at its peak, by what they hold."""

    state_bytes: int
    """Weights, gradients and moments: the rank's share."""
    gathered_bytes: int
    """FSDP and HSDP: weights in full and gradients before they are reduced. DDP in bf16: the weights in bf16."""
    activation_bytes: int
    """Bytes that the backward pass keeps of one micro-batch, and what it and the loss make on the way."""
    staging_bytes: int
    """The copy, in main memory, that an asynchronous checkpoint is written from."""

    @property
    def tensor_bytes(self) -> int:
        """Bytes of tensors where the model is."""
        return self.state_bytes + self.gathered_bytes + self.activation_bytes

    @property
    def accelerator_bytes(self) -> int:
        """Bytes of an accelerator that holds the model."""
        return OVERHEAD_BYTES + self.tensor_bytes

    @property
    def total_bytes(self) -> int:
        """Bytes of main memory of a rank without an accelerator."""
        return PROCESS_BYTES + self.tensor_bytes + self.staging_bytes


def estimate_memory(training: TrainingSpec) -> MemoryEstimate:
    """The memory one rank needs with the sharding and the ranks that `training` has decided on."""
    moments = (_at_the_loss, _at_the_last_block, _behind_the_last_block, _at_the_embedding)
    state, gathered, activations = max((moment(training) for moment in moments), key=sum)
    return MemoryEstimate(
        state_bytes=state,
        gathered_bytes=gathered,
        activation_bytes=activations,
        staging_bytes=checkpoint_bytes(training) // _shards(training),
    )


def state_bytes(training: TrainingSpec) -> int:
    """Weights, gradients and moments of the whole model."""
    return STATE_BYTES_PER_PARAMETER * training.trained_parameters + _frozen_bytes(training)


def checkpoint_bytes(training: TrainingSpec) -> int:
    """The size of one checkpoint on disk."""
    return CHECKPOINT_BYTES_PER_PARAMETER * training.trained_parameters


def _frozen_bytes(training: TrainingSpec) -> int:
    """Weights of the model that adapters leave as they are, kept in the type of the products."""
    return _number_bytes(training) * training.model.parameters if training.lora else 0


def _shards(training: TrainingSpec) -> int:
    per_node = training.ranks_per_node or 1
    match training.parallel.sharding:
        case Sharding.FSDP:
            return per_node * training.nodes
        case Sharding.HSDP:
            return training.parallel.shard_ranks or per_node
        case Sharding.DDP | None:
            return 1


_Moment = tuple[int, int, int]
"""Bytes of state, of what is gathered, and of activations."""


def _at_the_loss(training: TrainingSpec) -> _Moment:
    """The head in full and its gradient, logits, and all that the blocks keep."""
    model, size = training.model, _number_bytes(training)
    tokens, head = _tokens(training), size * _head_parameters(model)
    logits = min(tokens * model.vocabulary, LOGITS_BYTES // 4) * (6 if size == 2 else 4)
    # Next to it lies what was just received, or of a head that the root holds, the block that is fetched next.
    gathered = head + (size * _block_parameters(model) if model.tie_embeddings else head)
    gradient = 0 if training.lora else head
    activations = _kept(training) + logits + gradient + 4 * size * tokens * model.width
    state = _state(training, gradients=_accumulates(training))
    return state, _copies(training) if _is_copied(training) else gathered, activations


def _at_the_last_block(training: TrainingSpec) -> _Moment:
    """The begin of the backward pass: the head's gradients on their way, this block in full and the one before."""
    model = training.model
    others = _kept(training) * (model.layers - 1) // model.layers
    reduced = _root_bytes(training) if model.tie_embeddings else _reduced(training, _head_parameters(model))
    gathered = reduced + 2 * _number_bytes(training) * _block_parameters(model)
    state = _state(training, gradients=_accumulates(training))
    return state, _copies(training) if _is_copied(training) else gathered, others + _inside(training)


def _behind_the_last_block(training: TrainingSpec) -> _Moment:
    """One block further: the gradients of the last block are on their way."""
    model, block = training.model, _block_parameters(training.model)
    others = _kept(training) * max(0, model.layers - 2) // model.layers
    gathered = _reduced(training, block) + 2 * _number_bytes(training) * block + _root_bytes(training)
    state = _state(training, gradients=_accumulates(training))
    return state, _copies(training) if _is_copied(training) else gathered, others + _inside(training)


def _at_the_embedding(training: TrainingSpec) -> _Moment:
    """The end of the backward pass: all other gradients are there, the embedding's are on their way."""
    model, size = training.model, _number_bytes(training)
    head = _head_parameters(model)
    gathered = 0 if _is_copied(training) or training.lora else 2 * size * head + _reduced(training, head)
    state = _state(training, gradients=True)
    if not _accumulates(training) and not training.lora:
        state -= 4 * _head_parameters(model) // _shards(training)
    return state, gathered, 2 * size * _tokens(training) * model.width


def _root_bytes(training: TrainingSpec) -> int:
    """A matrix that embedding and head share is held through the whole pass, and its gradient from the head on."""
    shared = training.model.tie_embeddings and not _is_copied(training)
    kept = 1 if training.lora else 2
    return kept * _number_bytes(training) * _head_parameters(training.model) if shared else 0


def _reduced(training: TrainingSpec, parameters: int) -> int:
    """Gradients in fp32 on their way to their shards; those of adapters are too few to count."""
    return 0 if training.lora else 4 * parameters


def _state(training: TrainingSpec, *, gradients: bool) -> int:
    per_parameter = STATE_BYTES_PER_PARAMETER if gradients else CHECKPOINT_BYTES_PER_PARAMETER
    return (per_parameter * training.trained_parameters + _frozen_bytes(training)) // _shards(training)


def _accumulates(training: TrainingSpec) -> bool:
    """True if gradients of earlier micro-batches are there in the next one. DDP's buckets are there always."""
    ranks = training.nodes * (training.ranks_per_node or 1)
    return _is_copied(training) or training.batch.sequences > ranks * training.batch.micro_sequences


def _is_copied(training: TrainingSpec) -> bool:
    return _shards(training) == 1 and training.parallel.sharding not in {Sharding.FSDP, Sharding.HSDP}


def _copies(training: TrainingSpec) -> int:
    """Weights in bf16, which autocast keeps through a pass."""
    return 2 * training.trained_parameters if training.precision is Precision.BF16 else 0


def _number_bytes(training: TrainingSpec) -> int:
    return 2 if training.precision is Precision.BF16 else 4


def _tokens(training: TrainingSpec) -> int:
    return training.batch.micro_sequences * training.model.context


def _head_parameters(model: ModelSpec) -> int:
    return model.vocabulary * model.width


def _block_parameters(model: ModelSpec) -> int:
    heads = _head_parameters(model) * (1 if model.tie_embeddings else 2)
    return (model.parameters - heads) // model.layers


def _kept(training: TrainingSpec) -> int:
    """Bytes that the blocks keep for the backward pass."""
    model, size = training.model, _number_bytes(training)
    attention = model.heads * model.head_size
    stream = 4 * model.width if _is_copied(training) else size * model.width
    match training.activation_checkpointing:
        case ActivationCheckpointing.FULL:
            block = stream
        case ActivationCheckpointing.SELECTIVE:
            block = stream + size * (_kept_products(training) + attention)
        case ActivationCheckpointing.NONE:
            block = _plain_block(training)
    return _tokens(training) * model.layers * block


def _kept_products(training: TrainingSpec) -> int:
    """Numbers a token that selective recomputation keeps of a block: every second matrix product, in their order. A
    matrix with an adapter is three.
    """
    model, lora = training.model, training.lora
    whole = LoraSpec().shapes(model)
    products: list[int] = []
    for target, (rows, _) in whole.items():
        products += [lora.rank, rows, rows] if lora and target in lora.targets else [rows]
    return sum(products[::2])


def _plain_block(training: TrainingSpec) -> int:
    """Bytes a token that a block keeps where nothing is computed again.

    Counted: both norms' inputs and outputs, in bf16 also in fp32; query, key and value with a head for each query,
    attention and its output in order; gate, its activation, up and their product. A norm that is not trained keeps none
    in fp32.
    """
    model, size = training.model, _number_bytes(training)
    numbers = 4 * model.width + 5 * model.heads * model.head_size + 4 * model.hidden_width
    adapters = 0 if training.lora is None else training.lora.rank * len(training.lora.targets)
    return size * (numbers + adapters) + (8 * model.width if size == 2 and training.lora is None else 0)


def _inside(training: TrainingSpec) -> int:
    """Bytes of one block in the backward pass: kept or computed again, gradients of activations, and of weights about
    half.
    """
    model, size = training.model, _number_bytes(training)
    gradients = size * (2 * model.hidden_width + model.width)
    weights = 0 if training.lora else size * _block_parameters(model) // 2
    return _tokens(training) * (_plain_block(training) + gradients) + weights
