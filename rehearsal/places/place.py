"""Place that a rehearsal puts around the engine: a simulated cloud, or a lab."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.cli import Engine
from engine.process import Run
from engine.state import StackState
from rehearsal.field.deployed import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """Requests, faults and leftovers of a place, as a report shows them."""

    requests_by_oracle: Mapping[str, int]
    requests_by_operation: Mapping[str, int]
    """`ec2:CreateSubnet`, executed or judged only, all oracles together."""
    uncovered: tuple[str, ...]
    """Resource types that no oracle covers."""
    unused_faults: tuple[str, ...]
    """Faults of the script that were never injected."""
    left: tuple[str, ...]
    kept_on_purpose: tuple[str, ...]


class RehearsalPlace(Protocol):
    """The place that a stack is built on in a rehearsal. It outlives a killed engine, as a cloud does."""

    @property
    def env(self) -> Mapping[str, str]:
        """Environment that leads the engine there."""

    @property
    def now_min(self) -> float:
        """Its clock; it stands still where time is real."""

    def recover(self, engine: Engine, stack: str, state: StackState) -> tuple[str, ...]:
        """Goes on after an engine that was killed."""

    def follow(self, run: Run) -> None:
        """Learns of the engine that works now: a fault may kill it."""

    def note_retained(self, state: StackState) -> None:
        """Remembers what a destroy will leave on purpose."""

    def injected(self, phase: str) -> tuple[str, ...]:
        """The faults since this was last asked."""

    def after(self, phase: str, state: StackState) -> tuple[str, ...]:
        """Lets happen what happens between two phases. Observations, a line each; RehearsalError where one is wrong."""

    def surroundings(self) -> Surroundings:
        """All that stands there now beside the resources of the stack, as far as the stack names it."""

    def resized(self) -> Mapping[str, Mapping[str, Any]]:
        """Inputs of groups of machines as they stand now, by type and name: of those whose sizes programs have set by
        the cloud's API, of which the engine learns when it refreshes.
        """

    def push_images(self, stack_file: Path) -> tuple[str, ...]:
        """Puts the stack's images where its own command puts them, as people do before `up`. A line for what failed.
        Not asked of a program of one's own, which has no stack file of penstock's that says which.
        """

    def report(self) -> AccountReport:
        """Requests, faults and leftovers."""


class RehearsalError(Exception):
    """A stack is up and does not do what it must, in one sentence."""
