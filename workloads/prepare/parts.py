"""A text in parts that are prepared by themselves: some small files, one file, or a stretch of a large one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from components.spec.data import TextFormat
from workloads.prepare.corpus import Corpus, TextFile

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

PART_BYTES = 64 * 2**20
"""Of text in a part: seconds of work for a core, and of a small corpus one part."""
MOST_PARTS = 4096
"""Parts of a text at most, each of which becomes two files that every rank maps."""
BLOCK_BYTES = 4 * 2**20

Sizes = tuple[int, ...]
"""Documents by size: the n-th number counts those of fewer than 2**n bytes that are in none before."""


class UnreadableError(Exception):
    """A file that is not what its format says, in one sentence with the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Documents of one file: all, or those in a range of its bytes (jsonl) or of its row groups (parquet)."""

    path: Path
    begin: int
    end: int
    documents: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One file, read once."""

    digest: str
    """Of its bytes (xxh3, 128 bits)."""
    stretches: tuple[Stretch, ...]
    sizes: Sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Work of one core."""

    index: int
    stretches: tuple[Stretch, ...]
    first_document: int
    """Number of its first document in the text."""

    @property
    def documents(self) -> int:
        return sum(stretch.documents for stretch in self.stretches)

    @property
    def bytes(self) -> int:
        return sum(stretch.bytes for stretch in self.stretches)


def part_bytes(corpus: Corpus) -> int:
    """Bytes of a part of this text."""
    return max(PART_BYTES, -(-corpus.size_bytes // MOST_PARTS))


def scan_file(file: TextFile, form: TextFormat, part: int) -> Scan:
    """Digest, documents and stretches of about `part` bytes of a file, in memory that does not depend on its size;
    UnreadableError where it is none of the format.
    """
    try:
        match form:
            case TextFormat.TEXT:
                return _scan_text(file)
            case TextFormat.JSONL | TextFormat.CHAT:
                return _scan_lines(file, part)
            case TextFormat.PARQUET:
                return _scan_rows(file, part)
    except OSError as error:
        raise UnreadableError(f"{file.path} cannot be read: {error.strerror}") from None


def into_parts(scans: Sequence[Scan], part: int) -> tuple[Part, ...]:
    """All stretches in order, small ones together."""
    parts: list[Part] = []
    held: list[Stretch] = []
    first = size = 0
    for stretch in (one for scan in scans for one in scan.stretches):
        held.append(stretch)
        size += stretch.bytes
        if size >= part:
            parts.append(Part(index=len(parts), stretches=tuple(held), first_document=first))
            first, held, size = first + parts[-1].documents, [], 0
    if held:
        parts.append(Part(index=len(parts), stretches=tuple(held), first_document=first))
    return tuple(parts)


def _blocks(path: Path, at_most: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The file's bytes, some MiB at a time."""
    with path.open("rb") as opened:
        while block := opened.read(min(at_most, BLOCK_BYTES)):
            yield block


def _scan_text(file: TextFile) -> Scan:
    digest = xxhash.xxh3_128()
    for block in _blocks(file.path):
        digest.update(block)
    whole = Stretch(path=file.path, begin=0, end=file.size_bytes, documents=1, bytes=file.size_bytes)
    return Scan(digest=digest.hexdigest(), stretches=(whole,), sizes=_sizes(np.array([file.size_bytes])))


def _scan_lines(file: TextFile, part: int) -> Scan:
    """Lines that are not empty, each a document; a stretch ends with a line."""
    digest, counted = xxhash.xxh3_128(), np.zeros(64, dtype=np.int64)
    stretches: list[Stretch] = []
    begin = position = documents = 0
    line = 0  # begin of the line that is being read
    for block in _blocks(file.path, part):
        digest.update(block)
        ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n")) + position + 1
        lengths = np.diff(ends, prepend=line)
        counted += _sizes_of(lengths[lengths > EMPTY_LINE])
        documents += int((lengths > EMPTY_LINE).sum())
        position += len(block)
        line = int(ends[-1]) if ends.size else line
        if line - begin >= part:
            stretches.append(Stretch(path=file.path, begin=begin, end=line, documents=documents, bytes=line - begin))
            begin, documents = line, 0
    if position - line > 0:  # the last line has no end
        counted += _sizes_of(np.array([position - line + 1]))
        documents += 1
    if documents:
        stretches.append(
            Stretch(path=file.path, begin=begin, end=position, documents=documents, bytes=position - begin)
        )
    return Scan(digest=digest.hexdigest(), stretches=tuple(stretches), sizes=tuple(counted.tolist()))


EMPTY_LINE = 2
"""Bytes of a line that holds nothing, with its end: no JSON object with a text is so short."""


def _scan_rows(file: TextFile, part: int) -> Scan:
    """Rows, by what the file's footer says of its groups; their sizes as if all rows of a group were alike."""
    metadata = open_parquet(file.path).metadata
    digest, counted = xxhash.xxh3_128(), np.zeros(64, dtype=np.int64)
    for block in _blocks(file.path):
        digest.update(block)
    stretches: list[Stretch] = []
    begin = rows = size_bytes = 0
    for group in range(metadata.num_row_groups):
        held = metadata.row_group(group)
        rows, size_bytes = rows + held.num_rows, size_bytes + held.total_byte_size
        counted += _sizes_of(np.full(held.num_rows, max(1, held.total_byte_size // max(1, held.num_rows))))
        if size_bytes >= part or group == metadata.num_row_groups - 1:
            stretches.append(Stretch(path=file.path, begin=begin, end=group + 1, documents=rows, bytes=size_bytes))
            begin, rows, size_bytes = group + 1, 0, 0
    return Scan(digest=digest.hexdigest(), stretches=tuple(stretches), sizes=tuple(counted.tolist()))


def open_parquet(path: Path) -> ParquetFile:
    """The file, not read yet; UnreadableError where it is no parquet."""
    import pyarrow as arrow  # late: 150 MB that other formats can do without
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except arrow.ArrowInvalid as error:
        reason = str(error).partition(".")[0]
        raise UnreadableError(f"{path} is not parquet ({reason}); choose other files, or another format") from None


def _sizes(lengths: np.ndarray) -> Sizes:
    return tuple(_sizes_of(lengths).tolist())


def _sizes_of(lengths: np.ndarray) -> np.ndarray:
    exponents = np.ceil(np.log2(np.maximum(lengths, 1) + 1)).astype(np.int64)
    return np.bincount(exponents, minlength=64)[:64]
