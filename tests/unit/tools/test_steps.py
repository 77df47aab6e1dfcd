"""Programs that the set-up runs: their failures as one sentence, and never left running."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import steps
from tools.steps import SetupError, elapsed, remedy, run, say

CHILD = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from tools.steps import run
try:
    run([sys.executable, "-c", *sys.argv[1:]], what="sleeping")
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("write /x: No space left on device", "the disk is full"),
        ("The virtual environment was not created: ensurepip is not available.", "apt install python3-venv"),
        ("dial tcp: lookup modules.example: no such host", "the network cannot be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "not what is pinned"),
        ("one\n\ntwo\nthree\nfour\n", "failed: two | three | four"),
        ("", "failed without a message"),
    ],
)
def test_remedies(output: str, expected: str) -> None:
    assert expected in remedy(output)


def test_output_and_failure() -> None:
    assert run([sys.executable, "-c", "print('done')"], what="printing") == "done\n"
    with pytest.raises(SetupError, match="copying: the disk is full"):
        run([sys.executable, "-c", "raise SystemExit('No space left on device')"], what="copying")
    with pytest.raises(SetupError, match="/no/such cannot be started"):
        run(["/no/such"], what="starting")


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run([sys.executable, "-c", "pass"], what="making something")
    assert "+ making something 0:00" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A terminal that understands what the steps send: carriage return, up, erase what is below."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines, row, column = [""], 0, 0
        for sent in re.findall(r"\x1b\[\d*[AJ]|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if sent == "\r":
                column = 0
            elif sent == "\n":
                row, column = row + 1, 0
                lines += [""] * (row + 1 - len(lines))
            elif sent.endswith("A"):
                row -= int(sent[2:-1])
            elif sent.endswith("J"):
                lines = [*lines[:row], lines[row][:column]]
            else:
                lines[row] = lines[row][:column] + sent
                column += len(sent)
        return lines


def test_steps_side_by_side_have_a_line_each_and_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(steps, "TERMINAL_EVERY_S", 0.01)
    with elapsed("the first") as first:
        with elapsed("the second") as second:
            first.detail, second.detail = "12 of 45 MiB", "a very long detail " * 10
            say("something that stays")
            time.sleep(0.05)
            shown = terminal.screen()
        time.sleep(0.05)
        after = terminal.screen()
    assert shown[:2] == ["something that stays", "- the first 0:00 12 of 45 MiB"]
    assert shown[2].startswith("- the second 0:00 a very long detail")
    assert len(shown[2]) == 79
    assert after == ["something that stays", "+ the second 0:00", "- the first 0:00 12 of 45 MiB"]
    assert terminal.screen() == ["something that stays", "+ the second 0:00", "+ the first 0:00", ""]


def test_an_interrupt_ends_the_program_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(file)], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)
    child = int(file.read_text())
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=30) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
