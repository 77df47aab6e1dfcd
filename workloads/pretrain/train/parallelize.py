"""The model on its ranks: sharded or copied, in the order checkpointing -> compile -> sharding.

That order is torchtitan's: the compiler has to see the recomputation, and the sharding hooks must stay outside of
what is compiled.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import CheckpointPolicy, SelectiveCheckpointContext, create_selective_checkpoint_contexts

from components.spec.training import ActivationCheckpointing, Precision, Sharding, TrainingSpec
from workloads.model.hugging_face import outer_name
from workloads.model.lora import LORA_A, LORA_B, add_adapters, is_adapter
from workloads.model.transformer import Transformer, draw_rows
from workloads.pretrain.config import ranks_per_node
from workloads.pretrain.train.origin import origin_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelModel:
    """The model as this rank holds it."""

    module: nn.Module
    """The module that is called; checkpoints and the optimizer see it too."""
    transformer: Transformer
    """The model itself, which DDP wraps."""
    autocast: torch.dtype | None
    """The type DDP computes in; FSDP's policy does this by itself."""

    def loss(self, tokens: Tensor, targets: Tensor, documents: Tensor | None = None) -> Tensor:
        """Cross-entropy in float32, summed over the targets that are not IGNORED."""
        if self.autocast is None:
            loss: Tensor = self.module(tokens, targets, documents)
        else:
            with torch.autocast(tokens.device.type, dtype=self.autocast):
                loss = self.module(tokens, targets, documents)
        return loss

    @contextmanager
    def gradient_sync(self, last: bool) -> Iterator[None]:
        """Has the backward pass inside add its gradients up over the ranks as far as it saves memory or traffic.

        What is sharded is reduced in every micro-batch: kept, its gradients would be the whole model's, unsharded and
        in fp32 (`FSDPModule.set_requires_gradient_sync`). What is left, between copies, waits for the last one.
        """
        if isinstance(self.module, FSDPModule):
            self.module.set_requires_all_reduce(last)
            yield
        elif last:
            yield
        else:
            assert isinstance(self.module, DistributedDataParallel)
            with self.module.no_sync():
                yield


def parallelize(training: TrainingSpec, device: torch.device, mesh: DeviceMesh | None) -> ParallelModel:
    """The model on this rank's device, its weights not filled yet: `start` or a checkpoint does that.

    `mesh` is that of `mesh_of`.
    """
    with torch.device("meta"):
        model = build(training)
    low = torch.bfloat16 if training.precision is Precision.BF16 else None
    if mesh is None:
        _materialize(model, device)
        ddp = DistributedDataParallel(model, gradient_as_bucket_view=True, forward_sync_buffers=False, init_sync=False)
        return ParallelModel(module=ddp, transformer=model, autocast=low)
    shard(model, mesh, low)
    _materialize(model, device)
    return ParallelModel(module=model, transformer=model, autocast=None)


def build(training: TrainingSpec) -> Transformer:
    """The model before it is spread over ranks, with the adapters that are trained in its place."""
    model = Transformer(training.model)
    if training.lora is not None:
        frozen = torch.bfloat16 if training.precision is Precision.BF16 else torch.float32
        add_adapters(model, training.lora, frozen)
    _prepare_blocks(model, training)
    return model


def _prepare_blocks(model: Transformer, training: TrainingSpec) -> None:
    """Recomputation and compilation, block by block."""
    for index, block in enumerate(model.blocks):
        match training.activation_checkpointing:
            case ActivationCheckpointing.FULL:
                model.blocks[index] = checkpoint_wrapper(block)
            case ActivationCheckpointing.SELECTIVE:
                model.blocks[index] = checkpoint_wrapper(block, context_fn=_selective)
            case ActivationCheckpointing.NONE:
                pass
        if training.compile_blocks:
            model.blocks[index].compile()


_ATTENTION = frozenset(
    {
        torch.ops.torch_attn._varlen_attn.default,  # noqa: SLF001  # that of documents, on accelerators
        *(
            getattr(torch.ops.aten, f"_scaled_dot_product_{kind}").default
            for kind in ("flash_attention", "efficient_attention", "cudnn_attention", "flash_attention_for_cpu")
        ),
    }
)


def _selective() -> Any:
    """Keeps attention and every second matrix product, and computes the rest again: torchtitan's default.

    Source: pytorch/torchtitan, distributed/activation_checkpoint.py (2026-08).
    """
    products: dict[bool, int] = defaultdict(int)

    def policy(context: SelectiveCheckpointContext, operation: Any, *_: Any, **__: Any) -> CheckpointPolicy:
        if operation is torch.ops.aten.mm.default:
            products[context.is_recompute] += 1
            keep = products[context.is_recompute] % 2 == 1
        else:
            keep = operation in _ATTENTION
        return CheckpointPolicy.MUST_SAVE if keep else CheckpointPolicy.PREFER_RECOMPUTE

    return create_selective_checkpoint_contexts(policy)  # type: ignore[no-untyped-call]  # torch's


def mesh_of(training: TrainingSpec, device: torch.device) -> DeviceMesh | None:
    """All ranks in one dimension, or groups that hold a whole copy each and shard it inside; None under DDP."""
    world_size = dist.get_world_size()
    match training.parallel.sharding:
        case Sharding.FSDP:
            return init_device_mesh(device.type, (world_size,), mesh_dim_names=("shard",))
        case Sharding.HSDP:
            group = training.parallel.shard_ranks or ranks_per_node(training)
            return init_device_mesh(device.type, (world_size // group, group), mesh_dim_names=("replicate", "shard"))
        case Sharding.DDP | None:
            return None


def shard(model: Transformer, mesh: DeviceMesh, low: torch.dtype | None) -> None:
    """Shard each block by itself, so that only one is whole at a time.

    The embedding is gathered for its lookup alone; norm and head, which come last and are wanted first in the backward
    pass, stay whole in between. A matrix that both share belongs to the root, which holds it throughout.
    """
    # Inputs are in their type already, and the rotary table has to stay in fp32.
    low_precision = MixedPrecisionPolicy(param_dtype=low, reduce_dtype=torch.float32, cast_forward_inputs=False)
    for block in model.blocks:
        fully_shard(block, mesh=mesh, mp_policy=low_precision)
    if not model.spec.tie_embeddings:
        fully_shard(model.embedding, mesh=mesh, mp_policy=low_precision)
        fully_shard([model.norm, model.head], mesh=mesh, mp_policy=low_precision, reshard_after_forward=False)
    fully_shard(model, mesh=mesh, mp_policy=low_precision)


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
        model.transformer.initialize(training.seed, own_part)
        return
    weights = get_model_state_dict(model.module)
    if training.model.tie_embeddings:
        weights.pop("head.weight", None)
    if training.lora is not None:
        _start_adapters(model.transformer, training.seed)
        weights = {name: weight for name, weight in weights.items() if not is_adapter(name)}
    # The state is the parameters themselves, so what is read into it is in the model.
    own = {outer_name(name): weight for name, weight in weights.items()}
    load(own, storage_reader=HuggingFaceStorageReader(str(origin)), no_dist=True)


@torch.no_grad()
def _start_adapters(model: Transformer, seed: int) -> None:
    """Products that are zero: B is, and A is drawn with the deviation of `peft`'s, 1 / sqrt(3 * columns)."""
    for number, (name, parameter) in enumerate(model.named_parameters()):
        rows, first = own_part(parameter)
        if name.endswith(LORA_B):
            rows.zero_()
        elif name.endswith(LORA_A):
            draw_rows(rows, first, deviation=(3 * rows.shape[1]) ** -0.5, seed=seed, matrix=number)


def own_part(parameter: Tensor) -> tuple[Tensor, int]:
    """The rows of a parameter that this rank holds, and the number of the first."""
    if isinstance(parameter, DTensor):
        return parameter.to_local(), rows_of(parameter)[0]
    return parameter, 0


def rows_of(weight: DTensor) -> tuple[int, int, int]:
    """The first row that this rank holds, which copy of these rows it has, and how many copies there are."""
    first, copy, copies = 0, 0, 1
    for dimension, placement in enumerate(weight.placements):
        size, coordinate = weight.device_mesh.size(dimension), weight.device_mesh.get_local_rank(dimension)
        if placement.is_shard(0):
            # As torch.chunk divides: all but the last parts are of one size.
            first = min(len(weight), -(-len(weight) // size) * coordinate)
        else:
            assert placement.is_replicate(), placement
            copy, copies = copy * size + coordinate, copies * size
    return first, copy, copies
