"""The trained model as the server reads it; workloads/model/export.py says what lies in the folder.

`python -m workloads.pretrain.export RUN_FOLDER` exports the newest checkpoint of a run that has not finished.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
import xxhash
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.checkpoint.state_dict_loader import load

from components.errors import PenstockError
from workloads.model.export import CHUNK_BYTES, FileSums, Manifest, write_manifest
from workloads.model.transformer import Transformer
from workloads.pretrain.checkpoint import checkpoints_of
from workloads.pretrain.config import read_job
from workloads.pretrain.folder import RunFolder, json_lines, step_name
from workloads.pretrain.progress import Progress, read_progress
from workloads.pretrain.shards import open_data

WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def export_run(folder: RunFolder, model: nn.Module, progress: Progress, validation_loss: float | None) -> None:
    """The model after `progress.step` in the run's export folder. Called on all ranks; rank 0 writes.

    An export of that step which is there already is left alone.
    """
    weights = get_model_state_dict(model, options=WHOLE)
    # Only rank 0 of a sharded model gets the weights, every rank of a copied one does.
    if weights and torch.distributed.get_rank() == 0:
        _write(folder, weights, progress, validation_loss)


def export_checkpoint(folder: RunFolder) -> Path:
    """The newest checkpoint of a run as an export; no process group needed, and the run may go on meanwhile."""
    newest = next(iter(checkpoints_of(folder.checkpoints)), None)
    if newest is None:
        raise PenstockError(f"{folder.checkpoints}: no checkpoint to export; train first")
    model = Transformer(read_job(folder.job).training.model)
    weights = model.state_dict()
    load({"model": weights}, checkpoint_id=newest, no_dist=True)
    progress = read_progress(newest)
    return _write(folder, weights, progress, _validation_loss(folder, progress.step))


def _write(folder: RunFolder, weights: Mapping[str, object], progress: Progress, validation_loss: float | None) -> Path:
    final = folder.exports / step_name(progress.step)
    if (final / "manifest.json").exists():
        return final
    partial = final.with_name(f".partial-{final.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(_by_name(weights, progress), partial / "model.safetensors")
    shutil.copyfile(folder.data / "tokenizer.json", partial / "tokenizer.json")
    files = {name: _sums(partial / name) for name in ("model.safetensors", "tokenizer.json")}
    manifest = Manifest(
        step=progress.step,
        model=read_job(folder.job).training.model,
        end_of_text=open_data(folder.data).end_of_text,
        validation_loss=validation_loss,
        digest=_digest(files),
        files=files,
    )
    write_manifest(partial, manifest)
    shutil.rmtree(final, ignore_errors=True)
    return partial.rename(final)


def _by_name(weights: Mapping[str, object], progress: Progress) -> dict[str, Tensor]:
    """Each matrix once: the output layer that shares the embedding's is left out."""
    shared = {"head.weight"} if progress.model["tieEmbeddings"] else set()
    return {
        name: weight.contiguous()
        for name, weight in weights.items()
        if isinstance(weight, Tensor) and name not in shared
    }


def _sums(file: Path) -> FileSums:
    pieces = tuple(xxhash.xxh3_64_hexdigest(piece) for piece in _pieces(file))
    return FileSums(bytes=file.stat().st_size, chunk_bytes=CHUNK_BYTES, xxh3=pieces)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            yield piece


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
