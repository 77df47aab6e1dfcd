"""Figures: which times are trusted, and what a ratio is of."""

import time

import pytest

from bench.figures import Figure, Timing, alternate_runs, show
from bench.load import BUSY_PER_CORE, BUSY_PRESSURE, BUSY_SHARE, OfferedLoad, watched


def test_a_quiet_machine_has_nothing_against_its_figures() -> None:
    assert OfferedLoad(per_core=BUSY_PER_CORE, pressure=BUSY_PRESSURE, others=BUSY_SHARE).busy == ""


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (OfferedLoad(per_core=4.2, pressure=0.0), "load 4.2 per core before"),
        (OfferedLoad(per_core=0.0, pressure=60.0), "60 % pressure before"),
        (OfferedLoad(per_core=0.0, pressure=0.0, others=0.4), "others used 40% of the cores"),
    ],
)
def test_each_kind_of_load_is_named(load: OfferedLoad, reason: str) -> None:
    assert load.busy == reason


def test_own_work_is_not_that_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter((10.0, 10.0 + 3.0))
    own = iter((1.0, 1.0 + 2.5))
    monkeypatch.setattr("bench.load._used_s", lambda: next(used))
    monkeypatch.setattr("bench.load.own_s", lambda: next(own))
    monkeypatch.setattr("bench.load._cores", lambda: 2)
    now = iter((0.0, 1.0))
    monkeypatch.setattr("bench.load.time.perf_counter", lambda: next(now))
    with watched() as load:
        pass
    assert load.others == pytest.approx((3.0 - 2.5) / 2)


def test_a_busy_machine_meets_no_goal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    figures = [Figure(what="within", value=1.0, at_most=2.0)]
    show("quiet", figures)
    assert "yes" in capsys.readouterr().out
    show("loud", figures, "load 4.2 per core before")
    out = capsys.readouterr().out
    assert "loud: taken on a busy machine (load 4.2 per core before)" in " ".join(out.split())
    assert "yes" not in out


def test_a_ratio_tells_both_times_of_both() -> None:
    figure = Timing(wall_s=3.0, processor_s=2.0).against(Timing(wall_s=2.0, processor_s=1.0), "a / b", at_most=1.3)
    assert (figure.value, figure.met) == (1.5, "no")
    assert (
        figure.note
        == "3.00 s (2.00 s of processor time) against 2.00 s (1.00 s of processor time); 2.00x by processor time"
    )


def test_runs_are_taken_in_turn_and_waiting_is_no_processor_time() -> None:
    order: list[str] = []

    def wait() -> None:
        order.append("wait")
        time.sleep(0.05)

    waited, _ = alternate_runs(wait, lambda: order.append("none"), rounds=3)
    assert order == ["wait", "none"] * 3
    assert waited.processor_s < waited.wall_s
