"""The watch of a rank that no longer moves; in processes that are forked for it, as it ends them."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from components.spec.training import GuardSpec, ModelSpec, TrainingSpec
from workloads.pretrain.train.watch import FIRST_S, JOIN_S, LEAST_STORAGE_S, HangWatch, Limits, RankPhase, hang_of

SHORT = Limits(dict.fromkeys(RankPhase, 0.3) | {RankPhase.SAVE: 60.0})


def run(body: Callable[[HangWatch], None], log: Path) -> int:
    """Exit code of a process with a watch, whose stderr is the log."""
    child = os.fork()
    if child == 0:
        with log.open("w") as sys.stderr:
            body(HangWatch(SHORT, log.parent))
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_phase_that_takes_too_long_ends_the_process_with_its_name(tmp_path: Path) -> None:
    def body(watch: HangWatch) -> None:
        watch.enter(RankPhase.RESTORE)
        time.sleep(30)

    assert run(body, tmp_path / "log") == 1
    assert hang_of(tmp_path / "log") == "model and checkpoint were not loaded within 0 s"
    assert "test_watch.py" in (tmp_path / "log").read_text(), "the stacks say where"


def before_any(_watch: HangWatch) -> None:
    time.sleep(0.8)


def paused(watch: HangWatch) -> None:
    watch.enter(RankPhase.STEP)
    watch.pause()
    time.sleep(0.8)


def saves(watch: HangWatch) -> None:
    watch.progress()
    with watch.inside(RankPhase.SAVE):
        time.sleep(0.8)


def steps(watch: HangWatch) -> None:
    watch.enter(RankPhase.FIRST_STEP)
    for _ in range(8):
        time.sleep(0.1)
        watch._armed = 0.0  # a second has passed
        watch.progress()


@pytest.mark.parametrize("body", [before_any, paused, saves, steps])
def test_what_is_allowed_goes_on(body: Callable[[HangWatch], None], tmp_path: Path) -> None:
    assert run(body, tmp_path / "log") == 0, (tmp_path / "log").read_text()


def test_after_what_was_allowed_the_phase_before_is_watched_again(tmp_path: Path) -> None:
    def body(watch: HangWatch) -> None:
        saves(watch)
        time.sleep(30)

    assert run(body, tmp_path / "log") == 1
    assert hang_of(tmp_path / "log") == "no step finished within 0 s"


def test_limits_follow_the_run() -> None:
    limits = Limits.of(TrainingSpec(guard=GuardSpec(hang_timeout_s=5))).seconds
    assert limits[RankPhase.STEP] == 5
    assert limits[RankPhase.JOIN] == JOIN_S
    assert limits[RankPhase.FIRST_STEP] == FIRST_S
    assert limits[RankPhase.SAVE] == LEAST_STORAGE_S
    large = ModelSpec(layers=32, width=4096, heads=32, kv_heads=8, mlp_width=14336, vocabulary=128256)
    assert Limits.of(TrainingSpec(model=large)).seconds[RankPhase.SAVE] > 2 * LEAST_STORAGE_S
    assert set(limits) == set(RankPhase)


def test_a_log_without_a_hang_has_none(tmp_path: Path) -> None:
    assert hang_of(tmp_path / "no-log") == ""
    (tmp_path / "log").write_text("Traceback ...\n")
    assert hang_of(tmp_path / "log") == ""
    (tmp_path / "log").write_text("Timeout (0:05:00)!\nThread ...\n")
    assert hang_of(tmp_path / "log") == "it no longer moved"
