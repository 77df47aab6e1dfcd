"""A request to stop, from outside, that a training loop can act on between two steps."""

import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Turns SIGTERM and SIGINT into a flag."""

    def __init__(self) -> None:
        self.requested = False

    def listen(self) -> None:
        """From now on, set the flag instead of dying.

        Called after the process group is up: a Python handler cannot run while the process waits in a C++ rendezvous,
        so before that the default, which is to die at once, is the faster way to stop, and nothing is lost yet.
        """
        for number in STOP_SIGNALS:
            signal.signal(number, self._request)

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
