"""Errors that a provider answers the engine with."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.errors import PenstockError


class ProviderError(PenstockError):
    """The operation was not done, and why."""


class UnfinishedError(PenstockError):
    """The resource exists and is not what was asked. The engine keeps it and asks again at the next `up`."""

    def __init__(self, reasons: Sequence[str], outputs: Mapping[str, Any], *, id: str = "") -> None:  # noqa: A002
        """`id`: the resource's own, where that is not its name."""
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)
        self.outputs = outputs
        self.id = id


class GoneError(PenstockError):
    """The cluster does not answer."""
