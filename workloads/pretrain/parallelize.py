"""The model on its ranks: sharded or copied, in the order checkpointing -> compile -> sharding.

That order is torchtitan's: the compiler has to see the recomputation, and the sharding hooks must stay outside of
what is compiled.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from components.spec.training import Precision, Sharding, TrainingSpec
from workloads.model.hugging_face import outer_name
from workloads.model.transformer import Transformer
from workloads.pretrain.config import ranks_per_node
from workloads.pretrain.origin import origin_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelModel:
    """The model as this rank holds it."""

    module: nn.Module
    """The module that is called; checkpoints and the optimizer see it too."""
    transformer: Transformer
    """The model itself, which DDP wraps."""
    autocast: torch.dtype | None
    """The type DDP computes in; FSDP's policy does this by itself."""

    def logits(self, tokens: Tensor) -> Tensor:
        if self.autocast is None:
            logits: Tensor = self.module(tokens)
        else:
            with torch.autocast(tokens.device.type, dtype=self.autocast):
                logits = self.module(tokens)
        return logits

    @contextmanager
    def gradient_sync(self, wanted: bool) -> Iterator[None]:
        """Switches averaging of gradients over the ranks in the backward pass inside: only the last micro-batch's does
        it.
        """
        if isinstance(self.module, FSDPModule):
            self.module.set_requires_gradient_sync(wanted)
            yield
        elif wanted:
            yield
        else:
            assert isinstance(self.module, DistributedDataParallel)
            with self.module.no_sync():
                yield


def parallelize(training: TrainingSpec, device: torch.device) -> ParallelModel:
    """The model on this rank's device, its weights not filled yet: `start` or a checkpoint does that."""
    with torch.device("meta"):
        model = Transformer(training.model)
    _prepare_blocks(model, training)
    low = torch.bfloat16 if training.precision is Precision.BF16 else None
    sharding = training.parallel.sharding
    assert sharding is not None
    if sharding is Sharding.DDP:
        _materialize(model, device)
        ddp = DistributedDataParallel(model, gradient_as_bucket_view=True, forward_sync_buffers=False, init_sync=False)
        return ParallelModel(module=ddp, transformer=model, autocast=low)
    shard(model, _mesh_of(training, device), low)
    _materialize(model, device)
    return ParallelModel(module=model, transformer=model, autocast=None)


def _prepare_blocks(model: Transformer, training: TrainingSpec) -> None:
    """Recomputation and compilation, block by block."""
    for index, block in enumerate(model.blocks):
        if training.activation_checkpointing:
            model.blocks[index] = checkpoint_wrapper(block)
        if training.compile_blocks:
            model.blocks[index].compile()


def _mesh_of(training: TrainingSpec, device: torch.device) -> DeviceMesh:
    """All ranks in one dimension, or groups that hold a whole copy each and shard it inside."""
    world_size = dist.get_world_size()
    if training.parallel.sharding is Sharding.FSDP:
        return init_device_mesh(device.type, (world_size,), mesh_dim_names=("shard",))
    group = training.parallel.shard_ranks or ranks_per_node(training)
    return init_device_mesh(device.type, (world_size // group, group), mesh_dim_names=("replicate", "shard"))


def shard(model: Transformer, mesh: DeviceMesh, low: torch.dtype | None) -> None:
    """Shard each block by itself, so that only one is whole at a time; what is left belongs to the root."""
    policy = MixedPrecisionPolicy(param_dtype=low, reduce_dtype=torch.float32)
    for block in model.blocks:
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)


def _materialize(model: Transformer, device: torch.device) -> None:
    """Memory for a model made on the meta device."""
    model.to_empty(device=device)
    if model.spec.tie_embeddings:
        # to_empty gives each module a matrix of its own.
        model.head.weight = model.embedding.weight
    model.fill_table()


def start(model: ParallelModel, training: TrainingSpec) -> None:
    """Fill the weights of a run that begins: those of the folder it starts from, each rank reading its own rows alone;
    else random ones, which depend on the seed and not on how they lie on the ranks.
    """
    origin = origin_of(training.model)
    if origin is None:
        model.transformer.initialize(torch.Generator().manual_seed(training.seed), place)
        return
    weights = get_model_state_dict(model.module)
    if training.model.tie_embeddings:
        weights.pop("head.weight", None)
    # The state is the parameters themselves, so what is read into it is in the model.
    own = {outer_name(name): weight for name, weight in weights.items()}
    load(own, storage_reader=HuggingFaceStorageReader(str(origin)), no_dist=True)


def place(parameter: Tensor, value: Tensor) -> None:
    """Put a whole value into a parameter that may be sharded: each rank takes its part of its own copy."""
    if isinstance(parameter, DTensor):
        whole = value.to(parameter.device)
        parameter.copy_(distribute_tensor(whole, parameter.device_mesh, parameter.placements, src_data_rank=None))
    else:
        parameter.copy_(value)
