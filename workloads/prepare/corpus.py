"""The files of a text, found and checked without torch, so that a mistake shows before anything starts."""

import glob
import os
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from components.errors import Problem, Problems, SpecError
from components.home import expand_home
from components.spec.data import DataSpec, TextFormat, TextSpec
from components.spec.training import TrainingSpec

SKIPPED_FOLDERS = frozenset({"site-packages", "test", "tests", "idle_test", "__pycache__"})
"""Not part of the default corpus: other people's packages, and tests, which are generated text in good part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    path: Path
    name: str
    """The path below the text's folder: the same on every machine."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """One text: the files that a spec means."""

    key: str
    """Path of the spec, for messages: `training.data.text`."""
    format: TextFormat
    column: str
    files: tuple[TextFile, ...]
    """In an order that depends on the names alone."""

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def refused(self, message: str) -> SpecError:
        """The refusal of a file."""
        return SpecError([Problem(path=f"{self.key}.files", message=message)])


def find_corpus(key: str, text: TextSpec | None) -> Corpus:
    """The files of a text (None: the default one), empty ones left out; SpecError when there are none or one cannot be
    read. `key` is its path in the stack file.
    """
    root, paths = _standard_library() if text is None else _matching(key, text)
    files, unreadable = [], []
    for path in paths:
        try:
            size = path.stat().st_size
        except OSError:
            size = -1
        if size < 0 or not os.access(path, os.R_OK):
            unreadable.append(path)
        elif size:
            files.append(TextFile(path=path, name=path.relative_to(root).as_posix(), size_bytes=size))
    if unreadable:
        others = f" and {len(unreadable) - 1} more" if unreadable[1:] else ""
        message = f"{unreadable[0]}{others} cannot be read; grant read permission, or choose other files"
        raise _refused(key, text, message)
    if not files:
        raise _refused(key, text, "holds no text; give a file, a folder or a glob (`**/*.txt`) with some")
    form = TextFormat.TEXT if text is None else text.format
    column = (text.column if text else None) or ("messages" if form is TextFormat.CHAT else "text")
    return Corpus(key=key, format=form, column=column, files=tuple(files))


def check_data(training: TrainingSpec) -> tuple[Corpus, ...]:
    """The texts that a run learns from; SpecError with every text that is not there, and where all of them cannot fill
    one batch: a token is a byte at least.
    """
    problems, found = Problems(), list[Corpus]()
    for key, text, tokens, _ in training.data.sources():
        if tokens is None:
            problems.collect(lambda key, text: found.append(find_corpus(f"training.data.{key}", text)), key, text)
    if problems:
        raise SpecError(problems)
    if found and not any(tokens for _, _, tokens, _ in training.data.sources()):
        # Nobody knows how much text parquet holds, which is compressed, and what a template writes around a message.
        plain = all(corpus.format not in (TextFormat.PARQUET, TextFormat.CHAT) for corpus in found)
        size_bytes = sum(corpus.size_bytes for corpus in found)
        if plain:
            require_tokens(training, size_bytes, "bytes")
    return tuple(found)


def require_tokens(training: TrainingSpec, count: int, unit: str) -> None:
    """Refuse, with SpecError, training text too short for one batch."""
    needed = training.batch.sequences * training.model.context + 1
    if count < needed:
        message = (
            f"{_named(training.data)}: has {count:,} {unit} to train on, but one batch of {training.batch.sequences} "
            f"sequences of {training.model.context} tokens needs {needed:,}; give more text, or lower "
            "training.batch.sequences"
        )
        raise SpecError([Problem(path="training.data", message=message)])


def _named(data: DataSpec) -> str:
    """The text as the user calls it."""
    if data.mixture:
        return f"the mixture of {len(data.mixture)}"
    if data.tokens is not None:
        return repr(data.tokens)
    return _written(data.text)


def _written(text: TextSpec | None) -> str:
    return "the standard library's sources" if text is None else repr(text.files)


def _standard_library() -> tuple[Path, list[Path]]:
    root = Path(sysconfig.get_path("stdlib"))
    return root, sorted(_python_sources(root))


def _python_sources(root: Path) -> Iterable[Path]:
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _matching(key: str, text: TextSpec) -> tuple[Path, list[Path]]:
    """The folder that names are relative to, and the files; SpecError where the path is none that can be searched."""
    try:
        return _search(expand_home(text.files))
    except FileNotFoundError:
        raise _refused(key, text, "does not exist; correct the path, or leave it out for the default text") from None
    except OSError as error:
        message = f"{error.filename or 'it'} cannot be read ({error.strerror}); choose another folder"
        raise _refused(key, text, message) from None
    except ValueError as error:
        raise SpecError([Problem(path=f"{key}.files", message=str(error))]) from None


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


def _refused(key: str, text: TextSpec | None, message: str) -> SpecError:
    return SpecError([Problem(path=f"{key}.files", message=f"{_written(text)}: {message}")])
