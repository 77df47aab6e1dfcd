"""Machine of the tests of the local provider: a stack of its resources, and a look at the machine's processes."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from engine.cli import Engine

HERE = Path(__file__).parent
PLUGIN = HERE.parents[2] / "plugin"
TRAINER, SERVICE = str(HERE / "trainer.py"), str(HERE / "service.py")


def eventually(condition: Callable[[], object], what: str, *, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def working_in(folder: Path) -> list[psutil.Process]:
    """Every living process that has this folder, or something below it, in its arguments or its mark."""
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get("PENSTOCK_FOLDER", "")
            texts = [mark, *process.cmdline()]
            if process.status() != psutil.STATUS_ZOMBIE and any(text.startswith(str(folder)) for text in texts):
                found.append(process)
        except psutil.Error:
            continue
    return found


def run_inputs(volume: Path, identity: str = "a", **training: Any) -> dict[str, Any]:
    """The inputs of a run of 40 steps, short of `volume` and `env`."""
    folder = str(volume / "runs" / identity)
    job = {"training": {"steps": 40, **training}, "runFolder": folder, "device": "cpu", "stopS": 5.0}
    return {"runFolder": folder, "program": [TRAINER], "job": job, "identity": identity, "maxAgentRestarts": 2}


def server_inputs(volume: Path, port: int, **inference: Any) -> dict[str, Any]:
    """The inputs of a server, short of `volume`, `env` and `modelDigest`."""
    config = {"inference": {"host": "127.0.0.1", **inference}, "modelFolder": str(volume / "runs" / "a"), "port": port}
    return {"stateFolder": str(volume / "serve"), "program": [SERVICE], "config": config, "drainS": 5.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A project whose one program is `program/`, the engine for it, and the folder of its volume."""

    engine: Engine
    folder: Path
    volume: Path

    @classmethod
    def lay_out(cls, folder: Path) -> Path:
        """The project's folder, which knows the program and the plugin by where they lie."""
        folder.mkdir()
        project = {
            "name": "machine",
            "runtime": "python",
            "main": str(HERE / "program"),
            "stackConfigDir": "stacks/",
            "plugins": {"providers": [{"name": "penstock", "path": str(PLUGIN)}]},
        }
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        (folder / "stacks").mkdir()
        config = {"machine:asked": str(folder / "asked.json")}
        (folder / "stacks" / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
        return folder

    def ask(
        self, *, run: Mapping[str, Any] | None = None, server: Mapping[str, Any] | None = None,
        on_destroy: str = "keep", volume: Path | None = None,
    ) -> None:  # fmt: skip
        """Writes what the program is to build. The names are the resources' own."""
        asked = {
            "volume": {"path": str(volume or self.volume), "on_destroy": on_destroy},
            "run": _snake(run),
            "server": _snake(server),
            "env": {"OMP_NUM_THREADS": "1"},
        }
        (self.folder / "asked.json").write_text(json.dumps(asked))

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.engine.export_state("dev").outputs

    def status(self, identity: str = "a") -> dict[str, Any]:
        """status.json of the run; empty before there is one."""
        path = self.volume / "runs" / identity / "status.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def starts(self, identity: str = "a") -> int:
        """Number of starts of the run's agent."""
        path = self.volume / "runs" / identity / "started"
        return len(path.read_text().split()) if path.exists() else 0


def _snake(inputs: Mapping[str, Any] | None) -> dict[str, Any] | None:
    names = {
        "runFolder": "run_folder", "maxAgentRestarts": "max_agent_restarts",
        "stateFolder": "state_folder", "drainS": "drain_s",
    }  # fmt: skip
    return {names.get(name, name): value for name, value in inputs.items()} if inputs else None
