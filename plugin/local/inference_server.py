"""penstock:local:InferenceServer: a process that outlives the engine, is seen to be alive, and is drained."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from components.errors import PenstockError
from components.files import tail, write_json
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
from plugin.local.guard import KEEP
from plugin.local.processes import ROOT, Process, clean_environment
from plugin.local.server_process import (
    ServerRecord,
    answers,
    end,
    is_healthy,
    port_holder,
    reachable_host,
    read_record,
    write_record,
)

INPUTS: dict[str, type | tuple[type, ...]] = {
    "volume": str,
    "stateFolder": str,
    "program": list,
    "env": dict,
    "config": dict,
    "modelDigest": str,
    "drainS": (int, float),
}
REFUSED = 78
READY_TIMEOUT_S = 600.0
"""A large model from a slow disk takes minutes to load; a server that is not ready after this will not be."""
POLL_S = 0.3


def check(inputs: Properties) -> Sequence[InputProblem]:
    """Types and paths; the configuration itself was checked by the plan, and is once more by the server."""
    problems = [*required(inputs, INPUTS), *absolute(inputs, "volume", "stateFolder")]
    config = inputs.get("config")
    if isinstance(config, dict) and is_known(config) and not isinstance(config.get("port"), int):
        problems.append(InputProblem(name="config", message="config: port is missing"))
    return problems


def diff(old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG001 (as every kind)
    """Changed inputs; and the process, when it is not alive and well. A server is never replaced: the port is one."""
    changes = [InputChange(name=name) for name in changed(old, new, tuple(INPUTS))]
    if not changes and not _healthy_record(new):
        changes.append(InputChange(name="pid"))
    return changes


def foresee(inputs: Properties, outputs: Properties | None) -> Properties:  # noqa: ARG001
    """Everything but the process's pid."""
    if not is_known(inputs["config"]) or not is_known(inputs["stateFolder"]):
        return dict.fromkeys(("url", "port", "pid", "log"), Unknown())
    return _outputs(inputs) | {"pid": Unknown()}


def create(call: Call, inputs: Properties) -> Properties:
    """The server, ready. One that an interrupted create has left is ended first."""
    return _serve(call, inputs)


def update(call: Call, old: Properties, new: Properties) -> Properties:
    """The old server drained and ended, the new one ready."""
    before = Path(old["stateFolder"])
    if before != Path(new["stateFolder"]):
        _end(call, before)
    return _serve(call, new)


def read(inputs: Properties) -> RefreshResult | None:
    """Reads the process's state; None when its state folder is gone too."""
    folder = Path(inputs["stateFolder"])
    if _healthy_record(inputs):
        return RefreshResult(outputs=_outputs(inputs))
    if not folder.is_dir():
        return None
    record = read_record(folder)
    alive = record is not None and record.process.is_alive
    what = "does not answer /health" if alive else "is not running"
    reason = f"the server of port {inputs['config']['port']} {what}; `pulumi up` starts it again:{_last_lines(folder)}"
    return RefreshResult(outputs=_outputs(inputs), reasons=[reason])


def delete(call: Call, outputs: Properties) -> None:
    """Drain and end the server. Its log stays with the volume."""
    _end(call, Path(outputs["stateFolder"]))


def _serve(call: Call, inputs: Properties) -> Properties:
    folder = Path(inputs["stateFolder"])
    _make_folder(folder)
    _end(call, folder)
    _require_free_port(inputs)
    write_json(folder / "config.json", inputs["config"])
    with _guarded_start(call, folder, inputs) as server:
        _await_ready(call, folder, inputs, server)
    call.voice.say(f"serves at {_outputs(inputs)['url']}")
    return _outputs(inputs)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise PenstockError(f"{error.filename}: {error.strerror}; make it writable for you") from None


def _end(call: Call, folder: Path) -> None:
    """End the folder's server, if there is one. A cancelled call does not shorten the drain: nothing may be left."""

    def tell(passed_s: float) -> None:
        call.voice.live(f"draining: running requests may finish ({passed_s:.0f} s)")

    alive = (record := read_record(folder)) is not None and record.process.is_alive
    if not end(folder, tell):
        call.voice.warn(f"the server of {folder} did not drain in time and was killed")
    elif alive:
        call.voice.live("drained and ended")


def _require_free_port(inputs: Properties) -> None:
    host, port = inputs["config"]["inference"].get("host", "127.0.0.1"), inputs["config"]["port"]
    if holder := port_holder(host, port):
        raise PenstockError(
            f"inference.port: {port} on {host} is in use by {holder}; stop it, or set another `port` under "
            "`penstock:inference`"
        )


@contextmanager
def _guarded_start(call: Call, folder: Path, inputs: Properties) -> Iterator["subprocess.Popen[bytes]"]:
    """The started process, recorded. It is ended when the block fails, and by its guard when this process dies."""
    guard = subprocess.Popen(  # before the server: there is no moment without one
        [sys.executable, str(ROOT / "plugin"), "guard", str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, text=True,
    )  # fmt: skip
    try:
        yield _start(call, folder, inputs)
    except BaseException:
        _end(call, folder)
        raise
    finally:
        guard.communicate(KEEP)


def _start(call: Call, folder: Path, inputs: Properties) -> "subprocess.Popen[bytes]":
    log = folder / "server.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, *inputs["program"], str(folder / "config.json")],
            cwd=ROOT, env=clean_environment(folder, call.stack, inputs["env"]),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    if process := Process.of(server.pid):
        write_record(folder, _record(inputs, process))
    return server


def _await_ready(call: Call, folder: Path, inputs: Properties, server: "subprocess.Popen[bytes]") -> None:
    """Return when /ready answers; an error with the log's last lines when the process ends before."""
    host, port = reachable_host(inputs["config"]["inference"].get("host", "127.0.0.1")), inputs["config"]["port"]
    begin = time.monotonic()
    while not answers(host, port, "/ready", 5.0):
        passed = time.monotonic() - begin
        call.voice.live(f"loading the model, not ready yet ({passed:.0f} s)")
        if (code := server.poll()) is not None:
            raise _early_end(folder, code)
        if passed > READY_TIMEOUT_S:
            raise PenstockError(f"not ready after {passed:.0f} s:{_last_lines(folder)}")
        if call.cancelled.wait(POLL_S):
            raise PenstockError("cancelled before the server was ready; it was stopped, `pulumi up` starts it again")
    if server.poll() is not None:  # another program answered for it
        raise _early_end(folder, server.returncode)


def _early_end(folder: Path, code: int) -> PenstockError:
    if code == REFUSED:
        return PenstockError(tail(folder / "server.log", 30).strip())
    return PenstockError(f"the server ended with exit code {code}:{_last_lines(folder)}")


def _record(inputs: Properties, process: Process) -> ServerRecord:
    config = inputs["config"]
    host = reachable_host(config["inference"].get("host", "127.0.0.1"))
    return ServerRecord(process=process, host=host, port=config["port"], drain_s=float(inputs["drainS"]))


def _healthy_record(inputs: Properties) -> ServerRecord | None:
    """The server's record when it is the one asked for, alive and well."""
    record = read_record(Path(inputs["stateFolder"]))
    wanted = record and record.port == inputs["config"]["port"]
    return record if record and wanted and is_healthy(record) else None


def _outputs(inputs: Properties) -> dict[str, object]:
    """Address of the server; pid 0 when it does not serve."""
    folder, port = Path(inputs["stateFolder"]), inputs["config"]["port"]
    host = reachable_host(inputs["config"]["inference"].get("host", "127.0.0.1"))
    record = read_record(folder)
    pid = record.process.pid if record and record.process.is_alive else 0
    address = f"[{host}]" if ":" in host else host
    return {"url": f"http://{address}:{port}", "port": port, "pid": pid, "log": str(folder / "server.log")}


def _last_lines(folder: Path) -> str:
    log = folder / "server.log"
    return f"{tail(log, 12)}\n  (all of it: {log})"
