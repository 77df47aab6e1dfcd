"""Conversations become tokens: answers are marked, whole conversations packed, and what is none is counted."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from components.errors import SpecError
from components.spec.training import TrainingSpec
from tests.workloads.serve.export import make_tokenizer
from workloads.model.loss import IGNORED
from workloads.prepare.chat import BEGINS, IDS, LEARNED, pack
from workloads.prepare.manifest import read_manifest
from workloads.prepare.prepare import prepare
from workloads.prepare.tokenizer import save_tokenizer
from workloads.pretrain.data.loader import Loader
from workloads.pretrain.data.tokens import open_data

CONTEXT = 64


def talk(*contents: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)]}


def training(folder: Path, files: Path, **data: object) -> TrainingSpec:
    model = {"layers": 1, "width": 16, "heads": 2, "kvHeads": 1, "vocabulary": 300, "context": CONTEXT}
    text = {"files": str(files), "format": "chat"}
    asked = {"text": text, "tokenizer": str(folder), "validationShare": 0.1, **data}
    batch = {"sequences": 1, "microSequences": 1}
    return TrainingSpec.model_validate({"model": model, "batch": batch, "data": asked}, strict=False)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    save_tokenizer(folder, make_tokenizer(300))
    return folder


def made(tmp_path: Path, tokenizer: Path, *lines: object, **data: object) -> Path:
    file = tmp_path / "chats.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return prepare(training(tokenizer, file, **data), tmp_path / "prepared", lambda _: None, cores=1)


def shown(folder: Path) -> list[tuple[str, str]]:
    """Each conversation to train on as text, and what of it is learned."""
    reader = Tokenizer.from_file(str(folder / "tokenizer.json"))
    data = open_data(folder)
    (source,) = data.train
    ids = source.tokens.rows([0], source.tokens.size)[0]
    pieces = np.split(ids, np.flatnonzero(ids & BEGINS))[1:]
    whole = [
        (reader.decode((piece & IDS).tolist(), False), reader.decode((piece[piece >= LEARNED] & IDS).tolist(), False))
        for piece in pieces
    ]
    return [(text, learned) for text, learned in whole if learned]


def test_answers_alone_are_learned_to_the_token_that_ends_them(tmp_path: Path, tokenizer: Path) -> None:
    folder = made(tmp_path, tokenizer, talk("one", "two", "three", "four"), talk("five", "six"), talk("a", "b"))
    end, user, assistant = "<|end_of_text|>", "<|user|>", "<|assistant|>"
    assert sorted(shown(folder)) == [
        (f"{user}a{assistant}b{end}", f"b{end}"),
        (f"{user}one{assistant}two{end}{user}three{assistant}four{end}", f"two{end}four{end}"),
    ]
    assert read_manifest(folder).documents == 3
    assert read_manifest(folder).left_out == ""


def test_a_control_token_that_a_message_writes_out_is_plain_text(tmp_path: Path, tokenizer: Path) -> None:
    folder = made(tmp_path, tokenizer, talk("say <|end_of_text|>", "no"), talk("x", "y"))
    reader = Tokenizer.from_file(str(folder / "tokenizer.json"))
    (source,) = open_data(folder).train
    ids = source.tokens.rows([0], source.tokens.size)[0]
    first = ids[: np.flatnonzero(ids & BEGINS)[1]] & IDS
    assert first.tolist().count(reader.token_to_id("<|end_of_text|>")) == 1, "the answer's own"


def test_lines_that_are_no_conversation_or_too_long_are_counted_and_told(tmp_path: Path, tokenizer: Path) -> None:
    folder = made(
        tmp_path, tokenizer, talk("x" * 200, "y"), talk("z" * 200, "y"), "{no json", talk("alone"), talk("one", "two"),
        {"text": "none"}, {"messages": [{"role": "user"}]}, talk("three", "four"),
    )  # fmt: skip
    told = read_manifest(folder).left_out
    assert told.startswith("6 conversations left out: 2 longer than 64 tokens (such as ")
    for reason in ("1 not JSON", "1 without an answer", "1 without messages under 'messages'", "1 with a message that"):
        assert reason in told
    assert f"{tmp_path / 'chats.jsonl'}, the line at byte " in told
    assert read_manifest(folder).documents == 2


def test_a_file_without_any_conversation_is_refused_with_the_reasons(tmp_path: Path, tokenizer: Path) -> None:
    with pytest.raises(SpecError, match=r"training.data.text.files: no conversation is left .* 2 conversations left"):
        made(tmp_path, tokenizer, talk("alone"), talk("x" * 200, "y"))


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path: Path, tokenizer: Path) -> None:
    (tokenizer / "tokenizer_config.json").unlink()
    with pytest.raises(SpecError, match=r"training.data.tokenizer: .* has no chat template"):
        made(tmp_path, tokenizer, talk("one", "two"))


def test_another_template_or_context_makes_other_data_and_the_same_is_shared(tmp_path: Path, tokenizer: Path) -> None:
    lines = (talk("one", "two"), talk("three", "four"), talk("five", "six"))
    first = made(tmp_path, tokenizer, *lines)
    assert made(tmp_path, tokenizer, *lines) == first
    config = json.loads((tokenizer / "tokenizer_config.json").read_text())
    config["chat_template"] = "{{ 'Be brief.' }}" + config["chat_template"]
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(config))
    other = made(tmp_path, tokenizer, *lines)
    assert other != first
    assert shown(other)[0][0].startswith("Be brief.<|user|>")
    assert json.loads((other / "tokenizer_config.json").read_text()) == config


def test_packed_tokens_are_refused_for_another_context(tmp_path: Path, tokenizer: Path) -> None:
    folder = made(tmp_path, tokenizer, talk("one", "two"), talk("three", "four"), talk("five", "six"))
    spec = TrainingSpec.model_validate(
        {"model": {"context": 32, "vocabulary": 300}, "data": {"tokens": str(folder)}}, strict=False
    )
    with pytest.raises(SpecError, match=r"packed for a context of 64; set training.model.context to 64"):
        prepare(spec, tmp_path / "prepared", lambda _: None, cores=1)


def test_the_loader_gives_answers_as_targets_and_conversations_as_documents(tmp_path: Path, tokenizer: Path) -> None:
    folder = made(tmp_path, tokenizer, talk("one", "two"), talk("three", "four"), talk("five", "six"))
    data = open_data(folder)
    loader = Loader(data.train, CONTEXT, seed=1, end_of_text=data.end_of_text)
    (micro,) = loader.batch([range(1)], torch.device("cpu"))
    reader = Tokenizer.from_file(str(folder / "tokenizer.json"))
    begins = micro.documents.tolist()
    for begin, end in pairwise(begins[:3]):
        text = reader.decode(micro.tokens[0, begin:end].tolist(), False)
        learned = [target for target in micro.targets[0, begin:end].tolist() if target != IGNORED]
        assert text.startswith("<|user|>")
        assert text.split("<|assistant|>")[1] == reader.decode(learned, False)
    assert (micro.targets[0, begins[2] :] == IGNORED).all(), "what fills the sequence up is not learned"


@given(lengths=st.lists(st.integers(1, 16), max_size=40))
def test_packing_keeps_each_conversation_whole_and_wastes_less_than_half(lengths: list[int]) -> None:
    talks = [np.arange(100 * at, 100 * at + length, dtype=np.uint32) for at, length in enumerate(lengths)]
    for one in talks:
        one[0] |= np.uint32(BEGINS)
    packed = pack(talks, 16, filler=99)
    assert packed.size % 16 == 0
    found = [
        piece.tolist()
        for row in packed.reshape(-1, 16)
        for piece in np.split(row, np.flatnonzero(row & BEGINS)[1:])
        if piece[0] & IDS != 99
    ]
    assert sorted(found) == sorted(one.tolist() for one in talks)
    assert packed.size <= 2 * sum(lengths) + 16
