"""The documents of a part, one after the other."""

import json
from collections.abc import Iterator
from pathlib import Path

from components.spec.data import TextFormat
from workloads.prepare.chat import conversation_texts
from workloads.prepare.parts import EMPTY_LINE, Part, Stretch, UnreadableError, open_parquet

PIECE_CHARACTERS = 2**20
"""Of a longer document, characters that are encoded at once; it is cut at the begin of a line where there is one."""
ROWS_AT_ONCE = 256

Pieces = Iterator[str]


def documents(part: Part, form: TextFormat, column: str) -> Iterator[tuple[int, Pieces]]:
    """Size of each document of the part (bytes of a file, else characters), and its pieces, which together are its
    text, in memory of one piece or one line or a few rows; UnreadableError where there is none.
    """
    if form is TextFormat.CHAT:
        yield from ((len(text), cut(text)) for text in conversation_texts(part, column))
        return
    for stretch in part.stretches:
        try:
            match form:
                case TextFormat.TEXT:
                    yield stretch.bytes, _pieces_of_file(stretch.path)
                case TextFormat.JSONL:
                    yield from ((len(text), cut(text)) for text in _lines(stretch, column))
                case TextFormat.PARQUET:
                    yield from ((len(text), cut(text)) for text in _rows(stretch, column))
        except OSError as error:
            raise UnreadableError(f"{stretch.path} cannot be read: {error.strerror}") from None


def cut(text: str) -> Pieces:
    """The text in pieces; the last is what is left, and may be all."""
    begin = 0
    while len(text) - begin > PIECE_CHARACTERS:
        end = text.rfind("\n", begin, begin + PIECE_CHARACTERS) + 1 or begin + PIECE_CHARACTERS
        yield text[begin:end]
        begin = end
    yield text[begin:]


def _pieces_of_file(path: Path) -> Pieces:
    """As the file is read: it may be larger than one wants to hold."""
    held = ""
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            while block := opened.read(PIECE_CHARACTERS):
                *whole, held = cut(held + block)
                yield from whole
    except UnicodeDecodeError:
        raise UnreadableError(f"{path} is not UTF-8 text; convert it, or choose files that are") from None
    yield held


def _lines(stretch: Stretch, column: str) -> Iterator[str]:
    with stretch.path.open("rb") as opened:
        opened.seek(stretch.begin)
        position = stretch.begin
        while position < stretch.end:
            line = opened.readline()
            if not line:
                raise UnreadableError(f"{stretch.path} has become shorter while it was read; start again")
            position += len(line)
            if len(line) > EMPTY_LINE or (position == stretch.end and not line.endswith(b"\n")):
                yield _text_of(line, stretch.path, position - len(line), column)


def _text_of(line: bytes, path: Path, position: int, column: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise UnreadableError(
            f"{path}: the line at byte {position:,} is not JSON ({error}); correct it, or choose another format"
        ) from None
    text = entry.get(column) if isinstance(entry, dict) else None
    if not isinstance(text, str):
        keys = f"; it has {', '.join(map(repr, list(entry)[:8]))}" if isinstance(entry, dict) and entry else ""
        raise UnreadableError(
            f"{path}: the line at byte {position:,} has no text under {column!r}{keys}; name its key as column"
        )
    return text


def _rows(stretch: Stretch, column: str) -> Iterator[str]:
    opened = open_parquet(stretch.path)
    if column not in opened.schema_arrow.names:
        there = ", ".join(map(repr, opened.schema_arrow.names[:8]))
        raise UnreadableError(f"{stretch.path}: has no column {column!r}, but {there}; name one of them as column")
    groups = list(range(stretch.begin, stretch.end))
    for batch in opened.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=groups, columns=[column], use_threads=False):
        for text in batch.column(0).to_pylist():
            if not isinstance(text, str):
                kind = opened.schema_arrow.field(column).type
                raise UnreadableError(f"{stretch.path}: the column {column!r} holds {kind} and no text in each row; "
                    "name a column with text")  # fmt: skip
            yield text
