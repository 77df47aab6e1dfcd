"""Penstock's own provider under the real engine: a run and a server of this machine, through all that may happen."""

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rehearsal.engine.cli import throwaway
from rehearsal.engine.events import Diagnostic
from rehearsal.engine.process import Result, Run
from tests.rehearsal.local_provider.machine import (
    Machine,
    eventually,
    free_port,
    run_inputs,
    server_inputs,
    working_in,
)


@pytest.fixture
def machine(pulumi: Path, tmp_path: Path) -> Iterator[Machine]:
    """A stack of the provider's resources. Nothing of it runs after the test."""
    folder = Machine.lay_out(tmp_path / "project")
    with throwaway(folder) as engine:
        assert engine.stack_init("dev").ok
        machine = Machine(engine=engine, folder=folder, volume=tmp_path / "volume")
        yield machine
    for process in working_in(tmp_path):
        process.kill()


def messages(result: Result, severity: str = "info") -> list[str]:
    return [e.message for e in result.events if isinstance(e, Diagnostic) and e.severity.startswith(severity)]


def begun(machine: Machine, step: int = 12) -> Run:
    """An `up` whose run has reached that step."""
    run = machine.engine.start("up", "dev")
    eventually(lambda: machine.status().get("step", 0) >= step, f"step {step} is reached")
    return run


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 (loopback)
        return dict(json.loads(response.read()))


def test_life_of_a_run_and_a_server(machine: Machine) -> None:
    port = free_port()
    machine.ask(run=run_inputs(machine.volume), server=server_inputs(machine.volume, port))
    preview = machine.engine.preview("dev")
    assert dict(preview.changes) == {"create": 4}, preview.output
    assert not machine.volume.exists()

    up = machine.engine.up("dev")
    assert dict(up.changed) == {"create": 4}, up.output
    assert machine.outputs["step"] == 40
    assert machine.outputs["digest"]
    assert get(f"http://127.0.0.1:{port}/health")["pid"] == machine.outputs["pid"]
    assert machine.volume.stat().st_mode & 0o777 == 0o700
    assert machine.starts() == 1
    assert any("loss" in line and "tokens/s" in line for line in messages(up)), messages(up)

    again = machine.engine.up("dev")
    assert again.ok
    assert not again.changed, again.output
    refresh = machine.engine.refresh("dev")
    assert refresh.ok
    assert not refresh.changed, refresh.output
    assert machine.starts() == 1

    destroy = machine.engine.destroy("dev")
    assert dict(destroy.changed) == {"delete": 4}, destroy.output
    assert any(f"kept {machine.volume}" in line and f"rm -r {machine.volume}" in line for line in messages(destroy))
    assert (machine.volume / "runs" / "a" / "export").is_dir()
    assert not working_in(machine.volume)


def test_more_steps_continue_and_fewer_do_nothing(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume))
    assert machine.engine.up("dev").ok
    machine.ask(run=run_inputs(machine.volume, steps=60))
    more = machine.engine.up("dev")
    assert dict(more.changed) == {"update": 1}, more.output
    assert any("goes on from step 40 of 60" in line for line in messages(more)), messages(more)
    assert machine.outputs["step"] == 60
    machine.ask(run=run_inputs(machine.volume, steps=20))
    fewer = machine.engine.up("dev")
    assert dict(fewer.changed) == {"update": 1}, fewer.output
    assert any("nothing to do" in line for line in messages(fewer)), messages(fewer)
    assert machine.starts() == 2
    assert not machine.engine.up("dev").changed


def test_another_identity_is_another_run_and_the_old_one_stays(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume))
    assert machine.engine.up("dev").ok
    machine.ask(run=run_inputs(machine.volume, identity="b"))
    up = machine.engine.up("dev")
    assert up.changed.get("replace") == 1, up.output
    assert machine.outputs["run_folder"] == str(machine.volume / "runs" / "b")
    assert (machine.volume / "runs" / "a" / "checkpoints").is_dir()


def test_a_lost_export_is_made_again(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume))
    assert machine.engine.up("dev").ok
    (machine.volume / "runs" / "a" / "export" / "step-00000040" / "model.safetensors").unlink()
    assert dict(machine.engine.up("dev").changed) == {"update": 1}
    assert (machine.volume / "runs" / "a" / "export" / "step-00000040" / "model.safetensors").exists()


def test_interrupt_stops_with_a_checkpoint_and_up_goes_on(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume, steps=200, stepS=0.05))
    run = begun(machine)
    run.interrupt()
    result = run.wait()
    assert not result.ok
    errors = machine.engine.export_state("dev").named("run").init_errors
    assert len(errors) == 1, result.output
    step = machine.status()["step"]
    assert f"stopped at step {step} of 200 with a checkpoint; `pulumi up` goes on from there" in errors[0]
    assert not working_in(machine.volume)

    refresh = machine.engine.refresh("dev")
    assert refresh.ok
    assert machine.engine.export_state("dev").named("run").outputs["step"] == step

    machine.ask(run=run_inputs(machine.volume, steps=step + 10))
    up = machine.engine.up("dev")
    assert dict(up.changed) == {"update": 1}, up.output
    assert any(f"goes on from step {step}" in line for line in messages(up)), messages(up)
    assert machine.outputs["step"] == step + 10


@pytest.mark.parametrize("victims", ["engine", "engine and provider"])
def test_killed_engine_leaves_a_checkpoint_and_no_process(machine: Machine, victims: str) -> None:
    machine.ask(run=run_inputs(machine.volume, steps=200, stepS=0.05))
    run = begun(machine)
    working = working_in(machine.volume)
    below = [process for process in psutil.Process(run.pid).children(recursive=True) if process not in working]
    run.kill()
    for process in below if victims == "engine and provider" else ():
        process.kill()
    run.wait()
    eventually(lambda: not working_in(machine.volume), "the run stops by itself", timeout_s=30)
    eventually(lambda: not any(process.is_running() for process in below), "the provider ends", timeout_s=30)
    step = machine.status()["step"]
    assert (machine.volume / "runs" / "a" / "checkpoints" / f"step-{step:08d}").is_dir()
    assert json.loads((machine.volume / "runs" / "a" / "supervisor.json").read_text())["end"] == "unwatched"

    machine.engine.clear_stale_locks("dev")
    machine.ask(run=run_inputs(machine.volume, steps=step + 10))
    up = machine.engine.up("dev")
    assert up.ok, up.output
    assert any(f"goes on from step {step}" in line for line in messages(up)), messages(up)
    assert machine.outputs["step"] == step + 10


def test_up_right_after_a_killed_engine_waits_for_the_checkpoint(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume, steps=100, stepS=0.05))
    run = begun(machine)
    run.kill()
    run.wait()
    machine.engine.clear_stale_locks("dev")
    up = machine.engine.up("dev")
    assert up.ok, up.output
    assert machine.outputs["step"] == 100
    assert machine.starts() == 2


def test_a_killed_agent_is_started_again(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume, steps=100, stepS=0.02))
    run = begun(machine)
    workers = json.loads((machine.volume / "runs" / "a" / "workers.json").read_text())
    os.kill(workers["agent"], signal.SIGKILL)
    result = run.wait()
    assert result.ok, result.output
    assert machine.outputs["restarts"] == 1
    assert machine.starts() == 2
    assert any("started again" in line for line in messages(result, "warning")), messages(result, "warning")
    worker = workers["workers"][0]["pid"]
    eventually(lambda: not psutil.pid_exists(worker), "the dead agent's worker is gone too", timeout_s=10)


def test_a_killed_supervisor_leaves_nothing_and_up_goes_on(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume, steps=60, stepS=0.05))
    run = begun(machine)
    record = json.loads((machine.volume / "runs" / "a" / "supervisor.json").read_text())
    os.kill(record["supervisor"]["pid"], signal.SIGKILL)
    result = run.wait()
    assert not result.ok
    assert "lost its supervisor" in result.output
    assert not working_in(machine.volume)
    assert machine.engine.up("dev").ok
    assert machine.outputs["step"] == 60


def test_the_users_mistake_is_the_resources_error(machine: Machine) -> None:
    message = "training.data.files: '/nowhere' matches no file; name files that exist"
    machine.ask(run=run_inputs(machine.volume, refuse=message))
    up = machine.engine.up("dev")
    assert not up.ok
    assert any(message in error for error in up.errors), up.output
    assert "Traceback" not in up.output
    assert machine.starts() == 1, "a mistake is not tried again"
    machine.ask(run=run_inputs(machine.volume))
    assert machine.engine.up("dev").ok


def test_a_run_that_keeps_failing_says_why_and_stays_in_the_state(machine: Machine) -> None:
    inputs = run_inputs(machine.volume, crash=True) | {"maxAgentRestarts": 1}
    machine.ask(run=inputs)
    up = machine.engine.up("dev")
    assert not up.ok
    assert "the accelerator caught fire" in up.output
    assert str(machine.volume / "runs" / "a" / "logs" / "agent.log") in up.output
    assert machine.starts() == 2
    machine.ask(run=run_inputs(machine.volume))
    up = machine.engine.up("dev")
    assert dict(up.changed) == {"update": 1}, up.output
    assert machine.outputs["step"] == 40


def test_a_run_that_gave_up_is_not_started_again(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume, crash="for good") | {"maxAgentRestarts": 5})
    up = machine.engine.up("dev")
    assert not up.ok
    assert "failed with exit code 70 after 0 restarts" in up.output
    assert machine.starts() == 1


def test_a_dead_server_is_seen_and_repaired(machine: Machine) -> None:
    port = free_port()
    machine.ask(server=server_inputs(machine.volume, port))
    assert machine.engine.up("dev").ok
    first = machine.outputs["pid"]
    os.kill(first, signal.SIGKILL)
    refresh = machine.engine.refresh("dev")
    assert refresh.ok
    assert any("is not running" in line for line in messages(refresh, "warning")), refresh.output
    assert machine.engine.export_state("dev").named("server").outputs["pid"] == 0
    up = machine.engine.up("dev")
    assert dict(up.changed) == {"update": 1}, up.output
    second = get(f"http://127.0.0.1:{port}/health")["pid"]
    assert second == machine.outputs["pid"] != first

    os.kill(machine.outputs["pid"], signal.SIGKILL)
    assert dict(machine.engine.up("dev").changed) == {"update": 1}, "a plain `up` repairs too"
    assert not machine.engine.up("dev").changed


def test_a_new_model_is_served_on_the_same_port(machine: Machine) -> None:
    port = free_port()
    machine.ask(run=run_inputs(machine.volume), server=server_inputs(machine.volume, port))
    assert machine.engine.up("dev").ok
    first = machine.outputs["pid"]
    machine.ask(run=run_inputs(machine.volume, steps=50), server=server_inputs(machine.volume, port))
    up = machine.engine.up("dev")
    assert dict(up.changed) == {"update": 2}, up.output
    assert get(f"http://127.0.0.1:{port}/health")["pid"] == machine.outputs["pid"] != first
    eventually(lambda: not psutil.pid_exists(first), "the first server is gone", timeout_s=10)


def test_another_port_moves_the_server(machine: Machine) -> None:
    first, second = free_port(), free_port()
    machine.ask(server=server_inputs(machine.volume, first))
    assert machine.engine.up("dev").ok
    moved = server_inputs(machine.volume, second) | {"stateFolder": str(machine.volume / "elsewhere")}
    machine.ask(server=moved)
    assert dict(machine.engine.up("dev").changed) == {"update": 1}
    assert get(f"http://127.0.0.1:{second}/health")
    assert len(working_in(machine.volume)) == 1


def test_a_port_in_use_names_who_holds_it(machine: Machine) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        machine.ask(server=server_inputs(machine.volume, port))
        up = machine.engine.up("dev")
    assert not up.ok
    assert f"inference.port: {port} on 127.0.0.1 is in use by process {os.getpid()}" in " ".join(up.errors)
    assert not working_in(machine.volume)


@pytest.mark.parametrize(
    ("behaviour", "said"), [("refuse", "modelFolder: there is no model"), ("crash", "the weights are upside down")]
)
def test_a_server_that_does_not_start_says_why(machine: Machine, behaviour: str, said: str) -> None:
    machine.ask(server=server_inputs(machine.volume, free_port(), behaviour=behaviour))
    up = machine.engine.up("dev")
    assert not up.ok
    assert any(said in error for error in up.errors), up.output
    assert not working_in(machine.volume)


def test_a_server_that_does_not_drain_is_killed(machine: Machine) -> None:
    inputs = server_inputs(machine.volume, free_port(), behaviour="stubborn") | {"drainS": 0.0}
    machine.ask(server=inputs)
    assert machine.engine.up("dev").ok
    destroy = machine.engine.destroy("dev")
    assert destroy.ok, destroy.output
    assert any("was killed" in line for line in messages(destroy, "warning")), destroy.output
    assert not working_in(machine.volume)


@pytest.mark.parametrize("how", ["interrupt", "kill the engine", "kill all"])
def test_no_server_is_left_that_the_engine_does_not_know(machine: Machine, how: str) -> None:
    """Stopped while it loads the model."""
    machine.ask(server=server_inputs(machine.volume, free_port(), loadS=600))
    run = machine.engine.start("up", "dev")
    eventually((machine.volume / "serve" / "server.json").exists, "the server is started")
    working = working_in(machine.volume)
    below = [process for process in psutil.Process(run.pid).children(recursive=True) if process not in working]
    run.interrupt() if how == "interrupt" else run.kill()
    for process in below if how == "kill all" else ():
        process.kill()
    assert not run.wait().ok
    eventually(lambda: not working_in(machine.volume), "the server is ended", timeout_s=30)
    machine.engine.clear_stale_locks("dev")
    machine.ask(server=server_inputs(machine.volume, free_port()))
    assert machine.engine.up("dev").ok


def test_destroy_deletes_when_asked_to(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume), on_destroy="delete")
    assert machine.engine.up("dev").ok
    destroy = machine.engine.destroy("dev")
    assert destroy.ok
    assert any(f"deleted {machine.volume}" in line for line in messages(destroy)), destroy.output
    assert not machine.volume.exists()


def test_another_volume_leaves_the_old_one_as_it_is(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume), on_destroy="delete")
    assert machine.engine.up("dev").ok
    other = machine.folder / "other"
    machine.ask(run=run_inputs(other), volume=other, on_destroy="delete")
    up = machine.engine.up("dev")
    assert up.ok, up.output
    assert any(f"kept {machine.volume}" in line for line in messages(up)), messages(up)
    assert (machine.volume / "runs" / "a" / "export").is_dir()
    assert (other / "runs" / "a" / "export").is_dir()


def test_a_strangers_folder_is_refused_and_left_alone(machine: Machine) -> None:
    machine.volume.mkdir()
    (machine.volume / "thesis.txt").write_text("years of work")
    machine.ask(run=run_inputs(machine.volume), on_destroy="delete")
    up = machine.engine.up("dev")
    assert not up.ok
    assert any("holds an entry that is not penstock's, such as 'thesis.txt'" in error for error in up.errors)
    assert machine.engine.destroy("dev").ok
    assert (machine.volume / "thesis.txt").read_text() == "years of work"


def test_destroy_stops_a_run_that_still_runs(machine: Machine) -> None:
    """As after a killed provider, whose run has not noticed yet."""
    machine.ask(run=run_inputs(machine.volume, steps=200, stepS=0.05))
    run = begun(machine)
    run.interrupt()
    assert not run.wait().ok
    assert machine.engine.destroy("dev").ok
    assert not working_in(machine.volume)


def test_secrets_stay_secret(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume), server=server_inputs(machine.volume, free_port()))
    secret = machine.engine._run(["config", "set", "--secret", "token", "hunter2", "--stack", "dev"])
    assert secret.ok, secret.output
    assert machine.engine.up("dev").ok
    state = machine.engine._run(["stack", "export", "--stack", "dev"]).output
    assert "hunter2" not in state
    for path in machine.volume.rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes(), path
    assert machine.engine.up("dev").changed == {}
    server = machine.outputs["pid"]
    environment = psutil.Process(server).environ()
    assert environment["TOKEN"] == "hunter2"  # noqa: S105 (of this test)
    assert not [name for name in environment if name.startswith("PULUMI_")]
    assert machine.engine.destroy("dev").ok
