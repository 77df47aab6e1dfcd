"""What training holds in memory, before it is tried.

Convention: parameters, gradients and AdamW's two moments in fp32 (16 bytes a parameter); DDP keeps all of it on each
rank and as much as the gradients again in its buckets, FSDP and HSDP a share, with one block gathered in full. A
checkpoint in flight keeps a copy of parameters and moments (12 bytes a parameter, sharded alike). Activations: 16
numbers of the residual's width and 4 of the feed-forward's width a token and layer, and three copies of the logits.
The interpreter with torch is RUNTIME_GIB. It is an estimate for refusing what cannot fit, not a measurement.
"""

from components.spec.training import ModelSpec, Sharding, TrainingSpec

RUNTIME_GIB = 0.4
"""Resident size of a Python process that has imported torch 2.15 and made a gloo group (measured 2026-11)."""

GIB = 2**30


def state_gib(model: ModelSpec) -> float:
    """Parameters, gradients and moments of the whole model in fp32."""
    return 16 * model.parameters / GIB


def activations_gib(training: TrainingSpec) -> float:
    """What one rank keeps between forward and backward of one micro-batch."""
    model, value_bytes = training.model, 4
    tokens = training.batch.micro_sequences * model.context
    layer = model.width if training.activation_checkpointing else 16 * model.width + 4 * model.hidden_width
    return tokens * (model.layers * layer + 3 * model.vocabulary) * value_bytes / GIB


def rank_gib(training: TrainingSpec, world_size: int) -> float:
    """What one rank holds at its peak, with the sharding that the spec has decided on."""
    parameters = training.model.parameters
    match training.parallel.sharding:
        case Sharding.FSDP:
            share = world_size
        case Sharding.HSDP:
            share = training.parallel.shard_ranks or world_size
        case _:
            share = 1
    gathered = 4 * parameters / max(1, training.model.layers) if share > 1 else 4 * parameters
    return RUNTIME_GIB + ((16 + 12) * parameters / share + gathered) / GIB + activations_gib(training)
