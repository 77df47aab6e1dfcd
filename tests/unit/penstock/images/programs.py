"""Container programs of a test: each writes down its arguments and its input, and fails where it is told to."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest

SCRIPT = """#!{python}
import json, os, sys
line = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
text = "" if sys.stdin.isatty() else sys.stdin.read() if "--password-stdin" in line else ""
context = line[-1] if "build" in line else ""
held = sorted(os.listdir(context)) if context else []
with open({log!r}, "a") as file:
    file.write(json.dumps({{"line": line, "input": text, "context": held}}) + "\\n")
if len(line) > 1 and line[1] == {fails!r}:
    sys.stderr.write("no space left on device\\n")
    sys.exit(125)
"""


class Programs:
    """The only programs on PATH, and what they were asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder / "bin"
        self._folder.mkdir()
        self._log = folder / "asked"
        self._log.touch()
        monkeypatch.setenv("PATH", str(self._folder))

    def install(self, *names: str, fails: str = "") -> None:
        """`fails`: the verb at which they end with an error."""
        for name in names:
            program = self._folder / name
            program.write_text(SCRIPT.format(python=sys.executable, log=str(self._log), fails=fails))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def asked(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def lines(self) -> list[str]:
        """Command lines, with temporary folders by one name."""
        found = [" ".join(map(str, one["line"])) for one in self.asked()]  # type: ignore[call-overload]
        return [_named(line) for line in found]


def _named(line: str) -> str:
    words = []
    for word in line.split():
        if "penstock-images-" in word:
            inside = word.split("penstock-images-", 1)[1].partition(os.sep)[2]
            words.append(f"CONTEXT/{inside}" if inside else "CONTEXT")
        else:
            words.append(word)
    return " ".join(words)
