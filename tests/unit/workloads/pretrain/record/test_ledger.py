"""The ledger against sums done by hand."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.pretrain.record.ledger import EventKind, Ledger, TimeAccount, summarize
from workloads.pretrain.record.metrics import PrometheusMetrics


def write(path: Path, *lines: tuple[float, EventKind, int | None]) -> Path:
    text = [
        json.dumps({"time": t, "kind": kind, "step": step, "attempt": 0 if kind is EventKind.START else 1})
        for t, kind, step in lines
    ]
    path.write_text("".join(f"{line}\n" for line in text))
    return path


def test_a_quiet_run(tmp_path: Path) -> None:
    ledger = write(
        tmp_path / "ledger",
        (0, EventKind.START, None),
        (10, EventKind.TRAIN, 0),
        (50, EventKind.CHECKPOINT, 40),
        (51, EventKind.TRAIN, 40),
        (91, EventKind.STOPPED, 80),
    )
    goodput = summarize(ledger)
    assert goodput.seconds == {EventKind.START: 10, EventKind.TRAIN: 80, EventKind.CHECKPOINT: 1, EventKind.STOPPED: 0}
    assert goodput.share == pytest.approx(80 / 91)
    assert (goodput.restarts, goodput.lost_steps) == (0, 0)


def test_steps_that_wait_for_their_data_count_as_data(tmp_path: Path) -> None:
    lines: list[tuple[int, str, int | None, float]] = [
        (0, "train", 0, 0.0),
        (40, "train", 40, 8.0),
        (60, "checkpoint", 60, 5.0),
        (61, "train", 60, 0.0),
    ]
    lines += [(71, "restart", None, 0.0), (75, "train", 30, 0.0), (80, "stopped", 40, 0.0)]
    text = [{"time": t, "kind": kind, "step": step, "attempt": 1, "dataS": waited} for t, kind, step, waited in lines]
    (tmp_path / "ledger").write_text("".join(json.dumps(line) + "\n" for line in text))
    seconds = summarize(tmp_path / "ledger").seconds
    assert seconds[EventKind.DATA] == 13
    assert sum(seconds.values()) == pytest.approx(80), "no second counts twice"
    assert seconds[EventKind.LOST] == pytest.approx(32 / 4 + 15 + 10), "and none of the wait is lost training"


def test_a_ledger_keeps_what_steps_have_waited(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger", attempt=1)
    ledger.train(1)
    for step in (2, 3):
        ledger.train(step, data_s=0.25)
    ledger.enter(EventKind.CHECKPOINT, 3)
    ledger.enter(EventKind.TRAIN, 3)
    lines = [json.loads(line) for line in (tmp_path / "ledger").read_text().splitlines()]
    assert [line.get("dataS") for line in lines] == [None, 0.5, None]


def test_a_lost_worker_costs_the_steps_since_the_checkpoint_and_the_gap(tmp_path: Path) -> None:
    """Checkpoint at 40; killed 20 s later; 5 s to train again, from 40."""
    ledger = write(
        tmp_path / "ledger",
        (0, EventKind.TRAIN, 0),
        (40, EventKind.CHECKPOINT, 40),
        (41, EventKind.TRAIN, 40),
        (51, EventKind.TRAIN, 50),
        (61, EventKind.RESTART, None),
        (62, EventKind.RESTART, None),
        (66, EventKind.TRAIN, 40),
        (106, EventKind.STOPPED, 80),
    )
    goodput = summarize(ledger)
    assert goodput.seconds[EventKind.TRAIN] == pytest.approx(80)
    assert goodput.seconds[EventKind.LOST] == pytest.approx(20)
    assert goodput.seconds[EventKind.RESTART] == 5
    assert goodput.share == pytest.approx(80 / 106)
    assert (goodput.restarts, goodput.lost_steps) == (1, 10)


def test_steps_that_only_the_metrics_saw_are_lost_too(tmp_path: Path) -> None:
    ledger = write(
        tmp_path / "ledger", (0, EventKind.TRAIN, 0), (10, EventKind.RESTART, None), (12, EventKind.TRAIN, 0)
    )
    lines = ledger.read_text().splitlines()
    lines[2] = json.dumps(json.loads(lines[2]) | {"reached": 7})
    ledger.write_text("\n".join(lines) + "\n")
    assert summarize(ledger, until=20).lost_steps == 7


def test_a_killed_agent_is_time_down_from_the_last_sign_of_life(tmp_path: Path) -> None:
    ledger = write(
        tmp_path / "ledger",
        (0, EventKind.TRAIN, 0),
        (10, EventKind.TRAIN, 10),
        (100, EventKind.START, None),
        (105, EventKind.TRAIN, 5),
        (120, EventKind.STOPPED, 20),
    )
    goodput = summarize(ledger)
    assert goodput.seconds[EventKind.DOWN] == 90
    assert goodput.seconds[EventKind.LOST] == pytest.approx(5)
    assert goodput.seconds[EventKind.TRAIN] == pytest.approx(5 + 15)
    assert (goodput.restarts, goodput.lost_steps) == (1, 5)


def test_waiting_for_a_step_that_never_ends_is_no_training(tmp_path: Path) -> None:
    path = write(tmp_path / "ledger", (0, EventKind.TRAIN, 0), (20, EventKind.TRAIN, 20))
    with path.open("a") as stream:
        for line in (
            {"time": 320, "kind": EventKind.RESTART, "step": None, "cause": EventKind.HANG},
            {"time": 330, "kind": EventKind.TRAIN, "step": 20},
            {"time": 340, "kind": EventKind.STOPPED, "step": 30},
        ):
            stream.write(json.dumps(line | {"attempt": 1}) + "\n")
    goodput = summarize(path)
    assert goodput.seconds[EventKind.HANG] == 300
    assert goodput.seconds[EventKind.TRAIN] == 30
    assert goodput.shares == pytest.approx({"hang": 300 / 340, "restart": 10 / 340, "train": 30 / 340})
    assert goodput.restarts == 1


def test_sums_kept_beside_the_file_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    account = TimeAccount()
    ledger = Ledger(path, 1, account)
    for kind, step in ((EventKind.TRAIN, 0), (EventKind.CHECKPOINT, 5), (EventKind.TRAIN, 5), (EventKind.STOPPED, 9)):
        ledger.enter(kind, step)
    assert account.goodput() == summarize(path)
    assert account.goodput().steps == 9


def test_prometheus_tells_the_time_by_cause(tmp_path: Path) -> None:
    path = write(tmp_path / "ledger", (0, EventKind.START, None), (10, EventKind.TRAIN, 0), (40, EventKind.STOPPED, 30))
    metrics = PrometheusMetrics(tmp_path / "metrics.prom")
    metrics.account(summarize(path), tokens_per_step=100)
    metrics.write(now=True)
    told = (tmp_path / "metrics.prom").read_text()
    for line in (
        "penstock_goodput_share 0.75",
        'penstock_run_seconds{cause="start"} 10.0',
        'penstock_run_seconds{cause="train"} 30.0',
        "penstock_lost_steps 0.0",
        "penstock_trained_tokens 3000.0",
    ):
        assert f"{line}\n" in told


def test_workers_that_start_after_preparing_were_not_down(tmp_path: Path) -> None:
    ledger = write(tmp_path / "ledger", (0, EventKind.START, None), (5, EventKind.PREPARE, None))
    by_worker = {"kind": EventKind.START, "step": None, "attempt": 1}
    with ledger.open("a") as stream:
        stream.write("".join(json.dumps(by_worker | {"time": time}) + "\n" for time in (10, 12)))
    goodput = summarize(ledger)
    assert (goodput.seconds[EventKind.START], goodput.seconds[EventKind.PREPARE]) == (7, 5)
    assert EventKind.DOWN not in goodput.seconds
    assert goodput.restarts == 0


def test_time_stopped_on_request_is_not_held_against_the_run(tmp_path: Path) -> None:
    ledger = write(
        tmp_path / "ledger",
        (0, EventKind.TRAIN, 0),
        (10, EventKind.STOPPED, 10),
        (1000, EventKind.START, None),
        (1010, EventKind.TRAIN, 10),
        (1020, EventKind.STOPPED, 20),
    )
    goodput = summarize(ledger)
    assert goodput.share == pytest.approx(20 / 30)
    assert goodput.restarts == 0


def test_a_last_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    ledger = write(tmp_path / "ledger", (0, EventKind.TRAIN, 0), (10, EventKind.STOPPED, 10))
    with ledger.open("a") as stream:
        stream.write('{"time": 1')
    assert summarize(ledger).seconds[EventKind.TRAIN] == 10


def test_training_repeats_its_line_seldom(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger", attempt=1)
    for step in range(100):
        ledger.train(step)
    assert len((tmp_path / "ledger").read_text().splitlines()) == 1


STEP_S = 2.0
GAP_S = 7.0


@settings(deadline=None)
@given(every=st.integers(1, 20), kills=st.lists(st.integers(1, 60), max_size=6))
def test_every_second_is_counted_once_and_each_lost_step_costs_a_step(
    tmp_path_factory: pytest.TempPathFactory, every: int, kills: list[int]
) -> None:
    """Steps of equal length, a kill after so many steps each: the closed form."""
    lines: list[tuple[float, EventKind, int | None]] = []
    now, saved, lost = 0.0, 0, 0
    for steps in [*kills, 10]:
        lines.append((now, EventKind.TRAIN, saved))
        for step in range(saved + 1, saved + steps + 1):
            now += STEP_S
            if step % every == 0:
                lines += [(now, EventKind.CHECKPOINT, step), (now, EventKind.TRAIN, step)]
        reached = saved + steps
        lines.append((now, EventKind.TRAIN, reached))
        safe = max(saved, reached // every * every)
        lines.append((now, EventKind.RESTART, None))
        lost, saved, now = lost + reached - safe, safe, now + GAP_S
    goodput = summarize(write(tmp_path_factory.mktemp("ledger") / "l", *lines, (now, EventKind.TRAIN, saved)))
    assert goodput.lost_steps == lost
    assert goodput.restarts == len(kills) + 1
    assert goodput.seconds.get(EventKind.LOST, 0.0) == pytest.approx(lost * STEP_S)
    assert goodput.seconds[EventKind.TRAIN] == pytest.approx(saved * STEP_S)
    assert goodput.seconds[EventKind.RESTART] == pytest.approx(GAP_S * (len(kills) + 1))
    assert sum(goodput.seconds.values()) == pytest.approx(now)


def test_a_run_that_has_not_begun_has_spent_nothing(tmp_path: Path) -> None:
    goodput = summarize(tmp_path / "ledger.jsonl")
    assert (goodput.share, goodput.restarts, goodput.lost_steps) == (1.0, 0, 0)
