"""The wait for a model of engines that cannot wait."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from workloads.serve.await_model import await_model


def export(run: Path, step: int) -> Path:
    folder = run / "export" / f"step-{step:08}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    return folder


def test_the_newest_export_is_linked_and_one_that_is_unfinished_is_not(tmp_path: Path) -> None:
    first = export(tmp_path / "run", 5)
    (tmp_path / "run/export/step-00000009").mkdir()
    link = tmp_path / "newest"
    assert await_model(tmp_path / "run", link) == first == link.resolve()
    second = export(tmp_path / "run", 7)
    assert await_model(tmp_path / "run", link) == second == link.resolve(), "a container that starts again finds a link"


def test_a_run_without_an_export_is_waited_for(tmp_path: Path) -> None:
    link = tmp_path / "newest"
    waiting = threading.Thread(target=await_model, args=(tmp_path / "run", link, 0.01))
    waiting.start()
    time.sleep(0.1)
    assert not link.is_symlink()
    made = export(tmp_path / "run", 5)
    waiting.join(10)
    assert link.resolve() == made


def test_a_pod_that_goes_while_it_waits_is_not_held_up(tmp_path: Path) -> None:
    """As the first process of a container it would not hear SIGTERM without a handler."""
    command = [sys.executable, "-m", "workloads.serve.await_model", str(tmp_path), str(tmp_path / "newest")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"waiting for a model in {tmp_path}\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
