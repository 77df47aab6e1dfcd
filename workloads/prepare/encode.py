"""The tokens of one part, as two files: what is trained on, and what the loss is measured on."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from tokenizers import Tokenizer

from workloads.prepare.chat import IDS, LEARNED, ChatEncoding, Conversations, LeftOut, pack
from workloads.prepare.corpus import Corpus
from workloads.prepare.parts import Part
from workloads.prepare.reading import documents
from workloads.pretrain.folder import replace_json

ENCODED_AT_ONCE = 2 * 2**20
"""Characters that are encoded at once."""

Dtype = np.dtype[np.unsignedinteger[Any]]
Ids = np.ndarray[tuple[int], Dtype]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Documents that are kept to measure the loss on."""

    share: float
    documents: int
    """Of the whole text."""
    cuts: bool = True
    """False where a document may not be cut: of a text of few, one in two at least is kept whole."""

    @property
    def stride(self) -> int:
        asked = round(1 / self.share)
        return asked if self.cuts else min(asked, max(2, self.documents))

    @property
    def by_documents(self) -> bool:
        """True for whole documents on one side or the other; of a text of few, the end of each is kept."""
        return not self.cuts or self.documents >= 2 * self.stride

    def keeps(self, document: int) -> bool:
        """True of a document that is not trained on."""
        return self.by_documents and document % self.stride == self.stride // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Encoding of a text."""

    tokenizer: Path
    """File of the tokenizer: each process reads its own."""
    end_of_text: int
    dtype: str
    split: Split
    chat: ChatEncoding | None = None
    """Of conversations, which are packed; None where a text runs on."""


def dtype_of(vocabulary: int) -> str:
    """The narrowest type that holds all ids."""
    return "uint16" if vocabulary <= 2**16 else "uint32"


def encode_part(folder: Path, corpus: Corpus, part: Part, how: Encoding) -> None:
    """Writes the part's tokens and counts into `folder`, whole or not at all; nothing where they are there already.

    Memory is that of one batch, one line and the counts. UnreadableError where a document cannot be read.
    """
    facts = folder / f"{part.index:05}.json"
    if facts.exists():
        return
    tokenizer = _tokenizer(how.tokenizer)
    mine = folder / f".partial-{part.index:05}-{os.getpid()}"
    mine.mkdir()
    sides, left_out = _Sides(mine, how, tokenizer.get_vocab_size()), LeftOut()
    if how.chat is None:
        for batch in _batches(corpus, part):
            sides.write(batch, tokenizer)
    else:
        conversations = Conversations(part, corpus.column, how.chat, tokenizer, left_out)
        for some in conversations.sequences():
            sides.write_packed(some, how.chat)
    tokens = sides.close()
    for side in SIDES:
        (mine / side).rename(token_file(folder, part.index, side))
    np.save(mine / "counts.npy", sides.counts)
    (mine / "counts.npy").rename(folder / f"{part.index:05}.npy")
    told = {reason: [count, left_out.places[reason]] for reason, count in left_out.counts.items()}
    replace_json(facts, {**dict(zip(SIDES, tokens, strict=True)), LEFT_OUT: told})
    mine.rmdir()


SIDES = ("train", "validation")
LEFT_OUT = "leftOut"


def token_file(folder: Path, part: int, side: str) -> Path:
    """The file of a part's tokens."""
    return folder / f"{part:05}-{side}.bin"


@dataclass(frozen=True, slots=True)
class Piece:
    document: int
    text: str
    first: bool
    last: bool


def _batches(corpus: Corpus, part: Part) -> Iterator[list[Piece]]:
    batch, size = list[Piece](), 0
    for piece in _pieces(corpus, part):
        batch.append(piece)
        size += len(piece.text)
        if size >= ENCODED_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _pieces(corpus: Corpus, part: Part) -> Iterator[Piece]:
    found = documents(part, corpus.format, corpus.column)
    for document, (_, pieces) in enumerate(found, start=part.first_document):
        yield from _marked(document, pieces)


def _marked(document: int, pieces: Iterable[str]) -> Iterator[Piece]:
    held, first = None, True
    for text in pieces:
        if held is not None:
            yield Piece(document, held, first, last=False)
            first = False
        held = text
    yield Piece(document, held or "", first, last=True)


class _Sides:
    """The two files of a part while they are written, and how often each token occurs in either."""

    def __init__(self, folder: Path, how: Encoding, vocabulary: int) -> None:
        self._how, self._dtype = how, np.dtype(how.dtype)
        self._files: list[BinaryIO] = [(folder / side).open("w+b") for side in SIDES]
        self.counts = np.zeros((len(SIDES), vocabulary), dtype=np.int64)
        """Occurrences of each token that is learned."""
        self._begun = 0
        """Tokens of the train file before the document that is being written."""

    def write(self, batch: Sequence[Piece], tokenizer: Tokenizer) -> None:
        """The pieces' tokens, with what the tokenizer puts around a document, and the end of the text once."""
        whole = [
            encoding.ids for encoding in tokenizer.encode_batch_fast([piece.text for piece in batch if piece.first])
        ]
        rest = [piece.text for piece in batch if not piece.first]
        inner = [encoding.ids for encoding in tokenizer.encode_batch_fast(rest, add_special_tokens=False)]
        firsts, others = iter(whole), iter(inner)
        gathered: tuple[list[Ids], list[Ids]] = ([], [])
        for piece in batch:
            ids = self._ended(next(firsts) if piece.first else next(others), piece)
            side = self._how.split.keeps(piece.document)
            gathered[side].append(np.array(ids, dtype=self._dtype))
            if piece.last and not self._how.split.by_documents:
                self._flush(gathered)
                self._keep_end()
        self._flush(gathered)

    def write_packed(self, some: Sequence[tuple[int, np.ndarray]], chat: ChatEncoding) -> None:
        """Conversations, each with its number in the text, in sequences of their own."""
        for side, kept in enumerate((False, True)):
            mine = [tokens for document, tokens in some if self._how.split.keeps(document) == kept]
            packed = pack(mine, chat.context, chat.ends[0])
            self._files[side].write(packed.tobytes())
            self.counts[side] += np.bincount(packed[packed >= LEARNED] & IDS, minlength=self.counts.shape[1])

    def close(self) -> list[int]:
        """Tokens of each side; returns when both files are whole on the disk."""
        tokens = [file.tell() // self._dtype.itemsize for file in self._files]
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
            file.close()
        return tokens

    def _ended(self, ids: list[int], piece: Piece) -> list[int]:
        end = self._how.end_of_text
        if not piece.last:
            return ids[:-1] if ids[-1:] == [end] and piece.first else ids
        return ids if ids[-1:] == [end] else [*ids, end]

    def _flush(self, gathered: tuple[list[Ids], list[Ids]]) -> None:
        for side, pieces in enumerate(gathered):
            if pieces:
                ids = np.concatenate(pieces)
                self._files[side].write(ids.tobytes())
                self.counts[side] += np.bincount(ids, minlength=self.counts.shape[1])
                pieces.clear()

    def _keep_end(self) -> None:
        """Moves the end of the document that was just written from the train file to the other."""
        train, validation = self._files
        written = train.tell() // self._dtype.itemsize
        moved = round((written - self._begun) * self._how.split.share)
        train.seek((written - moved) * self._dtype.itemsize)
        ids = np.frombuffer(train.read(), dtype=self._dtype)
        train.seek((written - moved) * self._dtype.itemsize)
        train.truncate()
        validation.write(ids.tobytes())
        counted = np.bincount(ids, minlength=self.counts.shape[1])
        self.counts[0] -= counted
        self.counts[1] += counted
        self._begun = written - moved


@lru_cache(maxsize=1)
def _tokenizer(file: Path) -> Tokenizer:
    return Tokenizer.from_file(str(file))
