"""Ends of a command that are not its own: a full disk, a reader that has left, a library that is not installed."""

import errno
import os
import re
import shutil
import sys
from typing import NoReturn

from penstock.tables import folded

_EXTRA = re.compile(r"(?P<name>[\w.-]+).*;.*extra == ['\"](?P<extra>\w+)['\"]")


def open_missing_streams() -> None:
    """Opens outputs that a shell has closed (`>&-`) onto nothing; no character stops a message."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - lives to the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")


def in_words(error: OSError) -> str:
    """Tells the failure and its file; nothing where the reader of a pipe has seen enough."""
    if error.errno == errno.EPIPE:
        return ""
    return f"{error.filename or 'the output'}: {error.strerror or error}"


def missing_extra(module: str) -> str:
    """The extra of penstock to install for a module, "" where it belongs to none."""
    from importlib.metadata import requires

    top = module.partition(".")[0]
    for requirement in requires("penstock") or ():
        found = _EXTRA.match(requirement)
        if found and found["name"].lower().replace("-", "_") == top:
            extra = f"pip install 'penstock[{found['extra']}]'"
            return f"{top} is not installed; it comes with an extra: {extra}, in a clone `make setup`"
    return ""


def _fitted(message: str) -> str:
    """The message in lines that a terminal does not break inside of words; of each the further ones stand deeper."""
    columns = shutil.get_terminal_size().columns
    lines = []
    for line in message.split("\n"):
        begin = line[: len(line) - len(line.lstrip())]
        lines += list(folded(line.lstrip(), columns, f"{begin}    ", first=begin)) or [""]
    return "\n".join(lines)


def end(message: str, *, status: int = 1) -> NoReturn:
    """Ends the process. What still waits to be written to a place that takes nothing is given up."""
    if message:
        sys.stderr.write(f"{_fitted(message) if sys.stderr.isatty() else message}\n")
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
