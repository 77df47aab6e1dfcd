"""Faults of a script: how often each has met what it names, and how often it was injected."""

import threading
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase

from rehearsal.faults import FaultScript, RequestError, Times


class ScriptedFaults:
    """Bookkeeping that every fault injector shares. `injected` are the faults so far, in words."""

    def __init__(self, script: FaultScript) -> None:
        self.kill_engine: Callable[[], None] = lambda: None
        self.injected: list[str] = []
        self._script = script
        self._lock = threading.Lock()
        self._matched: Counter[int] = Counter()
        self._done: Counter[str] = Counter()

    def _refuses(self, index: int, error: RequestError, operation: str, name: str) -> bool:
        if not (fnmatchcase(operation, error.operation) and fnmatchcase(name, error.resource)):
            return False
        with self._lock:
            self._matched[index] += 1
            reached = self._matched[index] >= error.nth
        return reached and self._spend(f"error{index}", error.times)

    def _spend(self, fault: str, times: Times) -> bool:
        """Counts the fault. False where it has been injected as often as it may."""
        with self._lock:
            if times != "always" and self._done[fault] >= times:
                return False
            self._done[fault] += 1
            return True

    def _inject(self, what: str) -> None:
        with self._lock:
            self.injected.append(what)
