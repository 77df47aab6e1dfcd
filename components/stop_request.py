"""A request to stop, from outside, that a program acts on between two steps."""

import signal
import time
from collections.abc import Iterable
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
POLL_S = 0.05


class StopRequest:
    """Turns signals into a flag.

    A plain flag and no threading.Event: a handler runs in the middle of what the main thread does, and Event.set in a
    handler that interrupts Event.wait takes a lock which its own thread holds, and waits for ever.
    """

    def __init__(self) -> None:
        self.requested = False

    def listen(self, numbers: Iterable[signal.Signals] = STOP_SIGNALS) -> None:
        """Sets the flag from now on, instead of ending the process."""
        for number in numbers:
            signal.signal(number, self._request)

    def wait(self, timeout_s: float) -> bool:
        """Tells whether a stop was requested, within `timeout_s` at the latest."""
        end = time.monotonic() + timeout_s
        while not self.requested and (left_s := end - time.monotonic()) > 0:
            time.sleep(min(left_s, POLL_S))
        return self.requested

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
