"""A stack through the real engine, unchanged: what each phase did, and whether it did what it must.

Everything of a rehearsal lies in .penstock/rehearsal/STACK of the project: engine home, state, a copy of the stack
file, and the data folder of what is deployed on this machine. It is removed when nothing is deployed any more; until
then the state is never lost, whatever ends the rehearsal.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rehearsal.engine.cli import Command, Engine, passphrase_from_environment
from rehearsal.engine.process import Result, Watch
from rehearsal.stack_file import copy_for_rehearsal, has_secrets, stack_file

NO_SECRETS = ""  # the passphrase where the stack file has nothing to protect


class Rehearsal(StrEnum):
    """What to rehearse. All but the preview start with `up` if nothing is there and end with `destroy` if not kept."""

    PREVIEW = "preview"
    UP = "up"
    REFRESH = "refresh"
    DESTROY = "destroy"
    CYCLE = "cycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One command of the engine. `problem` is empty where it did what it must."""

    name: str
    created: int
    updated: int
    replaced: int
    deleted: int
    same: int
    seconds: float
    problem: str

    def __str__(self) -> str:
        counts = {"created": self.created, "updated": self.updated, "replaced": self.replaced, "deleted": self.deleted}
        parts = [f"{count} {word}" for word, count in counts.items() if count] + [f"{self.same} unchanged"]
        verdict = f"FAILED: {self.problem}" if self.problem else "ok"
        return f"{self.name:<9} {', '.join(parts)}, {self.seconds:.1f} s: {verdict}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a rehearsal did. `kept` is the folder that still holds its state, None where nothing is left."""

    stack: str
    rehearsal: Rehearsal
    phases: tuple[Phase, ...]
    kept: Path | None

    @property
    def ok(self) -> bool:
        return all(not phase.problem for phase in self.phases)

    def as_json(self) -> dict[str, Any]:
        """For --json: plain values only."""
        return asdict(self) | {"ok": self.ok, "kept": str(self.kept) if self.kept else None}


def rehearse(
    rehearsal: Rehearsal, stack: str, *, project: Path, keep: bool = False,
    watch: Watch | None = None, on_phase: Callable[[Phase], None] | None = None,
) -> Report:  # fmt: skip
    """The report of the rehearsal, each phase handed to `on_phase` as it ends.

    A phase that fails ends the rehearsal; what it deployed is then destroyed, unless `keep`. The user's stack file is
    only read. Raises EngineError for what the user must put right first.
    """
    home = project / ".penstock" / "rehearsal" / stack
    engine = _prepare(project, stack, home)
    phases: list[Phase] = []
    for name, command in _commands(rehearsal, deployed=_is_deployed(engine, stack), keep=keep):
        if command != "destroy" and any(phase.problem for phase in phases):
            continue
        result = engine.start(command, stack, watch=watch).wait()
        phases.append(_judge(name, result, left=_is_deployed(engine, stack)))
        if on_phase:
            on_phase(phases[-1])
    deployed = _is_deployed(engine, stack)
    if not deployed:
        shutil.rmtree(home)
    return Report(stack=stack, rehearsal=rehearsal, phases=tuple(phases), kept=home if deployed else None)


def _prepare(project: Path, stack: str, home: Path) -> Engine:
    """An engine in `home` that has the stack, free of the lock of an earlier engine that died."""
    file = stack_file(project, stack)
    secrets = has_secrets(file)
    copy = home / "config" / file.name
    copy_for_rehearsal(file, copy, keep_encryption=secrets)
    engine = Engine(
        project=project,
        home=home / "engine",
        backend=home / "state",
        passphrase=passphrase_from_environment() if secrets else NO_SECRETS,
        config_file=copy,
        env={"XDG_DATA_HOME": str(home / "data")},
    )
    if stack in engine.stacks():
        engine.clear_stale_locks(stack)
    else:
        engine.stack_init(stack).require_ok()
    return engine


def _commands(rehearsal: Rehearsal, *, deployed: bool, keep: bool) -> list[tuple[str, Command]]:
    """The phases by name, with the engine's command for each."""
    first: list[tuple[str, Command]] = [] if deployed else [("up", "up")]
    last: list[tuple[str, Command]] = [] if keep else [("destroy", "destroy")]
    match rehearsal:
        case Rehearsal.PREVIEW:
            return [("preview", "preview")]
        case Rehearsal.UP:
            return [("up", "up"), *last]
        case Rehearsal.REFRESH:
            return [*first, ("refresh", "refresh"), *last]
        case Rehearsal.DESTROY:
            return [*first, ("destroy", "destroy")]
        case Rehearsal.CYCLE:
            return [("up", "up"), ("up again", "up"), ("refresh", "refresh"), ("destroy", "destroy")]


def _judge(name: str, result: Result, *, left: bool) -> Phase:
    changes = result.changes
    return Phase(
        name=name,
        created=changes.get("create", 0),
        updated=changes.get("update", 0),
        replaced=changes.get("replace", 0),
        deleted=changes.get("delete", 0),
        same=changes.get("same", 0),
        seconds=round(result.seconds, 2),
        problem=_problem(name, result, left=left),
    )


def _problem(name: str, result: Result, *, left: bool) -> str:
    """What the phase did that it must not, "" where all is well."""
    if result.interrupted:
        return "interrupted"
    if not result.ok:
        return "; ".join(result.errors) or f"the engine ended with status {result.returncode}"
    if name in ("up again", "refresh") and result.changed:
        return "nothing may change, but " + ", ".join(f"{step.op} {step.name}" for step in result.changing_steps)
    if name == "destroy" and left:
        return "resources are left in the state"
    return ""


def _is_deployed(engine: Engine, stack: str) -> bool:
    state = engine.export_state(stack)
    return bool(state.resources or state.pending)
