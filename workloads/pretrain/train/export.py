"""The trained model as a Hugging Face folder; workloads/model/export.py says what lies in it.

All ranks write it together, each its own rows of each tensor straight to their place: the files' layout follows from
the model's shape alone. Nothing of it needs the process group, which is released before: ranks tell each other by
small files in the folder how far they are. The folder gets its name when it is whole.

torch's own HuggingFaceStorageWriter (2.15) is not used: it writes a file of parts for each rank, which are read and
written once more into whole files, tensor by tensor from all parts; and it makes no checksums.

`python -m workloads.pretrain.train.export RUN_FOLDER` exports the newest checkpoint of a run that has not finished.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
import xxhash
from torch import Tensor, nn
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.tensor import DTensor

from components.errors import PenstockError
from components.spec.lora import LoraSpec
from components.spec.training import ModelSpec
from workloads.model.export import (
    CHUNK_BYTES,
    MANIFEST,
    FileSums,
    Manifest,
    TensorPlace,
    WeightLayout,
    lay_out,
    write_manifest,
)
from workloads.model.hugging_face import CONFIG, INDEX, TEXT_FILES, config_of, outer_name, read_ends, tensor_shapes
from workloads.model.lora import ADAPTER, adapter_names, adapter_shapes, is_adapter, write_adapter
from workloads.pretrain.folder import RunFolder, json_lines, replace_json, step_name, sync_folder
from workloads.pretrain.record.progress import Progress, read_progress
from workloads.pretrain.train.checkpoint import checkpoints_of
from workloads.pretrain.train.origin import origin_of
from workloads.pretrain.train.parallelize import rows_of

STAGED_BYTES = 32 * 2**20
"""Most bytes that one rank holds in bf16 at a time."""
LOADED_BYTES = 2**31
"""Most bytes of a checkpoint that are read at once when one process exports it."""
LAST_RANK_WAIT_S = 3600.0
"""The others' parts may take this much longer than one's own."""
WRITTEN, SUMMED = "written", "sums"


@dataclass(frozen=True, slots=True)
class Rows:
    """Part of a parameter that this rank writes: rows of its first dimension, beginning with `first`."""

    name: str
    first: int
    tensor: Tensor
    added: tuple[Tensor, Tensor] | None = None
    """Two matrices whose product is added: rows as these, times columns."""


class ExportWriter:
    """One export, seen from one of the processes that write it. The first of them leads."""

    def __init__(self, folder: RunFolder, progress: Progress, *, rank: int, ranks: int, attempt: str) -> None:
        """`attempt` tells apart what different starts of the run write: what an earlier one left is not taken up."""
        self._run, self._step = folder, progress.step
        self._rank, self._ranks = rank, ranks
        self.final = folder.exports / step_name(progress.step)
        self._partial = self.final.with_name(f".partial-{self.final.name}-{attempt}")
        self._model = ModelSpec.model_validate(progress.model)
        self._lora = LoraSpec.model_validate(progress.lora, strict=False) if progress.lora else None
        self._layout = lay_out(self._model)

    @property
    def is_there(self) -> bool:
        """True if the export of this step is finished."""
        return (self.final / MANIFEST).exists()

    def begin(self) -> None:
        """Make the folder with all that is no weights, and the weights' files in their size. For the leader."""
        for old in self._run.exports.glob(f".partial-{self.final.name}-[0-9]*"):
            shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        for name in TEXT_FILES:
            if (source := self._run.data / name).exists():
                shutil.copyfile(source, self._partial / name)
        config = config_of(self._model, read_ends(self._run.data))
        (self._partial / CONFIG).write_text(json.dumps(config, indent=1) + "\n")
        (self._partial / INDEX).write_text(self._layout.index)
        for file, header in self._layout.headers.items():
            with (self._partial / file).open("wb") as stream:
                stream.write(header)
                stream.truncate(self._layout.sizes[file])

    def add_adapter(self, weights: Mapping[str, Tensor]) -> None:
        """Adds the adapters that are in the model's weights, in a folder of their own. For the leader."""
        if self._lora is not None:
            write_adapter(self._partial / ADAPTER, self._model, self._lora, weights)

    def write(self, parts: Iterable[Rows], validation_loss: float | None) -> Path:
        """Write this process's parts, and return when the whole export is there."""
        _write_rows(self._partial, self._layout, parts)
        self._tell(WRITTEN, [])
        self._await(lambda: self._told(WRITTEN) == self._ranks)
        chunks = _chunks(self._layout.sizes)
        share = chunks[len(chunks) * self._rank // self._ranks : len(chunks) * (self._rank + 1) // self._ranks]
        self._tell(SUMMED, [_sum(self._partial / file, start) for file, start in share])
        if self._rank == 0:
            self._await(lambda: self._told(SUMMED) == self._ranks)
            self._finish(validation_loss)
        self._await(lambda: self.is_there)
        return self.final

    def _finish(self, validation_loss: float | None) -> None:
        sums: list[str] = []
        for rank in range(self._ranks):
            part = self._partial / f"{SUMMED}-{rank}.json"
            sums += json.loads(part.read_text())["sums"]
            part.unlink()
            (self._partial / f"{WRITTEN}-{rank}.json").unlink()
        files = dict(_by_file(self._layout.sizes, sums))
        for path in sorted(path for path in self._partial.rglob("*") if path.is_file()):
            name = path.relative_to(self._partial).as_posix()
            if name not in files:
                chunks = _chunks({name: path.stat().st_size})
                files |= _by_file({name: path.stat().st_size}, [_sum(path, start) for _, start in chunks])
        manifest = Manifest(step=self._step, validation_loss=validation_loss, digest=_digest(files), files=files)
        write_manifest(self._partial, manifest)
        shutil.rmtree(self.final, ignore_errors=True)
        self._partial.rename(self.final)
        sync_folder(self._run.exports)

    def _tell(self, what: str, sums: list[str]) -> None:
        replace_json(self._partial / f"{what}-{self._rank}.json", {"sums": sums})

    def _told(self, what: str) -> int:
        return len(list(self._partial.glob(f"{what}-*.json")))

    def _await(self, reached: Callable[[], bool]) -> None:
        deadline, pause_s = time.monotonic() + LAST_RANK_WAIT_S, 0.005
        while not reached():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the export's other parts were not written within {LAST_RANK_WAIT_S:.0f} s")
            time.sleep(pause_s)
            pause_s = min(1.0, 1.5 * pause_s)


def export_run(folder: RunFolder, model: nn.Module, progress: Progress, loss: float | None, attempt: int) -> None:
    """The model after `progress.step` in the run's export folder. Called on all ranks; the process group is gone
    afterwards.

    An export of that step which is there already is left alone. `loss` is the validation loss.
    """
    rank = dist.get_rank()
    writer = ExportWriter(folder, progress, rank=rank, ranks=dist.get_world_size(), attempt=str(attempt))
    there = [rank == 0 and writer.is_there]
    if rank == 0 and not there[0]:
        writer.begin()
    # Behind it every rank finds the files. From here on nobody waits for a collective: a slow disk is no lost rank.
    dist.broadcast_object_list(there, src=0)
    parts, adapters = list[Rows](), dict[str, Tensor]()
    if not there[0]:
        parts = list(own_rows(model))
        if progress.lora is not None:
            parts, adapters = merged(parts, model, LoraSpec.model_validate(progress.lora, strict=False))
        if rank == 0:
            writer.add_adapter(adapters)
    dist.barrier()
    dist.destroy_process_group()
    if not there[0]:
        writer.write(parts, loss)


def merged(parts: Iterable[Rows], model: nn.Module, lora: LoraSpec) -> tuple[list[Rows], dict[str, Tensor]]:
    """The rows of the model's own matrices with what adapters add to them, and all adapters. Called on all ranks."""
    weights = get_model_state_dict(model)
    whole = {name: _whole(weight) for name, weight in weights.items() if is_adapter(name)}
    return [_with_adapter(part, whole, lora) for part in parts if not is_adapter(part.name)], whole


def _whole(weight: object) -> Tensor:
    assert isinstance(weight, Tensor)
    return weight.full_tensor() if isinstance(weight, DTensor) else weight


def _with_adapter(part: Rows, adapters: Mapping[str, Tensor], lora: LoraSpec) -> Rows:
    down, up = adapter_names(part.name)
    if down not in adapters:
        return part
    rows = adapters[up][part.first : part.first + len(part.tensor)]
    return replace(part, added=(rows * (lora.alpha / lora.rank), adapters[down]))


def own_rows(model: nn.Module) -> Iterator[Rows]:
    """Rows of each parameter that this rank writes; those of all ranks together are each row once.

    Nothing is copied. Ranks that hold the same rows, as all of DDP's do, share them evenly.
    """
    for name, weight in get_model_state_dict(model).items():
        assert isinstance(weight, Tensor), name
        first, local, copy, copies = 0, weight, dist.get_rank(), dist.get_world_size()
        if isinstance(weight, DTensor):
            first, copy, copies = rows_of(weight)
            local = weight.to_local()
        low, high = len(local) * copy // copies, len(local) * (copy + 1) // copies
        yield Rows(name, first + low, local[low:high])


def export_checkpoint(folder: RunFolder) -> Path:
    """The newest checkpoint of a run as an export; no process group needed, and the run may go on meanwhile."""
    newest = next(iter(checkpoints_of(folder.checkpoints)), None)
    if newest is None:
        raise PenstockError(f"{folder.checkpoints}: no checkpoint to export; train first")
    progress = read_progress(newest)
    writer = ExportWriter(folder, progress, rank=0, ranks=1, attempt="by-hand")
    if writer.is_there:
        return writer.final
    model = ModelSpec.model_validate(progress.model)
    shapes, rows = tensor_shapes(model), partial(_rows_of_checkpoint, newest)
    writer.begin()
    if progress.lora is None:
        return writer.write(rows(shapes), _validation_loss(folder, progress.step))
    lora = LoraSpec.model_validate(progress.lora, strict=False)
    adapters = {row.name: row.tensor for row in rows(adapter_shapes(model, lora))}
    writer.add_adapter(adapters)
    own = (_with_adapter(part, adapters, lora) for part in _rows_of_origin(model, shapes))
    return writer.write(own, _validation_loss(folder, progress.step))


def _rows_of_origin(model: ModelSpec, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Rows]:
    """All weights of the folder that a run started from, one after the other."""
    reader = HuggingFaceStorageReader(str(origin_of(model)))
    for name, shape in shapes.items():
        weight = torch.empty(shape, dtype=torch.bfloat16)
        load({outer_name(name): weight}, storage_reader=reader, no_dist=True)
        yield Rows(name, 0, weight)


def _rows_of_checkpoint(checkpoint: Path, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Rows]:
    """All weights of a checkpoint, a few at a time."""
    waiting = list(shapes.items())
    while waiting:
        weights: dict[str, Tensor] = {}
        while waiting and sum(weight.nbytes for weight in weights.values()) < LOADED_BYTES:
            name, shape = waiting.pop(0)
            weights[name] = torch.empty(shape)
        load({"model": weights}, checkpoint_id=checkpoint, no_dist=True)
        for name, weight in weights.items():
            yield Rows(name, 0, weight)


def _write_rows(folder: Path, layout: WeightLayout, parts: Iterable[Rows]) -> None:
    descriptors: dict[str, int] = {}
    try:
        for part in parts:
            place = layout.places.get(part.name)
            if place is None:
                continue  # the output layer that shares the embedding's matrix
            if place.file not in descriptors:
                descriptors[place.file] = os.open(folder / place.file, os.O_WRONLY)
            _write(descriptors[place.file], place, part)
        for descriptor in descriptors.values():
            os.fsync(descriptor)
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)


def _write(descriptor: int, place: TensorPlace, part: Rows) -> None:
    """Rows to their place in the file, as bf16, a few at a time."""
    at_once = max(1, STAGED_BYTES // place.row_bytes)
    for start in range(0, len(part.tensor), at_once):
        own = part.tensor[start : start + at_once].detach()
        if part.added is not None:
            own = own.float() + part.added[0][start : start + at_once].detach() @ part.added[1].detach()
        rows = own.to(torch.bfloat16).cpu().contiguous()
        left = rows.flatten().view(torch.uint8).numpy().data
        offset = place.offset + (part.first + start) * place.row_bytes
        while left:
            done = os.pwrite(descriptor, left, offset)
            left, offset = left[done:], offset + done


def _chunks(sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    """File and first byte of each piece that has a checksum."""
    return [(file, start) for file, size in sizes.items() for start in range(0, size, CHUNK_BYTES)]


def _sum(file: Path, start: int) -> str:
    with file.open("rb", buffering=0) as stream:
        stream.seek(start)
        return xxhash.xxh3_64_hexdigest(stream.read(CHUNK_BYTES))


def _by_file(sizes: Mapping[str, int], sums: Iterable[str]) -> Iterator[tuple[str, FileSums]]:
    """The sums of each file out of those of all, in the order of their pieces."""
    rest = iter(sums)
    for file, size in sizes.items():
        own = tuple(next(rest) for _ in range(0, size, CHUNK_BYTES))
        yield file, FileSums(bytes=size, chunk_bytes=CHUNK_BYTES, xxh3=own)


def _digest(files: Mapping[str, FileSums]) -> str:
    digest = xxhash.xxh3_128()
    for name in sorted(files):
        digest.update("".join((name, *files[name].xxh3)).encode())
    return digest.hexdigest()


def _validation_loss(folder: RunFolder, step: int) -> float | None:
    """Loss that the run's metrics have of a step."""
    lines = [line for line in json_lines(folder.metrics) if line["step"] == step and "validationLoss" in line]
    return float(str(lines[-1]["validationLoss"])) if lines else None


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{export_checkpoint(RunFolder(Path(sys.argv[1]).resolve()))}\n")
    except PenstockError as error:
        sys.exit(str(error))
