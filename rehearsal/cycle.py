"""Rehearsal of an unchanged stack with the real engine: the phases, each with a verdict.

Everything of a rehearsal lies in .penstock/rehearsal/STACK of the project: engine home, state, a copy of the stack
file, and the data folder of what is deployed on this machine. It is removed when nothing is deployed any more; until
then the state is never lost, whatever ends the rehearsal.
"""

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from components.project import read_project
from engine.cli import Command, Engine, passphrase_from_environment
from engine.errors import EngineError
from engine.process import Result, Watch
from engine.state import StackState
from rehearsal.faults import FaultScript
from rehearsal.field.deployed import ALONE, Surroundings
from rehearsal.field.judge import FieldJudge, facts_of
from rehearsal.places.lab import take_lab_down
from rehearsal.places.local import keep_apart
from rehearsal.places.lookup import LOCAL, place_for
from rehearsal.places.place import AccountReport, RehearsalError, RehearsalPlace
from rehearsal.stack_file import cloud_of, config_in, copy_for_rehearsal, has_secrets, settings_in

MOST_ATTEMPTS, MOST_IN_VAIN = 40, 8
"""Of a phase that scripted faults let fail: in all, and in a row that got no further."""
PENSTOCK = Path(__file__).parents[1]
GATE = "penstock:kubernetes:Gate"
NO_SECRETS = ""  # the passphrase where the stack file has nothing to protect


class Rehearsal(StrEnum):
    """A rehearsal to be made. All but the preview start with `up` if nothing is there and end with `destroy` if not
    kept.
    """

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
    simulated_min: float = 0.0
    """Time that the cloud would have taken, as the simulation has it; 0 without one."""
    faults: tuple[str, ...] = ()
    """Faults that were injected."""
    repeated: bool = False
    """A fault made it fail, or shut a pool, and the same command follows: that one is judged."""
    seen: tuple[str, ...] = ()
    """Observations of the place after the phase."""
    words: tuple[str, ...] = ()
    """Words that the program printed before it failed, a line each."""
    expected: tuple[str, ...] = ()
    """Findings of the field rules that are known: rehearsal/field/expected.toml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Callbacks that tell of a rehearsal as it happens: the engine's work, each phase as it begins and ends."""

    watch: Watch | None = None
    on_begin: Callable[[str, int], None] = lambda _name, _resources: None
    """Told a phase's name, and how many resources the state had before it."""
    on_phase: Callable[[Phase], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    """Told what goes on while no engine works: a lab that comes up, a job that trains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Result of a rehearsal. `kept` is the folder that still holds its state, None where nothing is left."""

    stack: str
    rehearsal: Rehearsal
    phases: tuple[Phase, ...]
    kept: Path | None
    account: AccountReport | None = None
    """Requests to the simulated account and what is left in it; None for a cloud that is not simulated."""
    deployed: bool = False
    notes: tuple[str, ...] = ()
    """Differences between the rehearsal and the stack file."""

    @property
    def ok(self) -> bool:
        """Every phase did what it must, every resource has an oracle, and nothing is left where nothing may be."""
        judged = all(not phase.problem or phase.repeated for phase in self.phases)
        return judged and (
            self.account is None or not (self.account.uncovered or (self.account.left and not self.deployed))
        )

    def account_in_words(self) -> Iterator[str]:
        """Summary of the simulated account for the user, a line for each fact."""
        if not self.account:
            return
        yield "requests judged:" if self.account.requests_by_oracle else "requests judged: none"
        yield from (f"{count:>6} by {oracle}" for oracle, count in self.account.requests_by_oracle.items())
        yield from (f"no oracle covers {token}" for token in self.account.uncovered)
        yield from (f"fault was never injected: {fault}" for fault in self.account.unused_faults)
        if not self.deployed:
            yield from (f"kept on purpose: {one}" for one in self.account.kept_on_purpose)
            yield from (f"LEFT in the account: {one}" for one in self.account.left)

    def as_json(self) -> dict[str, Any]:
        """For --json: plain values only."""
        return asdict(self) | {"ok": self.ok, "kept": str(self.kept) if self.kept else None}


def rehearse(
    rehearsal: Rehearsal, stack: str, *, project: Path, keep: bool = False, faults: FaultScript | None = None,
    listener: Listener | None = None,
) -> Report:  # fmt: skip
    """The report of the rehearsal.

    A phase that fails ends the rehearsal; what it deployed is then destroyed, unless `keep`. One that fails by a
    scripted fault is begun again. The user's stack file is only read. Raises PenstockError for what the user must put
    right first.
    """
    project = project.resolve()
    with _alone(_home(project, stack), stack):
        return _rehearse(rehearsal, stack, project, keep=keep, faults=faults, listener=listener or Listener())


def _home(project: Path, stack: str) -> Path:
    return project / ".penstock" / "rehearsal" / stack


@contextmanager
def _alone(home: Path, stack: str) -> Iterator[None]:
    """Refuses (EngineError) a second rehearsal of the stack while the first goes on: they share state and account."""
    home.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.parent / f"{stack}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise EngineError(f"another rehearsal of {stack} is under way; wait for it to end, or interrupt it") from None
    try:
        yield
    finally:
        lock.release()


def _rehearse(
    rehearsal: Rehearsal, stack: str, project: Path, *, keep: bool, faults: FaultScript | None, listener: Listener
) -> Report:
    home, preview = _home(project, stack), rehearsal is Rehearsal.PREVIEW
    own = read_project(project)
    file = own.stack_file(stack)
    with place_for(file, home, faults, preview=preview, say=listener.say) as place:
        engine, notes = _prepare(project, file, stack, home, place)
        state = engine.export_state(stack)
        commands = _commands(rehearsal, deployed=_is_deployed(state), keep=keep)
        if place and place.recover(engine, stack, state):
            state = engine.export_state(stack)
        comes_up = any(command == "up" for _, command in commands)
        if place and engine.config_file and comes_up and own.is_penstocks:
            notes = (*notes, *place.push_images(engine.config_file))
        facts = facts_of(cloud_of(settings_in(file)))
        judge = FieldJudge(facts, stack, shipped=project == PENSTOCK, config=config_in(file))
        session = _Session(stack=stack, engine=engine, place=place, listener=listener, field=judge)
        phases: list[Phase] = []
        for name, command in commands:
            if command != "destroy" and any(phase.problem and not phase.repeated for phase in phases):
                continue
            for phase, after in _attempts(session, name, command, state):
                phases.append(phase)
                state = after
                listener.on_phase(phase)
        deployed = _is_deployed(state)
        account = place.report() if place else None
    kept = deployed or bool(account and account.left)
    if not kept:
        take_lab_down(home)
        shutil.rmtree(home)
    return Report(
        stack=stack, rehearsal=rehearsal, phases=tuple(phases), kept=home if kept else None, account=account,
        deployed=deployed, notes=notes,
    )  # fmt: skip


def _prepare(
    project: Path, file: Path, stack: str, home: Path, place: RehearsalPlace | None
) -> tuple[Engine, tuple[str, ...]]:
    """An engine in `home` that has the stack, free of the lock of an earlier engine that died.

    With it, in words, what its copy of the stack file has otherwise than `file`.
    """
    secrets = has_secrets(file)
    copy = home / "config" / file.name
    earlier = copy.read_text() if copy.exists() else ""
    copy_for_rehearsal(file, copy, keep_encryption=secrets)
    notes = keep_apart(copy, earlier) if cloud_of(settings_in(file)) == LOCAL else ()
    engine = Engine(
        project=project,
        home=home / "engine",
        backend=home / "state",
        passphrase=passphrase_from_environment() if secrets else NO_SECRETS,
        config_file=copy,
        env={"XDG_DATA_HOME": str(home / "data"), **(place.env if place else {})},
    )
    if stack in engine.stacks():
        engine.clear_stale_locks(stack)
    else:
        engine.stack_init(stack).require_ok()
    return engine, notes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """The stack that is rehearsed, with the engine and the place that stay the same in all its phases."""

    stack: str
    engine: Engine
    place: RehearsalPlace | None
    listener: Listener
    field: FieldJudge


def _attempts(session: _Session, name: str, command: Command, state: StackState) -> Iterator[tuple[Phase, StackState]]:
    """The phase and the state after it, from the state before it.

    With a place of its own, again as long as scripted faults made it fail or shut a pool: up to MOST_ATTEMPTS times,
    and to MOST_IN_VAIN in a row that got no further.
    """
    stack, engine, place, first, in_vain = session.stack, session.engine, session.place, state, 0
    for attempt in range(1, MOST_ATTEMPTS + 1):
        before_min = place.now_min if place else 0.0
        if place and command == "destroy":
            place.note_retained(state)
        session.listener.on_begin(name, len(state.resources))
        run = engine.start(command, stack, watch=session.listener.watch)
        if place:
            place.follow(run)
        result = run.wait()
        engine.clear_stale_locks(stack)
        state = engine.export_state(stack)
        sized = place.resized() if place else {}
        phase = _judge(name, result, left=_is_deployed(state), sized=sized)
        if place is None:
            yield phase, state
            return
        faults = place.injected(name)
        halfway = phase.problem or (command == "up" and _has_shut_pools(state))
        done = phase.created + phase.updated + phase.replaced + phase.deleted
        in_vain = 0 if phase.problem and done else in_vain + 1
        goes_on = attempt < MOST_ATTEMPTS and in_vain < MOST_IN_VAIN and not result.interrupted
        repeated = bool(halfway and faults) and goes_on
        minutes = round(place.now_min - before_min, 1)
        phase = replace(phase, simulated_min=minutes, faults=faults, repeated=repeated)
        phase = phase if phase.problem else _proven(phase, place, state)
        # A pool that is shut has no nodes yet: the rules look at the `up` that opens it.
        judged = command == "up" and not phase.problem and not _has_shut_pools(state)
        # What others have changed since is none of its work: sizes are those that it left.
        around = replace(place.surroundings(), resized=sized) if judged else ALONE
        yield (_judged_in_the_field(phase, session.field, around, first, state, result) if judged else phase), state
        if not repeated:
            return
        if place.recover(engine, stack, state):
            state = engine.export_state(stack)


def _has_shut_pools(state: StackState) -> bool:
    """True if `up` went on without some pools, which the same command looks at again."""
    return any(one.outputs.get("shut") for one in state.resources if one.type == GATE)


def _proven(phase: Phase, place: RehearsalPlace, state: StackState) -> Phase:
    """The phase with what was seen after it; a stack that does not do what it must has not come up."""
    try:
        return replace(phase, seen=place.after(phase.name, state))
    except RehearsalError as error:
        return replace(phase, problem=str(error))


def _judged_in_the_field(
    phase: Phase, judge: FieldJudge, around: Surroundings, before: StackState, after: StackState, result: Result
) -> Phase:
    """The phase with what goes wrong on a real cloud though every oracle took it."""
    verdict = judge.judge(before, after, result.warnings, around)
    title = "the field rules find what would go wrong on a real cloud:"
    problem = "\n".join((title, *verdict.wrong)) if verdict.wrong else ""
    return replace(phase, problem=problem, expected=verdict.expected)


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


def _judge(name: str, result: Result, *, left: bool, sized: Collection[str]) -> Phase:
    changes, problem = result.changes, _problem(name, result, left=left, sized=sized)
    return Phase(
        name=name,
        created=changes.get("create", 0),
        updated=changes.get("update", 0),
        replaced=changes.get("replace", 0),
        deleted=changes.get("delete", 0),
        same=changes.get("same", 0),
        seconds=round(result.seconds, 2),
        problem=problem,
        words=result.words if problem else (),
    )


def _problem(name: str, result: Result, *, left: bool, sized: Collection[str]) -> str:
    """Problem of the phase, "" where all is well: a refresh learns the sizes of the groups `sized` by others."""
    if result.interrupted:
        return "interrupted"
    if not result.ok:
        return "\n".join(result.errors) or f"the engine ended with status {result.returncode}"
    if name in ("up again", "refresh") and result.changed:
        learned = sized if name == "refresh" else ()
        steps = [step for step in result.changing_steps if f"{step.type} {step.name}" not in learned]
        if steps or not result.changing_steps:
            return "expected no changes, got " + ", ".join(f"{step.op} {step.name}" for step in steps)
    if name == "destroy" and left:
        return "resources are left in the state"
    return ""


def _is_deployed(state: StackState) -> bool:
    return bool(state.resources or state.pending)
