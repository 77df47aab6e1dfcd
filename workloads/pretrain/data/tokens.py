"""The prepared text of a run as its ranks read it: token files mapped into memory, one behind the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from workloads.prepare.manifest import Shard, Source, read_manifest

MAPPED_AT_ONCE = 1024
"""Files that a rank maps at a time; Linux allows a process 65,530 areas (vm.max_map_count)."""

Ids = np.ndarray[tuple[int, int], np.dtype[np.int64]]


class TokenStream:
    """Token ids of one text."""

    def __init__(self, files: Sequence[tuple[Path, Shard]]) -> None:
        self._files = [(path, shard) for path, shard in files if shard.tokens]
        self._ends = np.cumsum([shard.tokens for _, shard in self._files], dtype=np.int64)
        self.size = int(self._ends[-1]) if self._files else 0
        self._map = lru_cache(maxsize=MAPPED_AT_ONCE)(self._open)

    def rows(self, starts: Sequence[int], length: int) -> Ids:
        """So many tokens from each start on; a row may lie in several files."""
        rows = np.empty((len(starts), length), dtype=np.int64)
        for row, start in zip(rows, starts, strict=True):
            self._fill(row, start)
        return rows

    def _fill(self, row: np.ndarray, start: int) -> None:
        index = int(np.searchsorted(self._ends, start, side="right"))
        filled = 0
        while filled < row.size:
            mapped = self._map(index)
            offset = start + filled - (int(self._ends[index]) - mapped.size)
            part = mapped[offset : offset + row.size - filled]
            row[filled : filled + part.size] = part
            filled, index = filled + part.size, index + 1

    def _open(self, index: int) -> np.ndarray:
        path, shard = self._files[index]
        return np.memmap(path, dtype=np.dtype(shard.dtype), mode="r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """One part of a mixture."""

    tokens: TokenStream
    weight: float
    packed: int = 0
    """As `Source.packed`: tokens of a sequence that holds whole conversations, 0 for text that runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenData:
    """The prepared data of a run."""

    train: tuple[Weighted, ...]
    validation: tuple[Weighted, ...]
    digest: str
    end_of_text: int
    unigram_loss: float
    """Nats per token that a model would reach which knows only how often each token occurs."""

    @property
    def converses(self) -> bool:
        """True if some tokens are not learned: those of a conversation that are no answer."""
        return any(one.packed for one in self.train)


def open_data(folder: Path) -> TokenData:
    """The data of a run, mapped, not read; PenstockError where the folder has none."""
    folder = folder.resolve()  # paths in the manifest are relative to the folder itself, not to a link to it
    manifest = read_manifest(folder)
    return TokenData(
        train=tuple(_weighted(folder, source, source.train) for source in manifest.sources),
        validation=tuple(_weighted(folder, source, source.validation) for source in manifest.sources),
        digest=manifest.digest,
        end_of_text=manifest.end_of_text,
        unigram_loss=manifest.unigram_loss,
    )


def _weighted(folder: Path, source: Source, side: Sequence[Shard]) -> Weighted:
    tokens = TokenStream([(folder / shard.path, shard) for shard in side])
    return Weighted(tokens=tokens, weight=source.weight, packed=source.packed)
