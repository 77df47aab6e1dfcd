"""The estimate of a rank's memory; tests/workloads/pretrain/test_dry_run.py holds it to the trainer itself."""

from dataclasses import replace

import pytest

from components.estimate.memory import OVERHEAD_BYTES, PROCESS_BYTES, checkpoint_bytes, estimate_memory
from components.spec.training import (
    ActivationCheckpointing,
    BatchSpec,
    ModelSpec,
    ParallelSpec,
    Precision,
    Sharding,
    TrainingSpec,
)

MODEL = ModelSpec(layers=2, width=64, heads=4, kv_heads=2, vocabulary=512, context=256)
LARGE = ModelSpec(
    layers=32, width=4096, heads=32, kv_heads=8, mlp_width=14336, vocabulary=128256, context=8192, tie_embeddings=False
)


def spec(sharding: Sharding, micro: int = 2, model: ModelSpec = MODEL) -> TrainingSpec:
    parallel = ParallelSpec(sharding=sharding, shard_ranks=2 if sharding is Sharding.HSDP else None)
    batch = BatchSpec(sequences=8, micro_sequences=micro)
    return TrainingSpec(model=model, ranks_per_node=4, parallel=parallel, batch=batch)


@pytest.mark.parametrize(("sharding", "shards"), [(Sharding.DDP, 1), (Sharding.FSDP, 4), (Sharding.HSDP, 2)])
def test_state_is_divided_by_the_ranks_of_a_shard(sharding: Sharding, shards: int) -> None:
    found = estimate_memory(spec(sharding, micro=1))
    assert found.state_bytes == 16 * MODEL.parameters // shards
    assert found.staging_bytes == 12 * MODEL.parameters // shards


def test_sharded_gradients_are_held_from_the_second_micro_batch_on() -> None:
    """And never those of the whole model, whatever the number of micro-batches."""
    one, two = (estimate_memory(spec(Sharding.FSDP, micro)) for micro in (2, 1))
    assert (one.state_bytes, two.state_bytes) == (12 * MODEL.parameters // 4, 16 * MODEL.parameters // 4)
    assert two.gathered_bytes == one.gathered_bytes


def test_a_copy_for_a_checkpoint_lies_in_main_memory() -> None:
    found = estimate_memory(spec(Sharding.DDP))
    grown = replace(found, staging_bytes=found.staging_bytes + 7)
    assert grown.total_bytes - found.total_bytes == 7
    assert grown.accelerator_bytes == found.accelerator_bytes == OVERHEAD_BYTES + found.tensor_bytes
    assert found.total_bytes == PROCESS_BYTES + found.tensor_bytes + found.staging_bytes


def test_recomputing_keeps_less() -> None:
    training = spec(Sharding.FSDP, model=LARGE).model_copy(update={"nodes": 32, "precision": Precision.BF16})
    none, selective, full = (
        estimate_memory(training.model_copy(update={"activation_checkpointing": kind})).tensor_bytes
        for kind in ActivationCheckpointing
    )
    assert full < 0.5 * selective < 0.4 * none


def test_smaller_numbers_keep_less() -> None:
    low = spec(Sharding.FSDP).model_copy(update={"precision": Precision.BF16})
    assert estimate_memory(low).activation_bytes < estimate_memory(spec(Sharding.FSDP)).activation_bytes


def test_logits_do_not_grow_with_the_micro_batch() -> None:
    """Only a piece of them is there at once."""
    words = LARGE.model_copy(update={"layers": 1, "width": 64, "heads": 4, "kv_heads": 2, "mlp_width": 128})
    one, four = (
        estimate_memory(TrainingSpec(model=words, batch=BatchSpec(sequences=4, micro_sequences=micro))).activation_bytes
        for micro in (1, 4)
    )
    assert four - one < words.vocabulary * words.context


def test_a_checkpoint_is_weights_and_two_moments() -> None:
    assert checkpoint_bytes(TrainingSpec(model=MODEL)) == 12 * MODEL.parameters
