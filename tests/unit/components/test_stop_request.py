"""A request to stop that arrives at the worst moment."""

import os
import signal
import threading
import time

import pytest

from components.stop_request import StopRequest


@pytest.fixture
def request_to_stop() -> StopRequest:
    return StopRequest()


def test_a_signal_sets_the_flag_and_the_process_lives(request_to_stop: StopRequest) -> None:
    before = signal.getsignal(signal.SIGUSR1)
    try:
        request_to_stop.listen([signal.SIGUSR1])
        assert not request_to_stop.wait(0.0)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert request_to_stop.wait(5.0)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_wait_ends_without_a_request(request_to_stop: StopRequest) -> None:
    assert not request_to_stop.wait(0.01)


def test_signals_during_waits_never_block_the_process(request_to_stop: StopRequest) -> None:
    """Of some thousand signals many interrupt a wait; with an Event one of the first blocks for ever."""
    before, sent = signal.getsignal(signal.SIGUSR1), 0
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.00005)

    try:
        request_to_stop.listen([signal.SIGUSR1])
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        for _ in range(20_000):
            request_to_stop.wait(0.000001)
            sent += request_to_stop.requested
            request_to_stop.requested = False
    finally:
        over.set()
        sender.join()
        signal.signal(signal.SIGUSR1, before)
    assert sent > 100
