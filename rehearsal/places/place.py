"""The place that a rehearsal puts around the engine: a simulated cloud, or a lab."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.cli import Engine
from engine.process import Run
from engine.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """What the place saw that was built on. Minutes are the cloud's, as far as they are known."""

    requests_by_oracle: Mapping[str, int]
    requests_by_operation: Mapping[str, int]
    """`ec2:CreateSubnet`, executed or judged only, all oracles together."""
    uncovered: tuple[str, ...]
    """Resource types that no oracle covers."""
    quiet_faults: tuple[str, ...]
    """What the script had go wrong, and did not."""
    left: tuple[str, ...]
    kept_on_purpose: tuple[str, ...]


class Surroundings(Protocol):
    """The place that a stack is built on in a rehearsal. It outlives a killed engine, as a cloud does."""

    @property
    def env(self) -> Mapping[str, str]:
        """What leads the engine there."""

    @property
    def now_min(self) -> float:
        """Its clock; it stands still where time is real."""

    def recover(self, engine: Engine, stack: str, state: State) -> tuple[str, ...]:
        """Goes on after an engine that was killed."""

    def follow(self, run: Run) -> None:
        """Learns of the engine that works now: a fault may kill it."""

    def note_retained(self, state: State) -> None:
        """Remembers what a destroy will leave on purpose."""

    def struck(self, phase: str) -> tuple[str, ...]:
        """The faults since this was last asked."""

    def after(self, phase: str, state: State) -> tuple[str, ...]:
        """What happens between two phases; what was seen in it, a line each. RehearsalError where it must not be so."""

    def report(self) -> AccountReport:
        """What it saw, and what is left in it."""


class RehearsalError(Exception):
    """A stack is up and does not do what it must, in one sentence."""
