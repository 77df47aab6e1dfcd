"""Mistakes of a user with the text, found without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import SpecError
from components.spec.data import DataSpec, TextSpec
from components.spec.training import BatchSpec, ModelSpec, TrainingSpec
from workloads.prepare.corpus import check_data, find_corpus

KEY = "training.data.text"


def training(files: Path | str) -> TrainingSpec:
    return TrainingSpec(
        data=DataSpec(text=TextSpec(files=str(files))),
        model=ModelSpec(width=32, heads=2, kv_heads=1, vocabulary=300, context=16),
        batch=BatchSpec(sequences=4, micro_sequences=2),
    )


def test_the_default_text_is_megabytes_of_sources_in_an_order_of_names() -> None:
    corpus = find_corpus(KEY, None)
    names = [file.name for file in corpus.files]
    assert corpus.size_bytes > 5_000_000
    assert "argparse.py" in names
    assert len(names) == len(set(names))
    assert not [name for name in names if "/test/" in f"/{name}" or "site-packages" in name]
    assert find_corpus(KEY, None) == corpus


def test_a_file_a_folder_and_a_glob(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "deep" / "a.txt").write_text("a" * 10)
    (tmp_path / "deep" / "c.md").write_text("c")
    (tmp_path / "empty.txt").write_text("")
    expected = {
        str(tmp_path / "b.txt"): ["b.txt"],
        str(tmp_path): ["b.txt", "deep/a.txt", "deep/c.md"],
        f"{tmp_path}/**/*.txt": ["b.txt", "deep/a.txt"],
    }
    found = {files: [file.name for file in find_corpus(KEY, TextSpec(files=files)).files] for files in expected}
    assert found == expected


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ("~nouser/x", "'~nouser/x': this machine has no user 'nouser'"),
        ("/dev/null", "'/dev/null' is neither a file nor a folder"),
        ("/texts/**.md", "`**` stands for whole folders; write `**/*.txt`"),
        ("/proc/self/mem", "holds no text"),
    ],
)
def test_an_odd_path_is_refused_in_one_sentence(files: str, words: str) -> None:
    with pytest.raises(SpecError) as refusal:
        check_data(training(files))
    (problem,) = refusal.value.problems
    assert problem.path == "training.data.text.files"
    assert words in problem.message


def test_a_folder_that_cannot_be_searched_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, pattern: str) -> None:
        raise PermissionError(13, "Permission denied", f"{self}/{pattern}")

    monkeypatch.setattr(Path, "rglob", fail)
    with pytest.raises(SpecError, match=r"cannot be read \(Permission denied\); choose another folder"):
        check_data(training(tmp_path))


@pytest.mark.parametrize(
    ("files", "words"), [("nowhere", "does not exist"), ("nowhere/*.txt", "holds no text"), ("empty", "holds no text")]
)
def test_no_text_is_refused_with_the_path_and_a_remedy(tmp_path: Path, files: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "nothing.txt").write_text("")
    with pytest.raises(SpecError) as refusal:
        check_data(training(tmp_path / files))
    (problem,) = refusal.value.problems
    assert problem.path == "training.data.text.files"
    assert str(tmp_path / files) in problem.message
    assert words in problem.message


def test_less_text_than_a_batch_is_refused_with_both_numbers(tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    file.write_text("x" * 64)
    with pytest.raises(SpecError, match=r"has 64 bytes to train on, but one batch .* needs 65") as refusal:
        check_data(training(file))
    assert "training.batch.sequences" in str(refusal.value)
    file.write_text("x" * 65)
    assert [corpus.size_bytes for corpus in check_data(training(file))] == [65]


def test_the_checks_need_no_torch() -> None:
    program = "import sys, workloads.pretrain.agent.preflight as p; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
