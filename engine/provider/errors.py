"""What the simulated pulumi-kubernetes tells the engine."""

from typing import Any

from components.errors import PenstockError


class ProviderError(PenstockError):
    """The operation was not done, and why."""


class UnfinishedError(PenstockError):
    """The object exists and is not what was asked. `state` is what the engine should keep of it."""

    def __init__(self, id: str, reasons: list[str], state: dict[str, Any]) -> None:  # noqa: A002 (the engine's own word)
        self.id = id
        self.reasons = reasons
        self.state = state
        super().__init__("; ".join(reasons))


class GoneError(PenstockError):
    """The cluster does not answer."""
