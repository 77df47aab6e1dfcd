"""The tokenizer: byte-level BPE, trained on the corpus it will read, or that of the model that a run starts from."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from components.errors import Problem, SpecError
from components.spec.training import ModelSpec
from workloads.model.hugging_face import GENERATION, TEXT_FILES, TOKENIZER, TOKENIZER_CONFIG, read_ends
from workloads.pretrain.corpus import Corpus, Document

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

SAMPLE_BYTES = 4 * 2**20
"""Text the merges are learnt from: enough for tens of thousands of them, and seconds of work."""


def train_tokenizer(corpus: Corpus, vocabulary: int, read: Callable[[Document], str]) -> Tokenizer:
    """A tokenizer of at most `vocabulary` tokens that encodes any text without loss; the same for the same corpus."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(corpus, read), trainer)
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


def take_tokenizer(folder: Path, origin: Path, model: ModelSpec) -> Tokenizer:
    """The tokenizer of the folder that a run starts from, copied with all that belongs to it.

    SpecError where it is none, or knows tokens that the model does not.
    """
    for name in TEXT_FILES:
        if (origin / name).exists():
            shutil.copyfile(origin / name, folder / name)
    if not (origin / GENERATION).exists():
        (folder / GENERATION).write_text(json.dumps(read_ends(origin), indent=1) + "\n")
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # tokenizers raises no narrower class
        raise _refused(f"{origin / TOKENIZER}: is not a tokenizer ({error}); bring the folder anew") from None
    if tokenizer.get_vocab_size() > model.vocabulary:
        size = tokenizer.get_vocab_size()
        raise _refused(f"{origin / TOKENIZER}: {size} tokens, but the model knows {model.vocabulary}; bring both anew")
    return tokenizer


def _refused(message: str) -> SpecError:
    return SpecError([Problem(path="training.model.from", message=message)])


def _sample(corpus: Corpus, read: Callable[[Document], str]) -> Iterator[str]:
    """Documents from all over the corpus, up to the sample's size."""
    stride = max(1, corpus.size_bytes // SAMPLE_BYTES)
    taken = 0
    for document in corpus.documents[::stride]:
        text = read(document)[: SAMPLE_BYTES - taken]
        taken += len(text)
        if text:
            yield text
