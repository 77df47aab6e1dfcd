"""penstock:local:Run: a run that is supervised outside the engine's processes, and goes on where it stopped."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import Timeout

from components.errors import PenstockError
from components.files import read_json, size_bytes, tail, words_for_bytes, write_json
from components.labels import PROCESS_MARK
from engine.provider.errors import UnfinishedError
from engine.provider.values import Unknown, is_known
from plugin.calls import (
    Call,
    InputChange,
    InputProblem,
    Properties,
    RefreshResult,
    absolute,
    changed,
    required,
)
from plugin.local.following import Follower
from plugin.local.full_volume import ERRORS, fullness
from plugin.local.processes import ROOT, Process, clean_environment, kill, stop
from plugin.local.run_folder import checkpoint_step, finished, outputs_of
from plugin.local.supervision import KILL_MARGIN_S, End, Orders, Record, lock_of, read_record
from workloads.pretrain.record.words import learned_nothing, result_line

INPUTS = {
    "volume": str,
    "runFolder": str,
    "program": list,
    "env": dict,
    "job": dict,
    "identity": str,
    "maxAgentRestarts": int,
}
OUTPUTS = (
    "step", "loss", "validationLoss", "unigramLoss", "exportFolder", "digest", "tokensPerS", "goodput", "timeByCause",
    "restarts", "runBytes",
)  # fmt: skip
STOPPED = (End.STOPPED, End.UNWATCHED)
OWNER_GRACE_S = 10.0
"""Seconds that the provider of an engine which was killed may take to notice."""


def check(inputs: Properties) -> Sequence[InputProblem]:
    """Types and paths; the job itself was checked by the plan, and is once more by the trainer."""
    problems = [*required(inputs, INPUTS), *absolute(inputs, "volume", "runFolder")]
    job = inputs.get("job")
    if isinstance(job, dict) and is_known(job) and not isinstance(_steps_or_none(job), int):
        problems.append(InputProblem(name="job", message="job: training.steps is missing"))
    restarts = inputs.get("maxAgentRestarts")
    if isinstance(restarts, int) and restarts < 0:
        problems.append(InputProblem(name="maxAgentRestarts", message=f"maxAgentRestarts: {restarts} is negative"))
    return problems


def diff(old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG001 (as every kind)
    """Another identity or folder is another run. A run that is not finished on disk goes on, whatever the inputs."""
    differing = changed(old, new, tuple(INPUTS))
    changes = [InputChange(name=name, replaces=name in {"identity", "runFolder"}) for name in differing]
    replaced = any(change.replaces for change in changes)
    if not replaced and is_known(new) and not finished(Path(new["runFolder"]), _steps(new)):
        changes.append(InputChange(name="step"))
    return changes


def foresee(inputs: Properties, outputs: Properties | None) -> Properties:
    """Outputs of the run when nothing is left to do; else nothing is known before it has run."""
    if outputs and is_known(inputs) and finished(Path(inputs["runFolder"]), _steps(inputs)):
        return {name: outputs.get(name) for name in OUTPUTS}
    return dict.fromkeys(OUTPUTS, Unknown())


def create(call: Call, inputs: Properties) -> Properties:
    """The finished run. A folder that an earlier, interrupted create has left is gone on with."""
    return _train(call, inputs)


def update(call: Call, old: Properties, new: Properties) -> Properties:  # noqa: ARG001 (as every kind)
    """The run, gone on with to the steps asked for now."""
    return _train(call, new)


def read(inputs: Properties) -> RefreshResult | None:
    """Reads the files; None when the run's folder is gone."""
    folder = Path(inputs["runFolder"])
    if not folder.is_dir():
        return None
    outputs = outputs_of(folder, _restarts(folder))
    if finished(folder, _steps(inputs)):
        return RefreshResult(outputs=outputs)
    return RefreshResult(
        outputs=outputs, reasons=[_where_it_stands(folder, inputs, "the run is not finished: it ended")]
    )


def delete(call: Call, outputs: Properties) -> None:
    """Stop the run, with a checkpoint, if it runs. Its files are the volume's: that one keeps or deletes them."""
    folder = Path(outputs["runFolder"])
    _stop_earlier(call, folder, _stop_s(outputs))
    if folder.is_dir():
        call.voice.say(f"ended; its files are the volume's: {folder} ({words_for_bytes(size_bytes(folder))})")


def _train(call: Call, inputs: Properties) -> Properties:
    folder, steps = Path(inputs["runFolder"]), _steps(inputs)
    try:
        _make_folder(folder, Path(inputs["volume"]))
        _stop_earlier(call, folder, _stop_s(inputs))
        write_json(folder / "job.json", inputs["job"])
    except OSError as error:
        where, free = Path(inputs["volume"]), "; free some space, then `pulumi up`"
        remedy = free if error.errno in ERRORS else "; make it writable for you"
        raise PenstockError(f"{error.filename or where}: {error.strerror}{remedy}") from None
    if finished(folder, steps):
        outputs = outputs_of(folder, _restarts(folder))
        call.voice.say(f"nothing to do: step {outputs['step']} is trained and exported, {steps} are asked for")
        return outputs
    begin = checkpoint_step(folder)
    call.voice.say(
        f"goes on from step {begin} of {steps} in {folder}" if begin else f"prepares {steps} steps in {folder}"
    )
    return _conclude(call, folder, inputs, _supervise(call, folder, inputs))


def _make_folder(folder: Path, volume: Path) -> None:
    if not volume.is_dir():
        raise PenstockError(f"{folder}: the volume {volume} is not there; `pulumi up --refresh` makes it again")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "logs").mkdir(exist_ok=True)


def _stop_earlier(call: Call, folder: Path, stop_s: float) -> None:
    """Return when nothing works in the folder. PenstockError when another engine is at it, or the call is cancelled."""
    record = read_record(folder)
    if record and record.supervisor.is_alive:
        if not _await(call, record.owner, OWNER_GRACE_S, "waiting for an interrupted `up` to end"):
            raise PenstockError(
                f"{folder}: process {record.owner.pid} is training this run; wait for it, or interrupt it with Ctrl-C"
            )
        call.voice.live("waiting for the earlier run to write its checkpoint")
        grace_s = stop_s + 2 * KILL_MARGIN_S
        stop(record.supervisor, folder, grace_s, lambda _: _require_going(call))
    if folder.is_dir():
        _end_leftovers(call, folder, stop_s)


def _end_leftovers(call: Call, folder: Path, stop_s: float) -> None:
    """Stop, with a checkpoint, an agent whose supervisor was killed; then kill all that carries the mark."""
    record = read_record(folder)
    try:
        with lock_of(folder):
            if record and record.agent:
                stop(record.agent, folder, stop_s + KILL_MARGIN_S, lambda _: _require_going(call))
            kill(folder)
    except Timeout:
        raise PenstockError(f"{folder}: another process supervises this run; wait for it to end") from None


def _await(call: Call, process: Process, timeout_s: float, words: str) -> bool:
    """Waits for the process; true if it was gone within that time."""
    end = time.monotonic() + timeout_s
    while process.is_alive and time.monotonic() < end:
        call.voice.live(words)
        if call.cancelled.wait(0.2):
            break
    return not process.is_alive


def _require_going(call: Call) -> None:
    if call.cancelled.is_set():
        raise PenstockError("cancelled while an earlier run was ending; `pulumi up` goes on")


def _supervise(call: Call, folder: Path, inputs: Properties) -> Record | None:
    """Run the agent under a supervisor to its end; None when the supervisor itself did not come to one."""
    orders, begin = _orders(call, folder, inputs), time.time()
    with (folder / "logs" / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "plugin"), "supervise", str(folder)],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            env={name: value for name, value in orders.env.items() if name != PROCESS_MARK},
        )  # fmt: skip
    try:
        assert supervisor.stdin is not None
        with supervisor.stdin as pipe:
            pipe.write(json.dumps(orders.content()).encode())
        record = Follower(call=call, run_folder=folder, since=begin).follow(supervisor)
    finally:
        supervisor.terminate()
    return record if record and record.supervisor.pid == supervisor.pid else None


def _orders(call: Call, folder: Path, inputs: Properties) -> Orders:
    myself = Process.of(os.getpid())
    assert myself is not None
    return Orders(
        program=tuple(inputs["program"]),
        job_file=str(folder / "job.json"),
        env=clean_environment(folder, call.stack, inputs["env"]),
        max_agent_restarts=inputs["maxAgentRestarts"],
        stop_s=_stop_s(inputs),
        owner_pid=myself.pid,
        owner_started=myself.started,
    )


def _conclude(call: Call, folder: Path, inputs: Properties, record: Record | None) -> Properties:
    """The outputs of a finished run; the error that says why it is not."""
    outputs = outputs_of(folder, _restarts(folder))
    end = record.end if record else None
    if end is End.FINISHED and finished(folder, _steps(inputs)):
        call.voice.say(
            result_line(outputs["step"], outputs["validationLoss"], outputs["unigramLoss"], outputs["exportFolder"])
        )
        if warning := learned_nothing(outputs["validationLoss"], outputs["unigramLoss"], inputs["job"]["training"]):
            call.voice.warn(warning)
        return outputs
    if end is End.REFUSED:
        message = read_json(folder / "status.json").get("message")
        raise PenstockError(str(message) if message else f"the trainer refused the job:{_last_lines(folder)}")
    kill(folder)
    if end not in STOPPED and (full := fullness(folder)):
        stands = _where_it_stands(folder, inputs, f"{full}: the run ended", "free some space, then `pulumi up`")
        raise UnfinishedError([stands], outputs)
    raise UnfinishedError([_where_it_stands(folder, inputs, _what_happened(folder, record))], outputs)


def _what_happened(folder: Path, record: Record | None) -> str:
    match record.end if record else None:
        case End.STOPPED | End.UNWATCHED:
            return "stopped"
        case End.KILLED:
            return "did not stop in time and was killed"
        case End.FINISHED:
            return f"ended without an exported model ({folder / 'logs' / 'agent.log'})"
        case End.FAILED:
            code = record.exit_code if record else None
            return f"failed with exit code {code} after {_restarts(folder)} restarts:{_last_lines(folder)}\nthe run"
        case _:
            log = folder / "logs" / "supervisor.log"
            return f"lost its supervisor ({log}){tail(log, 5)}\nthe run"


def _where_it_stands(folder: Path, inputs: Properties, what: str, remedy: str = "`pulumi up`") -> str:
    """Message of the event, the step, and the next `up`'s work."""
    step, steps = checkpoint_step(folder), _steps(inputs)
    if step is None:
        return f"{what} before the first checkpoint of its {steps} steps; {remedy} starts it again"
    return f"{what} at step {step} of {steps} with a checkpoint; {remedy} goes on from there"


def _last_lines(folder: Path) -> str:
    log = folder / "logs" / "agent.log"
    return f"{tail(log, 12)}\n  (all of it: {log})"


def _steps(inputs: Properties) -> int:
    return int(inputs["job"]["training"]["steps"])


def _steps_or_none(job: dict[str, Any]) -> Any:
    training = job.get("training")
    return training.get("steps") if isinstance(training, dict) else None


def _stop_s(inputs: Properties) -> float:
    return float(inputs["job"].get("stopS", 30.0))


def _restarts(folder: Path) -> int:
    record = read_record(folder)
    return record.restarts if record else 0
