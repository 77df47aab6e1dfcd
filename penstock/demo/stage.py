"""Stage of the demo: an engine with a backend of its own, and a copy of the local stack with a folder of its own."""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from components.engine_yaml import read_yaml
from components.plan.stack import StackPlan
from components.plan.work import JobPlan
from engine.cli import Engine
from rehearsal.stack_file import ENCRYPTION_KEYS
from stacks.config import read_path, stack_file
from stacks.plan import plan_stack

STACK = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The demo's engine, its stack as planned, and the folder all of it lies in."""

    folder: Path
    engine: Engine
    plan: StackPlan

    @property
    def job(self) -> JobPlan:
        assert self.plan.training is not None
        return self.plan.training

    @property
    def run_folder(self) -> Path:
        return Path(self.job.run_folder)

    @property
    def volume(self) -> Path:
        return Path(self.plan.cluster.volume.path)


def set_stage(checkout: Path) -> Stage:
    """The stage in the checkout's `.penstock/demo`, made or found again: an interrupted demo goes on where it was.

    Without a stack in its backend there is nothing to go on with, and the demo's stack file is written anew.
    """
    folder = checkout / ".penstock" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "stack.yaml"
    engine = Engine(
        project=checkout,
        home=folder / "home",
        backend=folder / "backend",
        passphrase=_passphrase(folder / "passphrase"),
        config_file=config,
    )
    if STACK not in engine.stacks() or not config.exists():
        _write_config(config, volume=folder / "volume")
    return Stage(folder=folder, engine=engine, plan=plan_stack(read_path(config), STACK, datetime.now(UTC)))


def _write_config(config: Path, *, volume: Path) -> None:
    """The local stack, but everything of it under one folder that `destroy` deletes, and on a free port.

    The salt that `pulumi stack init` leaves in the file goes with another passphrase than the demo's.
    """
    content = read_yaml(stack_file(STACK).path.read_bytes()).data
    for key in ENCRYPTION_KEYS:
        content.pop(key.rstrip(":"), None)
    content["config"]["penstock:storage"] = {"volume": {"path": str(volume), "onDestroy": "delete"}}
    content["config"].setdefault("penstock:inference", {})["port"] = _free_port()
    config.write_text(yaml.safe_dump(content, sort_keys=False))


def _passphrase(file: Path) -> str:
    """A random one, kept beside the state it protects, for this user alone to read."""
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_hex(16))
    return file.read_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
