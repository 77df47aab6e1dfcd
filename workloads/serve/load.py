"""Weights from an export folder: read in parallel, checked in the same pass, used where they were read to.

The file goes into one buffer in chunks of the manifest's size; each thread reads a small piece and hashes it while it
is still in the processor's cache. The tensors are views of that buffer, so there is no second copy.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import torch
import xxhash
from pydantic import ValidationError
from torch import Tensor

from components.errors import PenstockError
from workloads.model.export import FileSums, Manifest, newest_export, read_manifest
from workloads.model.transformer import Transformer, rotary_table

READ_THREADS = min(8, os.cpu_count() or 1)
PIECE_BYTES = 2**19
"""Bytes read before they are hashed: half of a common 1 MiB second-level cache."""
ALIGNMENT_BYTES = 64
"""Tensor data starts on a cache line, as torch's own allocations do."""

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
    """A finished export: where it lies and what it holds."""

    folder: Path
    manifest: Manifest


def find_export(path: Path) -> Export:
    """The export that `path` means, with a manifest that parses; LoadError otherwise."""
    try:
        folder = newest_export(path)
        manifest = read_manifest(folder)
    except FileNotFoundError as error:
        raise LoadError(f"{error}; give an export folder, or let the training run finish") from None
    except (OSError, ValidationError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise LoadError(f"{path}: its manifest.json is damaged ({first}); export the model again") from None
    if manifest.format != 1:
        raise LoadError(f"{folder}/manifest.json: format {manifest.format} is unknown here (1 is); update penstock")
    return Export(folder=folder, manifest=manifest)


def has_export(path: Path) -> bool:
    """True if `path` means a finished export, whole or damaged; a folder that is not there yet means none."""
    try:
        newest_export(path)
    except FileNotFoundError:
        return False
    return True


def load_model(export: Export, device: torch.device) -> Transformer:
    """The model of `export` on `device`, every byte of it checked; LoadError names what does not match."""
    path = export.folder / "model.safetensors"
    buffer = _read_checked(path, _sums(export, path.name))
    tensors = _tensors(path, buffer)
    spec = export.manifest.model
    with torch.device("meta"):
        model = Transformer(spec)
    _check_shapes(path, model, tensors, tied=spec.tie_embeddings)
    model.load_state_dict(tensors, strict=False, assign=True)
    if spec.tie_embeddings:
        model.head.weight = model.embedding.weight
    model.table = rotary_table(spec, spec.context)
    return model.requires_grad_(False).to(device).eval()


def read_small(export: Export, name: str) -> bytes:
    """A small file of the export (the tokenizer), checked as the weights are."""
    path = export.folder / name
    return bytes(_read_checked(path, _sums(export, name)).numpy())


def _read_checked(path: Path, sums: FileSums) -> Tensor:
    """The bytes of `path` as a uint8 tensor; LoadError when the size or any chunk's checksum is another."""
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size != sums.bytes:
                raise LoadError(f"{path}: {size} bytes, but manifest.json says {sums.bytes}; export the model again")
            buffer = _aligned(file.fileno(), size)
            _read_chunks(path, file.fileno(), buffer, sums)
            return buffer
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror}); export the model again") from None


def _sums(export: Export, name: str) -> FileSums:
    try:
        return export.manifest.files[name]
    except KeyError:
        raise LoadError(f"{export.folder}/manifest.json: has no checksums of {name}; export the model again") from None


def _aligned(descriptor: int, size: int) -> Tensor:
    """An empty buffer placed so that what follows the safetensors header is aligned."""
    header = 8 + int.from_bytes(os.pread(descriptor, 8, 0), "little")
    room = torch.empty(size + 2 * ALIGNMENT_BYTES, dtype=torch.uint8)
    shift = -(room.data_ptr() + header) % ALIGNMENT_BYTES
    return room[shift : shift + size]


def _read_chunks(path: Path, descriptor: int, buffer: Tensor, sums: FileSums) -> None:
    memory = memoryview(buffer.numpy())  # type: ignore[arg-type]  # numpy arrays are buffers; its stubs say so from Python 3.12 on
    chunks = -(-sums.bytes // sums.chunk_bytes)
    if chunks != len(sums.xxh3):
        raise LoadError(f"{path}: manifest.json has {len(sums.xxh3)} checksums for {chunks} chunks; export again")

    def read(index: int) -> bool:
        start = index * sums.chunk_bytes
        chunk = memory[start : start + sums.chunk_bytes]
        return _read_and_hash(descriptor, chunk, start) == sums.xxh3[index]

    with ThreadPoolExecutor(READ_THREADS) as pool:
        wrong = [index for index, right in enumerate(pool.map(read, range(chunks))) if not right]
    if wrong:
        raise LoadError(
            f"{path}: damaged: {len(wrong)} of {chunks} checksums differ, the first at byte "
            f"{wrong[0] * sums.chunk_bytes}; export the model again"
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
        raise LoadError(f"{path}: not a safetensors file of this format ({error}); export the model again") from None


def _views(data: Tensor, header: dict[str, Entry]) -> Iterator[tuple[str, Tensor]]:
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        yield name, data[first:last].view(DTYPES[entry["dtype"]]).view(entry["shape"])


def _check_shapes(path: Path, model: Transformer, tensors: dict[str, Tensor], *, tied: bool) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if tied and "head.weight" not in found:
        wanted.pop("head.weight")
    if wanted == found:
        return
    name = min(set(wanted.items()) ^ set(found.items()))[0]
    raise LoadError(
        f"{path}: {name} is {found.get(name, 'absent')}, but the model of manifest.json has "
        f"{wanted.get(name, 'no such tensor')}; export the model again"
    )
