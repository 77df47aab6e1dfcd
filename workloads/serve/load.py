"""Weights from a Hugging Face folder, one file at a time: read in parallel, and checked in the same pass.

A file goes into one buffer in chunks of the manifest's size; each thread reads a small piece and hashes it while it
is still in the processor's cache. The tensors are views of that buffer until they are put where they compute. A folder
that somebody else wrote has no checksums: its shapes alone are checked.
"""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import torch
import xxhash
from torch import Tensor

from components.errors import PenstockError
from components.spec.training import ModelSpec
from workloads.model.export import CHUNK_BYTES, MANIFEST, FileSums, newest_export, read_manifest
from workloads.model.hugging_face import outer_name, read_ends, read_spec, tensor_shapes, weight_files
from workloads.model.transformer import Transformer, rotary_table

READ_THREADS = min(8, os.cpu_count() or 1)
PIECE_BYTES = 2**19
"""Bytes read before they are hashed: half of a common 1 MiB second-level cache."""
ALIGNMENT_BYTES = 64
"""Tensor data starts on a cache line, as torch's own allocations do."""

AGAIN = "export the model again, or bring the folder anew"
DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


class Entry(TypedDict):
    """Description of one tensor in the header of a safetensors file."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


class LoadError(PenstockError):
    """A model that cannot be served: the sentence says which file and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A model's folder: where it lies and what it holds."""

    folder: Path
    model: ModelSpec
    files: Mapping[str, FileSums] | None
    """Checksums by file; None in a folder that penstock did not write."""
    ends: Mapping[str, Any]
    """Ids of the tokens that begin and end a text, under Hugging Face's names."""


def find_export(path: Path) -> Export:
    """The model that `path` means, with files that parse; LoadError otherwise."""
    try:
        folder = newest_export(path)
    except FileNotFoundError as error:
        remedy = "give a folder with config.json, or let the training run finish"
        raise LoadError(f"{error}; {remedy}") from None
    try:
        manifest = read_manifest(folder) if (folder / MANIFEST).exists() else None
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise LoadError(f"{folder}: its manifest.json is damaged ({first}); {AGAIN}") from None
    try:
        model, ends = read_spec(folder), read_ends(folder)
    except PenstockError as error:
        raise LoadError(str(error)) from None
    return Export(folder=folder, model=model, files=manifest.files if manifest else None, ends=ends)


def has_export(path: Path) -> bool:
    """True if `path` means a finished export, whole or damaged; a folder that is not there yet means none."""
    try:
        newest_export(path)
    except FileNotFoundError:
        return False
    return True


def load_model(export: Export, device: torch.device) -> Transformer:
    """The model of `export` on `device`, every byte of it checked; LoadError names what does not match.

    In bf16 on an accelerator. On a processor in fp32, in which attention is faster there (torch 2.15).
    """
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    spec = export.model
    names = {outer_name(name): name for name in tensor_shapes(spec)}
    weights: dict[str, Tensor] = {}
    for file in _weight_files(export):
        path = export.folder / file
        for name, tensor in _tensors(path, _read_checked(path, _sums(export, file))).items():
            _check_shape(path, name, tensor, names, spec)
            if name in names:
                weights[names[name]] = tensor.to(device, dtype)
    missing = sorted(names.keys() - {outer_name(name) for name in weights})
    if missing:
        raise LoadError(f"{export.folder}: has no {missing[0]}, as config.json describes the model; {AGAIN}")
    return _filled(spec, weights, device)


def _filled(spec: ModelSpec, weights: dict[str, Tensor], device: torch.device) -> Transformer:
    with torch.device("meta"):
        model = Transformer(spec)
    model.load_state_dict(weights, strict=False, assign=True)
    if spec.tie_embeddings:
        model.head.weight = model.embedding.weight
    model.table = rotary_table(spec, spec.context, device)
    return model.requires_grad_(False).eval()


def _weight_files(export: Export) -> list[str]:
    try:
        return weight_files(export.folder)
    except PenstockError as error:
        raise LoadError(str(error)) from None


def _check_shape(path: Path, name: str, tensor: Tensor, names: Mapping[str, str], spec: ModelSpec) -> None:
    """LoadError for a tensor that the model of config.json does not have, or has in another shape."""
    if name not in names:
        # Some folders hold the shared matrix twice, and older ones the angles of the rotary positions.
        if name.endswith("rotary_emb.inv_freq") or (spec.tie_embeddings and name == "lm_head.weight"):
            return
        raise LoadError(f"{path}: {name} is no part of the model that config.json describes; {AGAIN}")
    wanted = tensor_shapes(spec)[names[name]]
    if tuple(tensor.shape) != wanted:
        raise LoadError(f"{path}: {name} is {tuple(tensor.shape)}, but the model of config.json has {wanted}; {AGAIN}")


def read_small(export: Export, name: str) -> bytes:
    """A small file of the folder, checked as the weights are."""
    path = export.folder / name
    return bytes(_read_checked(path, _sums(export, name)).numpy())


def _read_checked(path: Path, sums: FileSums | None) -> Tensor:
    """The bytes of `path` as a uint8 tensor; LoadError when the size or any chunk's checksum is another."""
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if sums is not None and size != sums.bytes:
                raise LoadError(f"{path}: {size} bytes, but manifest.json says {sums.bytes}; {AGAIN}")
            buffer = _aligned(file.fileno(), size)
            _read_chunks(path, file.fileno(), buffer, sums)
            return buffer
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror}); {AGAIN}") from None


def _sums(export: Export, name: str) -> FileSums | None:
    if export.files is None:
        return None
    try:
        return export.files[name]
    except KeyError:
        raise LoadError(f"{export.folder}/manifest.json: has no checksums of {name}; {AGAIN}") from None


def _aligned(descriptor: int, size: int) -> Tensor:
    """An empty buffer placed so that what follows the safetensors header is aligned."""
    header = 8 + int.from_bytes(os.pread(descriptor, 8, 0), "little")
    room = torch.empty(size + 2 * ALIGNMENT_BYTES, dtype=torch.uint8)
    shift = -(room.data_ptr() + header) % ALIGNMENT_BYTES
    return room[shift : shift + size]


def _read_chunks(path: Path, descriptor: int, buffer: Tensor, sums: FileSums | None) -> None:
    memory = memoryview(buffer.numpy())  # type: ignore[arg-type]  # numpy arrays are buffers; its stubs say so from Python 3.12 on
    size = sums.chunk_bytes if sums else CHUNK_BYTES
    chunks = -(-len(memory) // size)
    if sums is not None and chunks != len(sums.xxh3):
        raise LoadError(f"{path}: manifest.json has {len(sums.xxh3)} checksums for {chunks} chunks; {AGAIN}")

    def read(index: int) -> bool:
        found = _read_and_hash(descriptor, memory[index * size : (index + 1) * size], index * size)
        return sums is None or found == sums.xxh3[index]

    with ThreadPoolExecutor(READ_THREADS) as pool:
        wrong = [index for index, right in enumerate(pool.map(read, range(chunks))) if not right]
    if wrong:
        raise LoadError(
            f"{path}: damaged: {len(wrong)} of {chunks} checksums differ, the first at byte {wrong[0] * size}; {AGAIN}"
        )


def _read_and_hash(descriptor: int, chunk: memoryview, offset: int) -> str:
    hasher = xxhash.xxh3_64()
    done = 0
    while done < len(chunk):
        count = os.preadv(descriptor, [chunk[done : done + PIECE_BYTES]], offset + done)
        if count == 0:
            break  # the file became shorter while it was read: the checksum will not match
        hasher.update(chunk[done : done + count])
        done += count
    return hasher.hexdigest()


def _tensors(path: Path, buffer: Tensor) -> dict[str, Tensor]:
    """The safetensors file in `buffer` as views of it (format: 8 bytes of header size, JSON header, data)."""
    try:
        start = 8 + int.from_bytes(bytes(buffer[:8].numpy()), "little")
        header = json.loads(bytes(buffer[8:start].numpy()))
        return dict(_views(buffer[start:], header))
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise LoadError(f"{path}: not a safetensors file of a type known here ({error}); {AGAIN}") from None


def _views(data: Tensor, header: dict[str, Entry]) -> Iterator[tuple[str, Tensor]]:
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        yield name, data[first:last].view(DTYPES[entry["dtype"]]).view(entry["shape"])
