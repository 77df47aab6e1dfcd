"""The real engine, its language host and a provider plugin, on one machine and with no network."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.cli import throwaway
from engine.errors import LockedError, StackMissingError
from engine.events import Event, EventPhase, ResourceStep
from engine.locks import find_locks
from engine.process import Run, Watch
from tests.rehearsal.conftest import TinyProject


def eventually(condition: Callable[[], bool], what: str, *, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.05)


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def slow_creation(tiny: TinyProject) -> Run:
    """An `up` that has begun to create the file and will take a minute for it."""
    tiny.file.with_suffix(".slow").touch()
    run = tiny.engine.start("up", "dev")
    eventually(tiny.file.with_suffix(".pid").exists, "the provider begins to create")
    return run


def test_life_of_a_stack(tiny: TinyProject) -> None:
    engine = tiny.engine
    preview = engine.preview("dev")
    assert dict(preview.changes) == {"create": 3}, preview.output
    assert not tiny.file.exists()

    up = engine.up("dev")
    assert dict(up.changed) == {"create": 3}, up.output
    assert tiny.file.exists()
    state = engine.export_state("dev")
    assert state.outputs["path"] == str(tiny.file)
    assert "not for everyone" not in str(state.outputs)
    assert state.named("file").id == str(tiny.file)

    again = engine.up("dev")
    assert again.ok
    assert not again.changed, again.output
    assert not engine.refresh("dev").changed

    tiny.configure(text="bye")
    update = engine.up("dev")
    assert dict(update.changed) == {"update": 1}, update.output
    steps = [
        e for e in update.events if isinstance(e, ResourceStep) and e.op == "update" and e.phase is EventPhase.STARTED
    ]
    assert [(step.name, step.changed) for step in steps] == [("file", ("text",))]

    destroy = engine.destroy("dev")
    assert dict(destroy.changed) == {"delete": 3}, destroy.output
    assert not engine.export_state("dev").resources
    assert not tiny.file.exists()
    assert engine.stack_rm("dev").ok
    assert engine.stacks() == ()
    assert tiny.stack_file.exists()


def test_refresh_sees_what_was_lost_and_up_repairs_it(tiny: TinyProject) -> None:
    assert tiny.engine.up("dev").ok
    tiny.file.unlink()
    assert dict(tiny.engine.refresh("dev").changed) == {"delete": 1}
    assert dict(tiny.engine.up("dev").changed) == {"create": 1}
    assert tiny.file.exists()


def test_a_failing_program_says_why(tiny: TinyProject) -> None:
    tiny.configure(broken="true")
    result = tiny.engine.up("dev")
    assert not result.ok
    assert any("ValueError: the description says broken" in error for error in result.errors), result.output
    assert result.output.count("the description says broken") >= 1


def test_lines_and_events_arrive_while_the_engine_runs(tiny: TinyProject) -> None:
    lines: list[str] = []
    events: list[Event] = []
    tiny.file.with_suffix(".slow").touch()
    with tiny.engine.start("up", "dev", watch=Watch(on_line=lines.append, on_event=events.append)) as run:
        eventually(lambda: any(isinstance(e, ResourceStep) and e.name == "file" for e in events), "the step is seen")
        eventually(lambda: any("creating" in line for line in lines), "the line is seen")
        assert psutil.pid_exists(run.pid)
        run.interrupt()
        run.wait()


def test_an_interrupt_lets_the_provider_stop_and_leaves_no_lock(tiny: TinyProject) -> None:
    run = slow_creation(tiny)
    processes = descendants(run.pid)
    run.interrupt()
    result = run.wait()
    assert not result.ok
    assert result.interrupted
    assert "the creation was cancelled" in result.output
    assert find_locks(tiny.engine.backend, "tiny", "dev") == ()
    eventually(lambda: gone(processes), "every process ends", timeout_s=15)

    tiny.file.with_suffix(".slow").unlink()
    assert tiny.engine.up("dev").ok
    assert tiny.file.exists()


def test_ctrl_c_reaches_the_engine_once(tiny: TinyProject) -> None:
    """A terminal's Ctrl-C goes to every process of the foreground group; two of them would stop the engine at once."""
    settings = {name: tiny.engine._env[name] for name in ("PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE")}
    script = (
        # A shell starts what it puts in the background with this signal ignored; so might this test have been.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from pathlib import Path; from engine.cli import Engine;"
        f"engine = Engine(project=Path({str(tiny.folder)!r}), home=Path({settings['PULUMI_HOME']!r}),"
        f"backend=Path({str(tiny.engine.backend)!r}), passphrase={settings['PULUMI_CONFIG_PASSPHRASE']!r});"
        "result = engine.up('dev'); print(result.output); print('interrupted', result.interrupted)"
    )
    tiny.file.with_suffix(".slow").touch()
    command = [sys.executable, "-c", script]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    eventually(tiny.file.with_suffix(".pid").exists, "the provider begins to create")
    os.killpg(waiting.pid, signal.SIGINT)
    output, _ = waiting.communicate(timeout=60)
    assert "the creation was cancelled" in output
    assert "interrupted True" in output
    assert find_locks(tiny.engine.backend, "tiny", "dev") == ()


def test_a_killed_engine_leaves_a_stale_lock_and_no_process(tiny: TinyProject) -> None:
    run = slow_creation(tiny)
    processes = descendants(run.pid)
    plugin = int(tiny.file.with_suffix(".pid").read_text())
    assert plugin in [process.pid for process in processes]
    with pytest.raises(LockedError, match=f"in use by process {run.pid}") as held:
        tiny.engine.up("dev")
    assert not held.value.stale

    run.kill()
    run.wait()
    eventually(lambda: gone(processes), "the language host and the plugin end", timeout_s=15)
    with pytest.raises(
        LockedError, match=f"process {run.pid} .* which is gone; clear it with `pulumi cancel dev"
    ) as left:
        tiny.engine.up("dev")
    assert left.value.stale

    tiny.file.with_suffix(".slow").unlink()
    assert [lock.pid for lock in tiny.engine.clear_stale_locks("dev")] == [run.pid]
    assert [pending.op for pending in tiny.engine.export_state("dev").pending] == ["creating"]
    assert tiny.engine.clear_pending_creates("dev").ok
    assert tiny.engine.export_state("dev").pending == ()
    result = tiny.engine.up("dev")
    assert result.ok, result.output
    assert tiny.file.exists()


def test_a_live_lock_is_not_cleared(tiny: TinyProject) -> None:
    run = slow_creation(tiny)
    with run:
        with pytest.raises(LockedError, match="in use"):
            tiny.engine.clear_stale_locks("dev")
        assert len(find_locks(tiny.engine.backend, "tiny", "dev")) == 1


def test_a_stack_that_is_not_there(tiny: TinyProject) -> None:
    with pytest.raises(
        StackMissingError, match=r"no stack 'prod' \(there are: dev\); make it with `pulumi stack init prod`"
    ):
        tiny.engine.up("prod")


def test_a_config_file_of_ones_own_leaves_the_projects_untouched(tiny: TinyProject, tmp_path: Path) -> None:
    before = tiny.stack_file.read_bytes()
    copy = tmp_path / "copy" / "Pulumi.dev.yaml"
    copy.parent.mkdir()
    copy.write_text(f"config:\n  tiny:path: {tiny.file}\n  tiny:text: from the copy\n")
    with throwaway(tiny.folder, config_file=copy) as engine:
        assert engine.stack_init("dev").ok
        assert "encryptionsalt" in copy.read_text()
        assert engine.up("dev").ok
        assert engine.export_state("dev").named("file").inputs["text"] == "from the copy"
        assert engine.destroy("dev").ok
    assert tiny.stack_file.read_bytes() == before


def test_the_users_own_settings_do_not_leak_in(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
    monkeypatch.setenv("PULUMI_IGNORE_AMBIENT_PLUGINS", "1")
    with throwaway(tiny.folder) as engine:
        assert "PULUMI_IGNORE_AMBIENT_PLUGINS" not in engine._env
        assert engine.stacks() == ()


def test_an_engine_started_by_hand_finds_its_language_host(tiny: TinyProject, pulumi: Path) -> None:
    """Without the environment being active: only the folder of the link says where it is."""
    bare = {**tiny.engine._env, "PATH": os.defpath}
    bare.pop("VIRTUAL_ENV", None)
    environment = pulumi.parent.parent
    (tiny.folder / ".venv").symlink_to(environment)
    tiny.engine._env = bare
    result = tiny.engine.preview("dev")
    assert result.ok, result.output
