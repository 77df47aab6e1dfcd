"""The text that a run learns from."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from components.spec.base import FolderPath, Spec


def _is_none(value: object) -> bool:
    """True of a field that was left out, and then stays out of plans and of a run's identity."""
    return value is None


class TextFormat(StrEnum):
    """Form of the files with text."""

    TEXT = "text"
    """UTF-8, a document in each file."""
    JSONL = "jsonl"
    """A JSON object in each line, a document in each."""
    CHAT = "chat"
    """A JSON object in each line with the messages of a conversation, of which the assistant's answers are learned."""
    PARQUET = "parquet"
    """A document in each row."""


class TextSpec(Spec):
    """Files with text."""

    files: FolderPath
    """A path, a folder, or a glob such as `~/texts/**/*.md`."""
    format: TextFormat = TextFormat.TEXT
    """`text` (UTF-8, each file a document), `jsonl` (each line one), `parquet` (each row one), or `chat`: jsonl whose
    lines have messages with role and content, written by the model's chat template, with the loss on answers alone."""
    column: str | None = Field(default=None, min_length=1, exclude_if=_is_none)
    """Key or column with the text, of `jsonl` and `parquet`; when left out, `text`. Of `chat`, key with the messages;
    when left out, `messages`."""

    @model_validator(mode="after")
    def _columns_are_of_tables(self) -> Self:
        if self.column is not None and self.format is TextFormat.TEXT:
            raise ValueError("column: is for format: jsonl, parquet or chat; set one of them, or remove column")
        return self


class SourceSpec(Spec):
    """One part of a mixture."""

    text: TextSpec | None = Field(default=None, exclude_if=_is_none)
    """Files with text."""
    tokens: FolderPath | None = Field(default=None, exclude_if=_is_none)
    """Folder with tokens that were prepared before."""
    weight: float = Field(gt=0)
    """Share of the sequences that come from it, beside the weights of the others."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.text is not None and self.tokens is not None:
            raise ValueError("tokens: stands beside text; remove one, or make two parts of them")
        if self.text is None and self.tokens is None:
            raise ValueError("text: is missing; give text or tokens")
        return self


class DataSpec(Spec):
    """Text to learn from: `text`, `tokens` or `mixture`; when all are left out, the sources of Python's standard
    library, which need no download."""

    text: TextSpec | None = Field(default=None, exclude_if=_is_none)
    """Files with text, which are made into tokens before the run, once for all runs on them."""
    tokens: FolderPath | None = Field(default=None, exclude_if=_is_none)
    """Folder with tokens that were prepared before: it has a manifest.json."""
    mixture: tuple[SourceSpec, ...] = Field(default=(), max_length=64, exclude_if=lambda value: not value)
    """Several texts or tokens, and the weight of each."""
    tokenizer: FolderPath | None = Field(default=None, exclude_if=_is_none)
    """A tokenizer.json, or the folder of one; when left out, that of `model.from` or of the tokens, else one is trained
    on the text."""
    validation_share: float = Field(default=0.02, gt=0, lt=0.5)
    """Share of the documents kept out of training to measure the loss on."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        asked = [key for key in ("text", "tokens", "mixture") if getattr(self, key)]
        if len(asked) > 1:
            raise ValueError(f"{asked[1]}: stands beside {asked[0]}; remove one, or write both as parts of a mixture")
        return self

    @property
    def converses(self) -> bool:
        """True if some of the text are conversations."""
        return any(text.format is TextFormat.CHAT for _, text in self.texts)

    @property
    def texts(self) -> tuple[tuple[str, TextSpec], ...]:
        """The files with text, each with its path below `data`."""
        return tuple((path, text) for path, text, _, _ in self.sources() if text is not None)

    def paths(self) -> Iterator[tuple[str, str]]:
        """Each path on a disk, after the key below `data` that asks for it."""
        for path, text, tokens, _ in self.sources():
            if text is not None:
                yield f"{path}.files", text.files
            if tokens is not None:
                yield path, tokens
        if self.tokenizer is not None:
            yield "tokenizer", self.tokenizer

    def sources(self) -> Iterator[tuple[str, TextSpec | None, str | None, float]]:
        """Each part as key below `data`, text, tokens and weight; one without either for the default text."""
        for index, part in enumerate(self.mixture):
            kind = "text" if part.text is not None else "tokens"
            yield f"mixture.{index}.{kind}", part.text, part.tokens, part.weight
        if not self.mixture:
            yield "tokens" if self.tokens is not None else "text", self.text, self.tokens, 1.0
