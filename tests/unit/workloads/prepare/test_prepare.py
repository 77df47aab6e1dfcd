"""Text becomes tokens: every format, in parts, after a kill, and with the user's mistakes."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pytest
from pyarrow import parquet
from tokenizers import Tokenizer

from components.errors import SpecError
from components.spec.training import TrainingSpec
from providers.local.volume_folder import strangers
from workloads.prepare import parts, prepare, reading, tokenizer
from workloads.prepare.corpus import Corpus, check_data, find_corpus
from workloads.prepare.encode import Encoding, encode_part
from workloads.prepare.manifest import read_manifest
from workloads.pretrain.data.tokens import open_data

WORDS = ("river", "stone", "cloud", "meadow", "lantern", "harbour", "winter", "copper", "thread", "orchard")


def documents_of(count: int, words: int = 40) -> list[str]:
    random = np.random.default_rng(5)
    return [" ".join(random.choice(WORDS, size=words)) + f"\nnumber {index}\n" for index in range(count)]


def training(data: dict[str, Any], **model: object) -> TrainingSpec:
    shape = {"layers": 1, "width": 16, "heads": 2, "kvHeads": 1, "vocabulary": 300, "context": 8, **model}
    batch = {"sequences": 2, "microSequences": 2}
    return TrainingSpec.model_validate({"model": shape, "batch": batch, "data": data}, strict=False)


def quiet(_message: str) -> None:
    """Nobody watches."""


def made(folder: Path, data: dict[str, Any], **model: object) -> Path:
    return prepare.prepare(training(data, **model), folder / "prepared", quiet, cores=1)


def decoded(folder: Path) -> tuple[list[str], list[str]]:
    """The documents to train on, and those to measure on, in order."""
    data, reader = open_data(folder), Tokenizer.from_file(str(folder / "tokenizer.json"))
    sides = []
    for side in (data.train, data.validation):
        ids = [one.tokens.rows([0], one.tokens.size)[0] for one in side if one.tokens.size]
        ends = np.flatnonzero(np.concatenate(ids) == data.end_of_text)
        pieces = np.split(np.concatenate(ids), ends + 1)
        sides.append([reader.decode(piece[:-1].tolist()) for piece in pieces if piece.size])
    return sides[0], sides[1]


def write_text(folder: Path, texts: Sequence[str]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    for index, text in enumerate(texts):
        (folder / f"{index:04}.txt").write_text(text, newline="")
    return {"files": f"{folder}/*.txt"}


def write_jsonl(folder: Path, texts: Sequence[str]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text("".join(json.dumps({"body": text}) + "\n\n" for text in texts[:70]))
    (folder / "b.jsonl").write_text("\n".join(json.dumps({"body": text}, ensure_ascii=False) for text in texts[70:]))
    return {"files": f"{folder}/*.jsonl", "format": "jsonl", "column": "body"}


def write_parquet(folder: Path, texts: Sequence[str]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    table = arrow.table({"text": texts, "other": list(range(len(texts)))})
    parquet.write_table(table, folder / "a.parquet", row_group_size=30)
    return {"files": str(folder / "a.parquet"), "format": "parquet"}


@pytest.mark.parametrize("write", [write_text, write_jsonl, write_parquet])
@pytest.mark.parametrize("part", [parts.PART_BYTES, 5_000])
def test_each_format_gives_its_documents_whole_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, Sequence[str]], dict[str, Any]], part: int
) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", part)
    texts = documents_of(200)
    texts[3] += "ünïcode \u2028 \U0001f600\r\n"
    folder = made(tmp_path, {"text": write(tmp_path / "texts", texts), "validationShare": 0.1})
    kept = texts[5::10]
    assert decoded(folder) == ([text for text in texts if text not in kept], kept)
    manifest = read_manifest(folder)
    assert manifest.documents == 200
    assert (len(manifest.sources[0].train) > 3) == (part == 5_000)


def test_a_volume_that_is_deleted_knows_prepared_text_as_penstocks(tmp_path: Path) -> None:
    made(tmp_path / "volume", {"text": write_text(tmp_path / "texts", documents_of(60))})
    assert strangers(tmp_path / "volume") == []


def test_a_text_of_few_documents_gives_the_end_of_each(tmp_path: Path) -> None:
    texts = documents_of(3, words=2000)
    folder = made(tmp_path, {"text": write_text(tmp_path / "texts", texts), "validationShare": 0.1})
    train, validation = decoded(folder)
    sizes = read_manifest(folder).sources[0].sizes
    assert abs(sizes[1] / sum(sizes) - 0.1) < 0.001
    assert "".join(train).startswith(texts[0][:5000])
    assert [text[-12:] for text in validation] == [text[-12:] for text in texts]


def test_a_document_longer_than_a_piece_is_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE_CHARACTERS", 100)
    texts = documents_of(60)
    for write in (write_text, write_jsonl):
        name = write.__name__
        folder = made(tmp_path / name, {"text": write(tmp_path / name / "texts", texts), "validationShare": 0.1})
        train, validation = decoded(folder)
        assert sorted([*train, *validation]) == sorted(texts)


def test_the_unigram_loss_is_that_of_the_tokens_themselves(tmp_path: Path) -> None:
    folder = made(tmp_path, {"text": write_text(tmp_path / "texts", documents_of(200)), "validationShare": 0.1})
    (train,), (validation,) = open_data(folder).train, open_data(folder).validation
    seen = train.tokens.rows([0], train.tokens.size)[0]
    shares = (np.bincount(seen, minlength=300) + 1) / (seen.size + 300)
    expected = -np.log(shares[validation.tokens.rows([0], validation.tokens.size)[0]]).mean()
    assert read_manifest(folder).unigram_loss == pytest.approx(expected, rel=1e-9)


def test_equal_contents_are_prepared_once_and_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = documents_of(100)
    first = made(tmp_path, {"text": write_text(tmp_path / "texts", texts)})
    moved = write_text(tmp_path / "elsewhere", texts)
    monkeypatch.setattr(prepare, "encode_part", None)  # nothing is encoded again
    assert made(tmp_path, {"text": moved}) == first
    assert made(tmp_path, {"mixture": [{"text": moved, "weight": 2}, {"tokens": str(first), "weight": 1}]}) != first
    monkeypatch.undo()
    (tmp_path / "elsewhere" / "0000.txt").write_text(texts[0].replace("river", "rivet"))  # of the same size
    assert made(tmp_path, {"text": moved}) != first
    assert made(tmp_path, {"text": moved}, vocabulary=301) != first


def test_a_preparation_that_was_killed_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 5_000)

    def dies(folder: Path, corpus: Corpus, part: parts.Part, how: Encoding) -> None:
        if part.index == 3:
            raise KeyboardInterrupt
        encode_part(folder, corpus, part, how)

    data = {"text": write_text(tmp_path / "texts", documents_of(100))}
    monkeypatch.setattr(prepare, "encode_part", dies)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, data)
    written = {file: file.stat().st_mtime_ns for file in (tmp_path / "prepared" / "sources").rglob("*-train.bin")}
    assert len(written) == 3
    monkeypatch.undo()
    monkeypatch.setattr(parts, "PART_BYTES", 5_000)
    folder = made(tmp_path, data)
    train, validation = decoded(folder)
    assert len(train) + len(validation) == 100
    again = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "prepared" / "sources").rglob("*-train.bin")}
    assert {file.name: when for file, when in written.items()}.items() <= again.items()
    assert not list((tmp_path / "prepared").rglob(".partial-*"))


def test_the_parts_are_the_same_from_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 40_000)
    spec = training({"text": write_jsonl(tmp_path / "texts", documents_of(600))})
    folders = [prepare.prepare(spec, tmp_path / f"by-{cores}", quiet, cores=cores) for cores in (1, 2)]
    assert len(read_manifest(folders[0]).sources[0].train) > 2
    one, two = ([(f.name, f.read_bytes()) for f in sorted(folder.parent.rglob("*.bin"))] for folder in folders)
    assert one == two


def test_the_tokenizer_sees_all_of_a_small_text_and_a_share_of_a_large_one() -> None:
    small = [tuple([0] * 10 + [1000] + [0] * 53)]  # a thousand documents of 512 to 1,023 bytes
    assert tokenizer.plan_sample(small).share == 1.0
    large = [tuple([0] * 20 + [10_000_000] + [0] * 43)]  # of 512 KiB and more: 5 TB
    plan = tokenizer.plan_sample(large)
    assert plan.cap_bytes == tokenizer.SAMPLE_CAP_BYTES
    assert plan.share * 10_000_000 * plan.cap_bytes >= tokenizer.SAMPLE_BYTES
    few = [tuple([0] * 34 + [3] + [0] * 29)]  # three of 8 GiB and more
    plan = tokenizer.plan_sample(few)
    assert 3 * plan.cap_bytes * plan.share >= tokenizer.SAMPLE_BYTES
    assert plan.cap_bytes < 2**34


def test_a_sample_is_taken_from_all_over_the_documents(tmp_path: Path) -> None:
    text = {"text": write_text(tmp_path / "texts", ["a" * 1000 + "b" * 1000 + "c" * 1000] * 300)}
    (corpus,) = check_data(training(text))
    scans = [parts.scan_file(file, corpus.format, 10**9) for file in corpus.files]
    (part,) = parts.into_parts(scans, 10**9)
    taken = tokenizer.sample_of(corpus, part, tokenizer.SamplePlan(share=0.5, cap_bytes=100))
    assert 110 < len(taken) < 190
    assert {len(piece) for piece in taken} == {100}
    assert {piece[0] for piece in taken} == {"a", "b", "c"}


def test_a_vocabulary_that_the_text_does_not_give_is_refused_and_the_remedy_holds(tmp_path: Path) -> None:
    data = {"text": write_text(tmp_path / "texts", documents_of(100))}
    with pytest.raises(
        SpecError, match=r"training.model.vocabulary: 5000 tokens, but this text gives (\d+)"
    ) as refusal:
        made(tmp_path, data, vocabulary=5000)
    reached = int(str(refusal.value).partition("set it to ")[2].partition(",")[0])
    assert read_manifest(made(tmp_path, data, vocabulary=reached)).documents == 100
    assert not list((tmp_path / "prepared").rglob(".partial-*")), "a refusal leaves nothing behind"


def test_ready_tokens_are_taken_as_they_are_with_their_tokenizer(tmp_path: Path) -> None:
    first = made(tmp_path, {"text": write_text(tmp_path / "texts", documents_of(100))})
    folder = made(tmp_path / "other", {"tokens": str(first)})
    assert decoded(folder) == decoded(first)
    assert not list((tmp_path / "other").rglob("*.bin"))
    with pytest.raises(SpecError, match=r"300 tokens, but the model knows 280; set model.vocabulary to 300"):
        made(tmp_path, {"tokens": str(first)}, vocabulary=280)
    lost = next(tmp_path.rglob("*-train.bin"))
    lost.write_bytes(lost.read_bytes()[:-2])
    with pytest.raises(SpecError, match=r"training.data.tokens: .*-train.bin is not there as corpus.json says"):
        made(tmp_path / "third", {"tokens": str(first)})


def test_a_given_tokenizer_is_used_and_another_beside_it_refused(tmp_path: Path) -> None:
    first = made(tmp_path, {"text": write_text(tmp_path / "texts", documents_of(100))})
    other = made(tmp_path, {"text": write_text(tmp_path / "others", documents_of(90))})
    text = {"files": str(tmp_path / "others")}
    for place in (first, first / "tokenizer.json"):
        used = made(tmp_path / "second", {"text": text, "tokenizer": str(place)}, vocabulary=320)
        assert (used / "tokenizer.json").read_bytes() == (first / "tokenizer.json").read_bytes()
    with pytest.raises(
        SpecError, match=r"training.data.tokens: .* is another tokenizer than .*training.data.tokenizer"
    ):
        made(tmp_path, {"tokens": str(other), "tokenizer": str(first)})
    (first / "generation_config.json").unlink()
    (first / "tokenizer_config.json").unlink()
    with pytest.raises(SpecError, match=r"says which token ends a text; add generation_config.json"):
        made(tmp_path / "third", {"text": text, "tokenizer": str(first)})
    (first / "generation_config.json").write_text('{"eos_token_id": 0}')
    made(tmp_path / "third", {"text": text, "tokenizer": str(first)})


@pytest.mark.parametrize(
    ("name", "content", "form", "words"),
    [
        ("a.txt", b"\xff\xfe", "text", "a.txt is not UTF-8 text; convert it"),
        ("a.jsonl", b'{"text": "x"}\nnot json\n', "jsonl", "the line at byte 14 is not JSON"),
        ("a.jsonl", b'{"body": "x"}\n', "jsonl", "has no text under 'text'; it has 'body'; name its key as column"),
        ("a.jsonl", b"[1, 2]\n", "jsonl", "has no text under 'text'; name its key as column"),
        ("a.jsonl", b"\n\n\n\n", "jsonl", "holds no document"),
        ("a.parquet", b"PAR1 it is not", "parquet", "a.parquet is not parquet"),
    ],
)
def test_a_file_that_is_none_of_its_format_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, form: str, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    data = {"text": {"files": str(tmp_path / name), "format": form}}
    monkeypatch.setattr(prepare, "check_data", lambda spec: (find_corpus("training.data.text", spec.data.text),))
    with pytest.raises(SpecError) as refusal:
        made(tmp_path, data)
    (problem,) = refusal.value.problems
    assert problem.path == "training.data.text.files"
    assert words in problem.message


def test_a_parquet_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    text = write_parquet(tmp_path / "texts", documents_of(50))
    with pytest.raises(SpecError, match="has no column 'body', but 'text', 'other'; name one of them as column"):
        made(tmp_path, {"text": {**text, "column": "body"}})
    with pytest.raises(SpecError, match="the column 'other' holds int64 and no text in each row"):
        made(tmp_path, {"text": {**text, "column": "other"}})
    made(tmp_path, {"text": text})
