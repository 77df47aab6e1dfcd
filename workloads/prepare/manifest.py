"""corpus.json: what a run reads, and all that it reads before the tokens themselves."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.errors import PenstockError

MANIFEST = "corpus.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A file of token ids."""

    path: str
    """Relative to the folder of the manifest."""
    tokens: int
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One part of the mixture; there may be only one."""

    weight: float
    counts: str
    """File with how often each token occurs in either (numpy, int64 of shape (2, vocabulary)), relative too."""
    train: tuple[Shard, ...]
    validation: tuple[Shard, ...]
    packed: int = 0
    """Tokens of a sequence into which whole conversations were packed, with marks beside the ids (workloads/prepare/
    chat.py); 0 for text that runs on."""

    @property
    def sizes(self) -> tuple[int, int]:
        """Tokens to train on, and to measure the loss on."""
        return sum(shard.tokens for shard in self.train), sum(shard.tokens for shard in self.validation)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataManifest:
    digest: str
    """Of everything that the tokens depend on."""
    tokenizer: str
    """Digest of the tokenizer."""
    end_of_text: int
    unigram_loss: float
    """Nats per token that a model would reach which knows only how often each token occurs."""
    documents: int
    bytes: int
    """Of text that runs on: what a template adds to a conversation is in no file."""
    sources: tuple[Source, ...]
    left_out: str = ""
    """Conversations that are not trained on, in words."""

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens to train on, and to measure the loss on."""
        return sum(one.sizes[0] for one in self.sources), sum(one.sizes[1] for one in self.sources)


def write_manifest(folder: Path, manifest: DataManifest) -> None:
    """Writes corpus.json into a folder that nobody reads yet."""
    train, validation = manifest.tokens
    told = {
        "digest": manifest.digest,
        "tokenizer": manifest.tokenizer,
        "endOfText": manifest.end_of_text,
        "unigramLoss": manifest.unigram_loss,
        "documents": manifest.documents,
        "bytes": manifest.bytes,
        "tokens": train + validation,
        "trainTokens": train,
        "validationTokens": validation,
        "sources": [asdict(source) for source in manifest.sources],
        "leftOut": manifest.left_out,
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1) + "\n")


def read_manifest(folder: Path) -> DataManifest:
    """The manifest of a folder; PenstockError where there is none."""
    path = folder / MANIFEST
    try:
        told: Mapping[str, Any] = json.loads(path.read_bytes())
        sources = told["sources"]
        return DataManifest(
            digest=told["digest"],
            tokenizer=told["tokenizer"],
            end_of_text=told["endOfText"],
            unigram_loss=told["unigramLoss"],
            documents=told["documents"],
            bytes=told["bytes"],
            sources=tuple(
                Source(
                    weight=one["weight"],
                    counts=one["counts"],
                    train=_shards(one["train"]),
                    validation=_shards(one["validation"]),
                    packed=one.get("packed", 0),
                )
                for one in sources
            ),
            left_out=told.get("leftOut", ""),
        )
    except OSError as error:
        raise PenstockError(
            f"{path}: cannot be read ({error.strerror}); give a folder that `python -m workloads.prepare` has made"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise PenstockError(
            f"{path}: is not what `python -m workloads.prepare` writes; prepare the text anew"
        ) from None


def missing_shard(folder: Path, manifest: DataManifest) -> Path | None:
    """A token file that is not there, or not as long as the manifest says; None where all are."""
    return next((path for path, shard in _files(folder, manifest) if not _is_whole(path, shard)), None)


def _files(folder: Path, manifest: DataManifest) -> Iterator[tuple[Path, Shard]]:
    for source in manifest.sources:
        yield from ((folder / shard.path, shard) for shard in (*source.train, *source.validation))


def _is_whole(path: Path, shard: Shard) -> bool:
    # The widest type has four bytes, its name ends with its bits.
    width = int(shard.dtype.removeprefix("uint")) // 8
    try:
        return path.stat().st_size == shard.tokens * width
    except OSError:
        return False


def _shards(told: Sequence[Mapping[str, Any]]) -> tuple[Shard, ...]:
    return tuple(Shard(path=one["path"], tokens=one["tokens"], dtype=one["dtype"]) for one in told)
