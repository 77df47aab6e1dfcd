"""Token shards: the corpus as two memory-mapped files of token ids, made once per run."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from tokenizers import Tokenizer

from components.errors import Problem, SpecError
from components.spec.training import DataSpec, TrainingSpec
from workloads.model.hugging_face import end_tokens, read_ends
from workloads.pretrain.corpus import Corpus, Document, refused_text, require_tokens
from workloads.pretrain.folder import replace_json
from workloads.pretrain.origin import origin_of
from workloads.pretrain.tokenizer import save_tokenizer, take_tokenizer, train_tokenizer

ENCODED_AT_ONCE_BYTES = 2 * 2**20

Dtype = np.dtype[np.unsignedinteger[Any]]
Tokens = np.memmap[tuple[int], Dtype]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenData:
    """The prepared data of a run."""

    train: Tokens
    validation: Tokens
    digest: str
    end_of_text: int
    unigram_loss: float
    """Nats per token that a model would reach which knows only how often each token occurs."""


def prepared_digest(folder: Path) -> str | None:
    """The digest of the corpus a folder was prepared from; None when it was not."""
    try:
        return str(json.loads((folder / "corpus.json").read_text())["digest"])
    except FileNotFoundError:
        return None


def prepare(folder: Path, corpus: Corpus, training: TrainingSpec, report: Callable[[str], None]) -> None:
    """Tokenizer and shards in `folder`, which appears whole or not at all; `report` gets the progress in words."""
    partial = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    origin = origin_of(training.model)
    if origin is None:
        report("training the tokenizer")
        tokenizer = train_tokenizer(corpus, training.model.vocabulary, lambda document: _read(document, training.data))
        save_tokenizer(partial, tokenizer)
    else:
        tokenizer = take_tokenizer(partial, origin, training.model)
    counts = _write_shards(partial, corpus, training, tokenizer, report)
    replace_json(partial / "corpus.json", counts | {"digest": corpus.digest(training)})
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def open_data(folder: Path) -> TokenData:
    """The data that `prepare` left in a folder, mapped, not read."""
    facts = json.loads((folder / "corpus.json").read_text())
    return TokenData(
        train=_open(folder / "train.bin", facts["dtype"]),
        validation=_open(folder / "validation.bin", facts["dtype"]),
        digest=facts["digest"],
        end_of_text=facts["endOfText"],
        unigram_loss=facts["unigramLoss"],
    )


def _open(path: Path, dtype: str) -> Tokens:
    return np.memmap(path, dtype=np.dtype(dtype), mode="r")


def _write_shards(
    folder: Path, corpus: Corpus, training: TrainingSpec, tokenizer: Tokenizer, report: Callable[[str], None]
) -> dict[str, object]:
    dtype = np.dtype("uint16" if training.model.vocabulary <= 2**16 else "uint32")
    end_of_text = end_tokens(read_ends(folder))[0]
    read_bytes = 0
    with (folder / "train.bin").open("wb") as train, (folder / "validation.bin").open("wb") as validation:
        for batch in _batches(corpus):
            tokens = _encode(tokenizer, [_read(document, training.data) for _, document in batch], end_of_text, dtype)
            for (index, _), ids in zip(batch, tokens, strict=True):
                _split(ids, index, corpus, training.data.validation_share, train, validation)
            read_bytes += sum(document.size_bytes for _, document in batch)
            report(f"tokenizing {read_bytes / corpus.size_bytes:.0%}")
    shards = {name: _open_any(folder / f"{name}.bin", dtype) for name in ("train", "validation")}
    _require_enough(training, shards["train"].size, shards["validation"].size)
    return {
        "documents": len(corpus.documents),
        "bytes": corpus.size_bytes,
        "tokens": shards["train"].size + shards["validation"].size,
        "trainTokens": shards["train"].size,
        "validationTokens": shards["validation"].size,
        "vocabulary": tokenizer.get_vocab_size(),
        "endOfText": end_of_text,
        "dtype": dtype.name,
        "unigramLoss": unigram_loss(shards["train"], shards["validation"], training.model.vocabulary),
    }


def unigram_loss(train: np.ndarray, validation: np.ndarray, vocabulary: int) -> float:
    """Cross-entropy, in nats per token, of the validation tokens under the training tokens' frequencies.

    One is added to every count, so that a token that training never showed does not make it infinite.
    """
    counts = np.bincount(train, minlength=vocabulary) + 1.0
    log_share = np.log(counts / counts.sum())
    return float(-log_share[validation].mean())


def _open_any(path: Path, dtype: Dtype) -> np.ndarray:
    # An empty file cannot be mapped.
    return np.fromfile(path, dtype=dtype)


def _require_enough(training: TrainingSpec, train: int, validation: int) -> None:
    require_tokens(training, train, "tokens")
    needed = training.model.context + 1
    if validation < needed:
        share = training.data.validation_share
        message = (
            f"{share} keeps {validation:,} tokens to measure the loss on, but one sequence needs {needed:,}; "
            f"raise it, or give more text"
        )
        raise SpecError([Problem(path="training.data.validationShare", message=message)])


def _batches(corpus: Corpus) -> Iterator[list[tuple[int, Document]]]:
    batch: list[tuple[int, Document]] = []
    size_bytes = 0
    for item in enumerate(corpus.documents):
        batch.append(item)
        size_bytes += item[1].size_bytes
        if size_bytes >= ENCODED_AT_ONCE_BYTES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _encode(tokenizer: Tokenizer, texts: Sequence[str], end_of_text: int, dtype: Dtype) -> list[np.ndarray]:
    """The documents' tokens, with what the tokenizer itself puts around them, and the end of the text once."""
    found = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=True)]
    return [np.array(ids if ids[-1:] == [end_of_text] else [*ids, end_of_text], dtype=dtype) for ids in found]


def _split(ids: np.ndarray, index: int, corpus: Corpus, share: float, train: BinaryIO, validation: BinaryIO) -> None:
    """Whole documents to one side or the other; of a corpus of few documents, the end of each to validation."""
    stride = round(1 / share)
    if len(corpus.documents) >= 2 * stride:
        (validation if index % stride == stride // 2 else train).write(ids.tobytes())
    else:
        kept = ids.size - round(ids.size * share)
        train.write(ids[:kept].tobytes())
        validation.write(ids[kept:].tobytes())


def _read(document: Document, data: DataSpec) -> str:
    try:
        return document.path.read_bytes().decode()
    except UnicodeDecodeError:
        raise refused_text(data, document.path) from None
    except OSError as error:
        problem = Problem(path="training.data.files", message=f"{document.path} cannot be read: {error.strerror}")
        raise SpecError([problem]) from None
