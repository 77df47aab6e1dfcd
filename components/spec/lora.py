"""Low-rank adapters, which a run trains in place of the model's own weights."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from components.spec.base import Spec

if TYPE_CHECKING:
    from components.spec.training import ModelSpec


class LoraTarget(StrEnum):
    """Matrices of a block, by Hugging Face's names."""

    QUERY = "q_proj"
    KEY = "k_proj"
    VALUE = "v_proj"
    OUTPUT = "o_proj"
    GATE = "gate_proj"
    UP = "up_proj"
    DOWN = "down_proj"


class LoraSpec(Spec):
    """Low-rank adapters: the model's own weights stay as they are."""

    rank: int = Field(default=16, ge=1, le=1024)
    """Rank of the product of two small matrices that is added to each matrix."""
    alpha: float = Field(default=32.0, gt=0)
    """Number by which that product is multiplied, after a division by `rank`."""
    targets: tuple[LoraTarget, ...] = Field(default=tuple(LoraTarget), min_length=1)
    """Matrices of each block that get one: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; when left
    out, all."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if twice := next((one for one in self.targets if self.targets.count(one) > 1), None):
            raise ValueError(f"targets: {twice} stands there twice; remove one")
        return self

    def shapes(self, model: ModelSpec) -> dict[LoraTarget, tuple[int, int]]:
        """Rows and columns of the matrices of a block that get an adapter."""
        queries, keys = model.heads * model.head_size, model.kv_heads * model.head_size
        whole = {
            LoraTarget.QUERY: (queries, model.width),
            LoraTarget.KEY: (keys, model.width),
            LoraTarget.VALUE: (keys, model.width),
            LoraTarget.OUTPUT: (model.width, queries),
            LoraTarget.GATE: (model.hidden_width, model.width),
            LoraTarget.UP: (model.hidden_width, model.width),
            LoraTarget.DOWN: (model.width, model.hidden_width),
        }
        return {target: shape for target, shape in whole.items() if target in self.targets}

    def parameters(self, model: ModelSpec) -> int:
        """Numbers of all adapters of a model."""
        return model.layers * sum(self.rank * (rows + columns) for rows, columns in self.shapes(model).values())
