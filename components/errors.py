"""Problems of what a user wrote, as values: each has a path, a sentence and a remedy."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem, in words that need no knowledge of penstock's code."""

    path: str
    """Its place in the stack file, such as `training.model.heads`."""
    message: str
    """The fact, with the value, and the remedy."""
    stops: bool = True
    """False for one that is told and stops nothing: the place could not be asked, and `up` does without the answer."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class PenstockError(Exception):
    """A failure that is explained to the user in one message and never shown as a traceback."""


class SpecError(PenstockError):
    """All problems of one description together; raised before anything is created.

    `source` names the file. `show` writes a problem as that file's reader finds it.
    """

    def __init__(
        self, problems: Iterable[Problem], source: str = "", *, show: Callable[[Problem], str] = str
    ) -> None:  # fmt: skip
        self.problems: Sequence[Problem] = tuple(problems)
        self.source = source
        heading = f"{source}: " if source else ""
        count = len(self.problems)
        lines = [f"{heading}{count} problem{'' if count == 1 else 's'}, nothing was created"]
        super().__init__("\n".join(lines + [f"  {show(problem)}" for problem in self.problems]))


class UnsupportedError(SpecError):
    """The description is right, but this cloud cannot do it; each problem lists what it can."""


class Problems(list[Problem]):
    """Every problem of one description, gathered part by part so that none hides another."""

    def collect(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The function's result; None where it is refused, with its problems added to the others."""
        try:
            return function(*args, **kwargs)
        except SpecError as error:
            self += error.problems
            return None
