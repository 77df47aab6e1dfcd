"""The model on many ranks, of which there is one: torch's fake process group."""

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule
from torch.testing._internal.distributed.fake_pg import FakeStore

from components.spec.training import ActivationCheckpointing, ModelSpec, ParallelSpec, Precision, Sharding, TrainingSpec
from workloads.model.transformer import Block, Transformer, draw_rows
from workloads.pretrain.train.parallelize import ParallelModel, mesh_of, parallelize, start

CPU = torch.device("cpu")
MODEL = ModelSpec(layers=2, width=64, heads=4, kv_heads=2, vocabulary=512, context=16, tie_embeddings=False)


@pytest.fixture
def four_ranks() -> Iterator[None]:
    dist.init_process_group("fake", rank=1, world_size=4, store=FakeStore())
    yield
    dist.destroy_process_group()


def sharded(
    sharding: Sharding = Sharding.FSDP,
    model: ModelSpec = MODEL,
    recompute: ActivationCheckpointing = ActivationCheckpointing.NONE,
) -> ParallelModel:
    parallel = ParallelSpec(sharding=sharding, shard_ranks=2 if sharding is Sharding.HSDP else None)
    training = TrainingSpec(
        model=model, ranks_per_node=4, parallel=parallel, precision=Precision.BF16, activation_checkpointing=recompute
    )
    built = parallelize(training, CPU, mesh_of(training, CPU))
    start(built, training)
    return built


def own_parameters(model: nn.Module, module: nn.Module) -> set[str]:
    """Parameters that a module gathers by itself."""
    assert isinstance(module, FSDPModule)
    group = module._get_fsdp_state()._fsdp_param_group
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter.sharded_param)] for parameter in group.fsdp_params} if group else set()


@pytest.mark.usefixtures("four_ranks")
def test_embedding_and_head_are_gathered_when_they_are_wanted() -> None:
    model = sharded().transformer
    assert own_parameters(model, model) == set()
    assert own_parameters(model, model.embedding) == {"embedding.weight"}
    assert own_parameters(model, model.norm) == {"norm.weight", "head.weight"}


@pytest.mark.usefixtures("four_ranks")
def test_a_matrix_that_both_share_belongs_to_the_root() -> None:
    model = sharded(model=MODEL.model_copy(update={"tie_embeddings": True})).transformer
    assert own_parameters(model, model) == {"embedding.weight", "norm.weight"}


@pytest.mark.usefixtures("four_ranks")
@pytest.mark.parametrize("sharding", list(Sharding))
def test_blocks_compute_in_bf16_and_rotate_by_angles_in_fp32(sharding: Sharding) -> None:
    seen: list[tuple[torch.dtype, ...]] = []

    def look(block: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        assert isinstance(block, Block)
        kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else block.mlp.up.weight.dtype
        seen.append((kind, inputs[1].dtype))

    model = sharded(sharding)
    for block in model.transformer.blocks:
        block.register_forward_pre_hook(look)
    tokens = torch.zeros(1, 16, dtype=torch.int64)
    assert model.loss(tokens, tokens).dtype == torch.float32
    assert seen == 2 * [(torch.bfloat16, torch.float32)]


@pytest.mark.usefixtures("four_ranks")
@pytest.mark.parametrize("recompute", list(ActivationCheckpointing))
@pytest.mark.parametrize("sharding", [Sharding.FSDP, Sharding.HSDP])
def test_a_rank_draws_its_own_rows_of_the_same_weights(
    sharding: Sharding, recompute: ActivationCheckpointing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workloads.model.transformer.DRAWN_AT_ONCE", 1000)
    whole = Transformer(MODEL)
    whole.initialize(1)
    ranks = 2 if sharding is Sharding.HSDP else 4
    for name, parameter in sharded(sharding, recompute=recompute).transformer.named_parameters():
        wanted = whole.get_parameter(name.replace("_checkpoint_wrapped_module.", ""))
        rows = len(wanted) // ranks
        assert torch.equal(parameter.to_local(), wanted[rows : 2 * rows]), name  # type: ignore[attr-defined]  # a DTensor


def test_rows_are_the_same_whoever_draws_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workloads.model.transformer.DRAWN_AT_ONCE", 30)
    whole = torch.empty(23, 7)
    draw_rows(whole, 0, deviation=2.0, seed=5, matrix=3)
    for first, last in ((0, 5), (3, 4), (4, 23), (22, 23), (8, 8)):
        part = torch.empty(last - first, 7)
        draw_rows(part, first, deviation=2.0, seed=5, matrix=3)
        assert torch.equal(part, whole[first:last])
    assert whole.std().item() == pytest.approx(2.0, rel=0.2)
    assert len({round(value, 6) for value in whole.flatten().tolist()}) == whole.numel(), "blocks repeat each other"


def test_another_matrix_and_another_seed_have_other_numbers() -> None:
    drawn = []
    for seed, matrix in ((1, 1), (1, 2), (2, 1)):
        out = torch.empty(4, 4)
        draw_rows(out, 0, deviation=1.0, seed=seed, matrix=matrix)
        drawn.append(tuple(out.flatten().tolist()))
    assert len(set(drawn)) == 3
