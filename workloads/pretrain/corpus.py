"""The text to learn from, found and checked without torch, so that a mistake shows before anything starts."""

import glob
import os
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import xxhash

from components.errors import Problem, SpecError
from components.home import expand_home
from components.spec.training import DataSpec, TrainingSpec
from workloads.model.hugging_face import TOKENIZER
from workloads.pretrain.origin import origin_of

TOKENIZER_RECIPE = "byte-level BPE 2"
"""Part of the digest: another way to make tokens makes other data."""

SKIPPED_FOLDERS = frozenset({"site-packages", "test", "tests", "idle_test", "__pycache__"})
"""Not part of the default corpus: other people's packages, and tests, which are generated text in good part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    path: Path
    name: str
    """The path below the corpus: the same on every machine."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    documents: tuple[Document, ...]
    """In an order that depends on the names alone."""

    @property
    def size_bytes(self) -> int:
        return sum(document.size_bytes for document in self.documents)

    def digest(self, training: TrainingSpec) -> str:
        """Digest of all that the tokens depend on: names and sizes of the documents, the split, the vocabulary, and the
        tokenizer where it is not trained on the text.

        Sizes, not contents: a corpus may be larger than one wants to read at every start.
        """
        origin = origin_of(training.model)
        recipe = TOKENIZER_RECIPE if origin is None else xxhash.xxh3_128_hexdigest((origin / TOKENIZER).read_bytes())
        digest = xxhash.xxh3_128(f"{recipe} {training.model.vocabulary} {training.data.validation_share}".encode())
        for document in self.documents:
            digest.update(f"{document.name}\0{document.size_bytes}\n".encode())
        return digest.hexdigest()


def find_documents(data: DataSpec) -> Corpus:
    """The documents a spec means, empty ones left out; SpecError when there are none or one cannot be read."""
    root, paths = _standard_library() if data.files is None else _matching(data)
    documents, unreadable = [], []
    for path in paths:
        try:
            size = path.stat().st_size
        except OSError:
            size = -1
        if size < 0 or not os.access(path, os.R_OK):
            unreadable.append(path)
        elif size:
            documents.append(Document(path=path, name=path.relative_to(root).as_posix(), size_bytes=size))
    if unreadable:
        others = f" and {len(unreadable) - 1} more" if unreadable[1:] else ""
        raise _refused(data, f"{unreadable[0]}{others} cannot be read; grant read permission, or choose other files")
    if not documents:
        raise _refused(data, "holds no text; give a file, a folder or a glob (`**/*.txt`) with some")
    return Corpus(documents=tuple(documents))


def check_corpus(training: TrainingSpec) -> Corpus:
    """The corpus, refused with SpecError when it cannot fill one batch: a token is a byte at least."""
    corpus = find_documents(training.data)
    require_tokens(training, corpus.size_bytes, "bytes")
    return corpus


def require_tokens(training: TrainingSpec, count: int, unit: str) -> None:
    """Refuse, with SpecError, training text too short for one batch."""
    needed = training.batch.sequences * training.model.context + 1
    if count < needed:
        raise _refused(
            training.data,
            f"has {count:,} {unit} to train on, but one batch of {training.batch.sequences} sequences of "
            f"{training.model.context} tokens needs {needed:,}; give more text, or lower training.batch.sequences",
        )


def refused_text(data: DataSpec, path: Path) -> SpecError:
    """The refusal of a document that is not text."""
    return _refused(data, f"{path} is not UTF-8 text; convert it, or choose files that are")


def _standard_library() -> tuple[Path, list[Path]]:
    root = Path(sysconfig.get_path("stdlib"))
    return root, sorted(_python_sources(root))


def _python_sources(root: Path) -> Iterable[Path]:
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _matching(data: DataSpec) -> tuple[Path, list[Path]]:
    """The folder that names are relative to, and the files; SpecError where the path is none that can be searched."""
    assert data.files is not None
    try:
        return _search(expand_home(data.files))
    except FileNotFoundError:
        remedy = "correct the path, or leave it out for the default text"
        raise _refused(data, f"does not exist; {remedy}") from None
    except OSError as error:
        message = f"{error.filename or 'it'} cannot be read ({error.strerror}); choose another folder"
        raise _refused(data, message) from None
    except ValueError as error:
        problem = Problem(path="training.data.files", message=str(error))
        raise SpecError([problem]) from None


def _search(wanted: Path) -> tuple[Path, list[Path]]:
    """As _matching; FileNotFoundError, OSError or ValueError where it fails."""
    if wanted.is_file():
        return wanted.parent, [wanted]
    if wanted.is_dir():
        return wanted, sorted(path for path in wanted.rglob("*") if path.is_file())
    if wanted.exists():
        raise ValueError(f"{str(wanted)!r} is neither a file nor a folder; give one, or a glob (`**/*.txt`)")
    if not glob.has_magic(str(wanted)):
        raise FileNotFoundError
    if any("**" in part and part != "**" for part in wanted.parts):
        raise ValueError(f"{str(wanted)!r}: `**` stands for whole folders; write `**/*.txt`, not `**.txt`")
    anchor = Path(wanted.anchor)
    matches = sorted(path for path in anchor.glob(str(wanted.relative_to(anchor))) if path.is_file())
    root = Path(os.path.commonpath([path.parent for path in matches])) if matches else Path()
    return root, matches


def _refused(data: DataSpec, message: str) -> SpecError:
    name = "the standard library's sources" if data.files is None else repr(data.files)
    return SpecError([Problem(path="training.data.files", message=f"{name}: {message}")])
