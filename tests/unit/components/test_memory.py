"""The estimate of a rank's memory."""

from dataclasses import replace

from components.estimate.memory import PROCESS_BYTES, checkpoint_bytes, estimate_memory
from components.spec.training import BatchSpec, ModelSpec, ParallelSpec, Precision, Sharding, TrainingSpec

MODEL = ModelSpec(layers=2, width=64, heads=4, kv_heads=2, vocabulary=512, context=64)


def spec(sharding: Sharding, ranks: int = 4) -> TrainingSpec:
    return TrainingSpec(model=MODEL, ranks_per_node=ranks, parallel=ParallelSpec(sharding=sharding))


def test_every_rank_of_ddp_holds_all_of_the_state() -> None:
    assert estimate_memory(spec(Sharding.DDP)).state_bytes == 16 * MODEL.parameters


def test_fsdp_divides_the_state_by_the_world() -> None:
    assert estimate_memory(spec(Sharding.FSDP)).state_bytes == 16 * MODEL.parameters // 4


def test_hsdp_divides_it_by_its_group() -> None:
    parallel = ParallelSpec(sharding=Sharding.HSDP, shard_ranks=2)
    training = TrainingSpec(model=MODEL, ranks_per_node=4, parallel=parallel)
    assert estimate_memory(training).state_bytes == 16 * MODEL.parameters // 2


def test_the_parts_add_up() -> None:
    estimate = estimate_memory(spec(Sharding.DDP))
    grown = replace(estimate, staging_bytes=estimate.staging_bytes + 7)
    assert grown.total_bytes - estimate.total_bytes == 7
    assert estimate.total_bytes > PROCESS_BYTES


def test_recomputing_and_smaller_numbers_keep_less() -> None:
    plain = estimate_memory(spec(Sharding.DDP)).activation_bytes
    assert estimate_memory(TrainingSpec(model=MODEL, activation_checkpointing=True)).activation_bytes < plain
    assert estimate_memory(TrainingSpec(model=MODEL, precision=Precision.BF16)).activation_bytes < plain


def test_activations_grow_with_the_micro_batch() -> None:
    one = estimate_memory(TrainingSpec(model=MODEL, batch=BatchSpec(micro_sequences=1))).activation_bytes
    four = estimate_memory(TrainingSpec(model=MODEL, batch=BatchSpec(micro_sequences=4))).activation_bytes
    assert four == 4 * one


def test_a_checkpoint_is_weights_and_two_moments() -> None:
    assert checkpoint_bytes(MODEL) == 12 * MODEL.parameters
