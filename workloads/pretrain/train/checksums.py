"""Checksums of a checkpoint: made by each rank for what it wrote, checked in shares at loading."""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import xxhash

from workloads.pretrain.folder import replace_json

FOLDER_SUMS = "checksums.json"
"""Written last: a folder without it is not a checkpoint."""

SUMMED_AT_ONCE_BYTES = 8 * 2**20
LAST_RANK_WAIT_S = 600.0


def own_files(folder: Path, rank: int) -> list[Path]:
    """The files that torch.distributed.checkpoint names after one rank."""
    return sorted(folder.glob(f"__{rank}_*.distcp"))


def write_rank_sums(folder: Path, rank: int, files: Iterable[Path]) -> None:
    """One rank's part of the checksums."""
    replace_json(_rank_sums(folder, rank), {file.name: _sum(file) for file in files})


def merge_sums(folder: Path, world_size: int, extra: Sequence[str]) -> None:
    """The checksums of the whole folder, once every rank has written its own."""
    parts = [_rank_sums(folder, rank) for rank in range(world_size)]
    deadline = time.monotonic() + LAST_RANK_WAIT_S
    while not all(part.exists() for part in parts):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no checksums from every rank within {LAST_RANK_WAIT_S:.0f} s")
        time.sleep(0.005)
    sums: dict[str, object] = {name: _sum(folder / name) for name in extra}
    for part in parts:
        sums |= json.loads(part.read_text())
        part.unlink()
    replace_json(folder / FOLDER_SUMS, sums)


def problems_of_share(folder: Path, share: int, shares: int) -> list[str]:
    """Problems of every `shares`-th file of a folder."""
    try:
        sums = json.loads((folder / FOLDER_SUMS).read_text())
    except (OSError, ValueError) as error:
        return [f"{FOLDER_SUMS}: {error}"]
    return [problem for name in sorted(sums)[share::shares] if (problem := _problem(folder / name, sums[name]))]


def _rank_sums(folder: Path, rank: int) -> Path:
    return folder / f"sums-{rank}.json"


def _problem(file: Path, expected: dict[str, object]) -> str | None:
    try:
        found = _sum(file)
    except OSError as error:
        return f"{file.name}: {error.strerror}"
    if found["bytes"] != expected["bytes"]:
        return f"{file.name}: {found['bytes']} bytes instead of {expected['bytes']}"
    return None if found == expected else f"{file.name}: checksum differs"


def _sum(file: Path) -> dict[str, object]:
    digest = xxhash.xxh3_128()
    with file.open("rb") as stream:
        while piece := stream.read(SUMMED_AT_ONCE_BYTES):
            digest.update(piece)
        return {"bytes": stream.tell(), "xxh3": digest.hexdigest()}
