"""A file that a command writes at its end, opened before the work begins."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import PenstockError


@contextmanager
def output_file(path: Path | None) -> Iterator[Callable[[str], None]]:
    """The function that gives the file its text; it does nothing where there is no path.

    PenstockError, at once, where the file cannot be written. Its earlier text stays until there is a new one; a file
    that was not there is removed again where the block ends without a text.
    """
    if path is None:
        yield lambda _: None
        return
    fresh = written = False

    def write(text: str) -> None:
        nonlocal written
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise _refused(path, error) from None
        written = True

    try:
        fresh = not path.exists()
        path.open("a").close()
    except OSError as error:
        raise _refused(path, error) from None
    try:
        yield write
    finally:
        if fresh and not written:
            path.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> PenstockError:
    """The reason why the file cannot be written, and the remedy."""
    if not path.parent.is_dir():
        return PenstockError(f"{path}: the folder {path.parent} does not exist; make it, or name another file")
    return PenstockError(f"{path} cannot be written ({error.strerror}); name another file")
