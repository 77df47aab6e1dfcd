"""The exported model: the folder that training writes and the server reads.

model.safetensors   the weights
tokenizer.json      the tokenizer, readable by the `tokenizers` library
manifest.json       `Manifest`: shape, step, and the checksum of every piece of every file
"""

import json
from pathlib import Path

from pydantic import Field

from components.spec.base import Spec
from components.spec.training import ModelSpec

CHUNK_BYTES = 8 * 2**20
"""Bytes one checksum covers: large enough for a disk, small enough that several threads share one file."""


class FileSums(Spec):
    """One file of an export: its size, and the xxh3-64 (hex) of each piece of `chunk_bytes`, the last one shorter."""

    bytes: int = Field(ge=0)
    chunk_bytes: int = Field(gt=0)
    xxh3: tuple[str, ...]


class Manifest(Spec):
    """Contents of an export. Written last: an export without it was never finished."""

    format: int = 1
    step: int = Field(ge=0)
    model: ModelSpec
    end_of_text: int = Field(ge=0)
    """Id of the token that ends a document."""
    validation_loss: float | None
    """Nats per token on the held-out documents at that step."""
    digest: str
    """xxh3-128 (hex) over all checksums: two exports with the same digest hold the same model."""
    files: dict[str, FileSums]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an export folder; FileNotFoundError when there is none, ValueError when it does not parse."""
    return Manifest.model_validate_json((folder / "manifest.json").read_text())


def newest_export(path: Path) -> Path:
    """The export folder meant by a path: the path itself, or the newest finished one of a run's folder."""
    if (path / "manifest.json").is_file():
        return path
    finished = sorted(manifest.parent for manifest in path.glob("export/step-*/manifest.json"))
    if not finished:
        raise FileNotFoundError(f"{path}: neither an exported model nor a run that has exported one")
    return finished[-1]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` so that it is either whole or absent."""
    partial = folder / ".manifest.json"
    partial.write_text(json.dumps(manifest.model_dump(mode="json", by_alias=True), indent=1) + "\n")
    partial.rename(folder / "manifest.json")
