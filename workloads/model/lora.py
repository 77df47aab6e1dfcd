"""Low-rank adapters of a model's matrices, and their folder as `peft` reads it.

`peft` itself is not used: it brings transformers and accelerate, 140 MB that no image of penstock's has, for a matrix
with an adapter in a few lines. It judges what is written here, in the tests. Keys as it writes and reads them (0.21,
its tuners/lora/config.py and utils/save_and_load.py).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from components.spec.lora import LoraSpec, LoraTarget
from components.spec.training import ModelSpec
from workloads.model.hugging_face import outer_name
from workloads.model.transformer import Transformer

ADAPTER = "adapter"
"""Folder in an export with the adapters alone."""
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LORA_A, LORA_B = ".lora_a", ".lora_b"
"""Ends of the names of an adapter's matrices, where that of the matrix itself has `.weight`."""

_MODULES = {
    LoraTarget.QUERY: "attention.query",
    LoraTarget.KEY: "attention.key",
    LoraTarget.VALUE: "attention.value",
    LoraTarget.OUTPUT: "attention.output",
    LoraTarget.GATE: "mlp.gate",
    LoraTarget.UP: "mlp.up",
    LoraTarget.DOWN: "mlp.down",
}


class LoraLinear(nn.Linear):
    """A matrix that is not trained, and one of low rank that is added to it: W + scale * B A."""

    def __init__(self, columns: int, rows: int, rank: int, scale: float) -> None:
        super().__init__(columns, rows, bias=False)
        self.scale = scale
        self.lora_a = nn.Parameter(torch.empty(rank, columns))
        self.lora_b = nn.Parameter(torch.empty(rows, rank))

    def forward(self, x: Tensor) -> Tensor:
        added = functional.linear(functional.linear(x, self.lora_a), self.lora_b)
        return functional.linear(x, self.weight) + self.scale * added


def add_adapters(model: Transformer, lora: LoraSpec, frozen: torch.dtype) -> None:
    """Gives each target of a model an adapter, whose weights nobody has filled yet; all else is trained no more, and
    is kept in the type `frozen`.
    """
    for parameter in model.parameters():
        parameter.data = parameter.data.to(frozen)
        parameter.requires_grad = False
    for matrix, (rows, columns) in adapted(model.spec, lora).items():
        path, _, name = matrix.removesuffix(".weight").rpartition(".")
        parent = model.get_submodule(path)
        replaced = LoraLinear(columns, rows, lora.rank, lora.alpha / lora.rank)
        replaced.weight = getattr(parent, name).weight
        setattr(parent, name, replaced)


def adapted(model: ModelSpec, lora: LoraSpec) -> dict[str, tuple[int, int]]:
    """Rows and columns of the matrices that have an adapter, by their names in `Transformer`."""
    return {
        f"blocks.{index}.{_MODULES[target]}.weight": shape
        for index in range(model.layers)
        for target, shape in lora.shapes(model).items()
    }


def adapter_shapes(model: ModelSpec, lora: LoraSpec) -> dict[str, tuple[int, int]]:
    """Shapes of the adapters' matrices by their names."""
    shapes: dict[str, tuple[int, int]] = {}
    for matrix, (rows, columns) in adapted(model, lora).items():
        down, up = adapter_names(matrix)
        shapes |= {down: (lora.rank, columns), up: (rows, lora.rank)}
    return shapes


def is_adapter(name: str) -> bool:
    """True of the name of an adapter's matrix."""
    return name.endswith((LORA_A, LORA_B))


def adapter_names(matrix: str) -> tuple[str, str]:
    """Names of the two matrices that are added, as a product, to one of `Transformer`."""
    base = matrix.removesuffix(".weight")
    return base + LORA_A, base + LORA_B


def write_adapter(folder: Path, model: ModelSpec, lora: LoraSpec, weights: Mapping[str, Tensor]) -> None:
    """The folder of the adapters alone, in fp32; `weights` by their names in `Transformer`."""
    folder.mkdir()
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": model.from_folder,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": 0.0,
        "target_modules": [str(target) for target in lora.targets],
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config, indent=1) + "\n")
    tensors = {outer: weights[name].float().cpu().contiguous() for name, outer in _outer_names(model, lora)}
    save_file(tensors, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})


def _outer_names(model: ModelSpec, lora: LoraSpec) -> Iterator[tuple[str, str]]:
    for matrix in adapted(model, lora):
        base = f"base_model.model.{outer_name(matrix).removesuffix('.weight')}"
        down, up = adapter_names(matrix)
        yield down, f"{base}.lora_A.weight"
        yield up, f"{base}.lora_B.weight"
