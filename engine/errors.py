"""Failures that are the user's to put right: one message each, with the remedy."""

from collections.abc import Sequence

from components.errors import PenstockError


class EngineError(PenstockError):
    """One message: what is wrong and what to do. Never needs a traceback."""


class CliMissingError(EngineError):
    def __init__(self, version: str) -> None:
        super().__init__(
            f"the pulumi command {version} is not installed here; run `make setup` in a checkout, else "
            "`python -m tools.engine`"
        )


class PassphraseError(EngineError):
    def __init__(self, problem: str) -> None:
        remedy = "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds it"
        super().__init__(f"{problem}; {remedy}")


class StackMissingError(EngineError):
    def __init__(self, stack: str, present: Sequence[str]) -> None:
        there = f"there are: {', '.join(present)}" if present else "there is none yet"
        super().__init__(f"the backend has no stack {stack!r} ({there}); make it with `pulumi stack init {stack}`")


class LockedError(EngineError):
    """The stack is locked: `stale` says whether by a process that is gone."""

    def __init__(self, message: str, *, stale: bool) -> None:
        super().__init__(message)
        self.stale = stale
