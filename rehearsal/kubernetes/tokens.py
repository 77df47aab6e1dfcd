"""Tokens that the simulated API server takes: those of a rehearsal itself, and those that a program has given out."""

import threading
from collections.abc import Callable
from pathlib import Path

LASTING = "lasting-"
"""Beginning of the tokens that stand for a certificate, which outlives a rehearsal."""


class Tokens:
    """`lasting` work for ever. One that was given out works for a while from its first use."""

    def __init__(self, *lasting: str, now_min: Callable[[], float]) -> None:
        self._lasting, self._now_min = frozenset(lasting), now_min
        self._place: Path | None = None
        self._life_min = 0.0
        self._first_min: dict[str, float] = {}
        self._lock = threading.Lock()

    def given_out(self, place: Path, life_min: float) -> None:
        """From now on, takes those in the file, one in each line, for `life_min` each."""
        self._place, self._life_min = place, life_min

    def takes(self, token: str) -> bool:
        if token in self._lasting or token.startswith(LASTING):
            return True
        with self._lock:
            if token not in self._first_min and token in self._known():
                self._first_min[token] = self._now_min()
            first_min = self._first_min.get(token)
        return first_min is not None and self._now_min() - first_min <= self._life_min

    def _known(self) -> list[str]:
        return self._place.read_text().split() if self._place and self._place.exists() else []
