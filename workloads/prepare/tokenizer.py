"""The tokenizer: that of a folder, or byte-level BPE that is trained on the text it will read."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from components.errors import PenstockError, Problem, SpecError
from components.home import expand_home
from components.spec.training import TrainingSpec
from workloads.model.hugging_face import (
    GENERATION,
    TEXT_FILES,
    TOKENIZER,
    TOKENIZER_CONFIG,
    end_tokens,
    read_ends,
    read_object,
)
from workloads.prepare.chat import require_template
from workloads.prepare.corpus import Corpus
from workloads.prepare.parts import Part, Sizes
from workloads.prepare.reading import PIECE_CHARACTERS, documents

END_OF_TEXT, USER, ASSISTANT = "<|end_of_text|>", "<|user|>", "<|assistant|>"
SPECIAL_TOKENS = (END_OF_TEXT, USER, ASSISTANT)

CHAT = """{%- set held = namespace(texts=[]) -%}
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{- '<|assistant|>' + message['content'] + '<|end_of_text|>' -}}
{%- else -%}
{%- set held.texts = held.texts + [message['content']] -%}
{%- if message['role'] == 'user' -%}
{{- '<|user|>' + held.texts | join('\n\n') -}}
{%- set held.texts = [] -%}
{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- if held.texts -%}{{- '<|user|>' + held.texts | join('\n\n') -}}{%- endif -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""
"""Chat template: the text of system messages goes before the user's next one."""


RECIPE = "byte-level BPE 3"
"""Part of the digest: another way to make tokens makes other data."""

SAMPLE_BYTES = 2**30
"""Text that merges are learnt from, where there is so much. nanochat learns 32k tokens from 2e9 characters
(scripts/tok_train.py, 92d63d4); 4 MiB give a third of 128k tokens, and those of few documents."""
SAMPLE_CAP_BYTES = 2**14
"""Of one document at most, where documents are enough: one book shall not teach its own words. nanochat: 10,000."""
SPARE = 1.05
"""Of the share of documents that is drawn: the sample is to be no smaller than it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTokenizer:
    """A tokenizer that is there."""

    folder: Path
    file: Path
    key: str
    """Path of the stack file that asks for it, for messages."""

    @property
    def identity(self) -> str:
        """Digest of the tokenizer and of the token that ends a text."""
        ends = end_tokens(ends_of(self.folder, load_tokenizer(self)))
        return xxhash.xxh3_128_hexdigest(self.file.read_bytes() + repr(ends[:1]).encode())

    @property
    def contents(self) -> str:
        """Digest of all files that belong to it, the chat template among them."""
        files = [self.file, *(self.folder / name for name in TEXT_FILES)]
        return xxhash.xxh3_128_hexdigest(b"\0".join(path.read_bytes() if path.exists() else b"" for path in files))


def given_tokenizer(training: TrainingSpec) -> GivenTokenizer | None:
    """The tokenizer that a run brings: `data.tokenizer`, or that of `model.from` or of its tokens; None where one is
    trained. SpecError where it cannot be used, or where several are given that are not the same.
    """
    asked = [("training.data.tokenizer", training.data.tokenizer), ("training.model.from", training.model.from_folder)]
    tokens = [(f"training.data.{key}", path) for key, _, path, _ in training.data.sources() if path is not None]
    found = [_at(key, path) for key, path in (*asked, *tokens) if path is not None]
    identities = {one.key: (one, _checked(one, training)) for one in found}
    others = [one for one, identity in identities.values() if identity != identities[found[0].key][1]]
    if others:
        message = (
            f"{others[0].file} is another tokenizer than {found[0].file} ({found[0].key}); one run reads one: prepare "
            "the text anew with that, or start from a model that has this one"
        )
        raise SpecError([Problem(path=others[0].key, message=message)])
    return found[0] if found else None


def check_template(training: TrainingSpec, given: GivenTokenizer | None) -> None:
    """SpecError where a run learns from conversations, and its tokenizer came without a chat template."""
    if given is not None and training.data.converses:
        require_template(given.folder, given.key)


def load_tokenizer(given: GivenTokenizer) -> Tokenizer:
    """The tokenizer; SpecError where the file is none."""
    try:
        return Tokenizer.from_file(str(given.file))
    except Exception as error:  # tokenizers raises no narrower class
        message = f"{given.file}: is not a tokenizer ({error}); bring the folder anew"
        raise SpecError([Problem(path=given.key, message=message)]) from None


def ends_of(folder: Path, tokenizer: Tokenizer) -> dict[str, object]:
    """As `read_ends`; where only tokenizer_config.json names the end of a text, by that."""
    found: dict[str, object] = dict(read_ends(folder))
    if found.get("eos_token_id") is None and (folder / TOKENIZER_CONFIG).exists():
        token = read_object(folder / TOKENIZER_CONFIG).get("eos_token")
        name = token.get("content") if isinstance(token, dict) else token
        found["eos_token_id"] = tokenizer.token_to_id(name) if isinstance(name, str) else None
    return found


def take_tokenizer(folder: Path, given: GivenTokenizer) -> None:
    """Copies a given tokenizer into a folder, with all that belongs to it."""
    for name in TEXT_FILES:
        if (given.folder / name).exists():
            shutil.copyfile(given.folder / name, folder / name)
    shutil.copyfile(given.file, folder / TOKENIZER)
    if not (folder / GENERATION).exists():
        ends = ends_of(given.folder, load_tokenizer(given))
        (folder / GENERATION).write_text(json.dumps(ends, indent=1) + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePlan:
    """Share of the documents that is drawn, and the most of each."""

    share: float
    cap_bytes: int


def plan_sample(sizes: Sequence[Sizes]) -> SamplePlan:
    """The sample of texts whose documents have these sizes: all of texts smaller than SAMPLE_BYTES; of larger ones so
    much, with a cap for a document that is as low as that allows.
    """
    counts = np.sum(np.array(sizes, dtype=np.float64), axis=0)
    least = np.maximum(2.0 ** (np.arange(counts.size) - 1), 1)  # of fewer than 2**n bytes, half at least
    if float((counts * least).sum()) <= SAMPLE_BYTES:
        return SamplePlan(share=1.0, cap_bytes=2**62)
    capped, exponent = 0.0, SAMPLE_CAP_BYTES.bit_length() - 2
    while capped < SAMPLE_BYTES:
        exponent += 1
        capped = float((counts * np.minimum(least, 2.0**exponent)).sum())
    return SamplePlan(share=min(1.0, SPARE * SAMPLE_BYTES / capped), cap_bytes=2**exponent)


def sample_of(corpus: Corpus, part: Part, plan: SamplePlan) -> list[str]:
    """The sample's share of a part: of each document that is drawn, the characters behind a random offset."""
    random, taken = np.random.default_rng((part.index, part.documents)), list[str]()
    for size, pieces in documents(part, corpus.format, corpus.column):
        if random.random() >= plan.share:
            continue
        # Of a document of many pieces so many are drawn as the cap allows, one at least on average.
        kept = max(plan.cap_bytes, PIECE_CHARACTERS) / max(size, 1)
        for piece in pieces:
            if random.random() < kept:
                begin = int(random.integers(len(piece) - plan.cap_bytes + 1)) if len(piece) > plan.cap_bytes else 0
                taken.append(piece[begin : begin + plan.cap_bytes])
    return [text for text in taken if text]


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A tokenizer of `vocabulary` tokens that encodes any text without loss; the same for the same texts.

    SpecError where they do not give so many.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    reached = tokenizer.get_vocab_size()
    if reached < vocabulary:
        message = (
            f"{vocabulary} tokens, but this text gives {reached}, and the model would hold rows that nothing trains; "
            f"set it to {reached}, give more text, or name a data.tokenizer"
        )
        raise SpecError([Problem(path="training.model.vocabulary", message=message)])
    return tokenizer


def save_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Write a trained tokenizer, its chat template, and the tokens that end a text: an answer ends also where the
    model would speak for the user.
    """
    end, user = tokenizer.token_to_id(END_OF_TEXT), tokenizer.token_to_id(USER)
    tokenizer.save(str(folder / TOKENIZER))
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "pad_token": END_OF_TEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT,
    }
    (folder / TOKENIZER_CONFIG).write_text(json.dumps(described, indent=1) + "\n")
    ends = {"bos_token_id": end, "eos_token_id": [end, user], "pad_token_id": end}
    (folder / GENERATION).write_text(json.dumps(ends, indent=1) + "\n")


def _at(key: str, path: str) -> GivenTokenizer:
    place = expand_home(path)
    file = place / TOKENIZER if place.is_dir() else place
    return GivenTokenizer(folder=file.parent, file=file, key=key)


def _checked(given: GivenTokenizer, training: TrainingSpec) -> str:
    """The tokenizer's identity; SpecError where a run cannot read with it."""
    if not given.file.is_file():
        message = f"{given.file} does not exist; give a tokenizer.json, or the folder of one"
        raise SpecError([Problem(path=given.key, message=message)])
    size = load_tokenizer(given).get_vocab_size()
    if size > training.model.vocabulary:
        message = f"{given.file}: {size} tokens, but the model knows {training.model.vocabulary}"
        fresh = f"{message}; set model.vocabulary to {size}"
        remedy = f"{message}; bring both anew" if training.model.from_folder else fresh
        raise SpecError([Problem(path=given.key, message=remedy)])
    try:
        ends = end_tokens(ends_of(given.folder, load_tokenizer(given)))
    except PenstockError as error:
        raise SpecError([Problem(path=given.key, message=str(error))]) from None
    if not ends:
        message = (
            f"{given.folder}: no file beside the tokenizer says which token ends a text; add generation_config.json "
            "with eos_token_id"
        )
        raise SpecError([Problem(path=given.key, message=message)])
    return given.identity
