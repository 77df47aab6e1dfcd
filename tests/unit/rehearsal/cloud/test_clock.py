"""Simulated time: it stands while anything works, and jumps to the first deadline."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from rehearsal.cloud.clock import Clock


def test_waits_side_by_side_take_as_long_as_the_longest() -> None:
    clock = Clock(quiet_s=0.2)  # the four begin within it on a busy machine too
    ended: list[tuple[float, float]] = []

    def work(minutes: float) -> None:
        with clock.working():
            clock.wait(minutes)
            ended.append((minutes, clock.now_min))

    with ThreadPoolExecutor(max_workers=5) as pool:
        list(pool.map(work, (9.0, 3.0, 5.0, 3.0)))
    assert clock.now_min == 9.0
    assert sorted(ended) == [(3.0, 3.0), (3.0, 3.0), (5.0, 5.0), (9.0, 9.0)]


def test_waits_one_after_another_add_up() -> None:
    clock = Clock(now_min=10.0, quiet_s=0.001)
    with clock.working():
        clock.wait(9)
        clock.wait(3)
        clock.wait(0)
    assert clock.now_min == 22.0


def test_time_stands_while_anything_works() -> None:
    clock = Clock(quiet_s=0.001)
    done = threading.Event()

    def wait() -> None:
        with clock.working():
            clock.wait(1)
        done.set()

    with clock.working():
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.05)
        assert not done.is_set()
        assert clock.now_min == 0.0
    thread.join(timeout=10)
    assert done.is_set()
    assert clock.idle()
