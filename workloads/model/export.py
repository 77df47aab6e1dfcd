"""The exported model: a Hugging Face folder, with the step and the checksums of its files beside them.

config.json                     shape of the model (workloads/model/hugging_face.py)
model-*-of-*.safetensors        the weights in bf16, and model.safetensors.index.json, which says which lies where
tokenizer.json, tokenizer_config.json, generation_config.json
                                the tokenizer, its chat template, and the tokens that end a text
manifest.json                   `Manifest`: step, and the checksum of every piece of every file
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from pydantic import Field

from components.spec.base import Spec
from components.spec.training import ModelSpec
from workloads.model.hugging_face import outer_name, tensor_shapes

MANIFEST = "manifest.json"
CHUNK_BYTES = 8 * 2**20
"""Bytes one checksum covers: large enough for a disk, small enough that several threads share one file."""

FILE_BYTES = 5_000_000_000
"""Most bytes of tensors in one file: what `transformers` wrote by default up to version 4."""
NUMBER_BYTES = 2
"""Of a number in bf16."""


class FileSums(Spec):
    """One file of an export: its size, and the xxh3-64 (hex) of each piece of `chunk_bytes`, the last one shorter."""

    bytes: int = Field(ge=0)
    chunk_bytes: int = Field(gt=0)
    xxh3: tuple[str, ...]


class Manifest(Spec):
    """Contents of an export. Written last: an export without it was never finished."""

    step: int = Field(ge=0)
    validation_loss: float | None
    """Nats per token on the held-out documents at that step."""
    digest: str
    """xxh3-128 (hex) over all checksums: two exports with the same digest hold the same model."""
    files: dict[str, FileSums]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorPlace:
    """Place of a tensor in the files of an export."""

    file: str
    offset: int
    """Bytes from the file's beginning."""
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Size of one element of the first dimension."""
        return NUMBER_BYTES * prod(self.shape[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLayout:
    """The files of an export's weights before a byte of them is written: any rank may write its part of any tensor."""

    headers: Mapping[str, bytes]
    """By file: its size of the header and the header."""
    sizes: Mapping[str, int]
    """By file: all its bytes."""
    places: Mapping[str, TensorPlace]
    """By name in `Transformer`."""
    index: str
    """Contents of model.safetensors.index.json."""


def lay_out(spec: ModelSpec, file_bytes: int = FILE_BYTES) -> WeightLayout:
    """The layout of a model's weights, the same for the same shape: files of `file_bytes` at most, unless one tensor
    is larger.
    """
    groups = _groups(
        {name: (shape, NUMBER_BYTES * prod(shape)) for name, shape in tensor_shapes(spec).items()}, file_bytes
    )
    headers, sizes, places, weight_map = {}, {}, {}, {}
    for number, group in enumerate(groups, start=1):
        file = f"model-{number:05}-of-{len(groups):05}.safetensors"
        headers[file] = _header(group)
        offset = len(headers[file])
        for name, (shape, size) in group.items():
            places[name] = TensorPlace(file=file, offset=offset, shape=shape)
            weight_map[outer_name(name)] = file
            offset += size
        sizes[file] = offset
    total = sum(size - len(headers[file]) for file, size in sizes.items())
    index = json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}, indent=1) + "\n"
    return WeightLayout(headers=headers, sizes=sizes, places=places, index=index)


Group = dict[str, tuple[tuple[int, ...], int]]
"""Shape and bytes by name."""


def _groups(tensors: Group, file_bytes: int) -> list[Group]:
    groups: list[Group] = [{}]
    for name, (shape, size) in tensors.items():
        if groups[-1] and sum(other for _, other in groups[-1].values()) + size > file_bytes:
            groups.append({})
        groups[-1][name] = (shape, size)
    return groups


def _header(group: Group) -> bytes:
    """Size and header of a safetensors file (its README, "Format"); padded, so that tensors begin on a cache line."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, (shape, size) in group.items():
        header[outer_name(name)] = {"dtype": "BF16", "shape": shape, "data_offsets": (offset, offset + size)}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return len(text).to_bytes(8, "little") + text


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an export folder; FileNotFoundError when there is none, ValueError when it does not parse."""
    return Manifest.model_validate_json((folder / MANIFEST).read_text())


def newest_export(path: Path) -> Path:
    """The model's folder meant by a path: the path itself, or the newest finished export of a run's folder."""
    if (path / "config.json").is_file():
        return path
    finished = sorted(manifest.parent for manifest in path.glob(f"export/step-*/{MANIFEST}"))
    if not finished:
        raise FileNotFoundError(f"{path}: neither a model in Hugging Face's form nor a run that has exported one")
    return finished[-1]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` so that it is either whole or absent."""
    partial = folder / f".{MANIFEST}"
    partial.write_text(json.dumps(manifest.model_dump(mode="json", by_alias=True), indent=1) + "\n")
    partial.rename(folder / MANIFEST)
