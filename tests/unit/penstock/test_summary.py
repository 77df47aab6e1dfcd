"""The end of a rehearsal as a user reads it."""

from dataclasses import replace
from pathlib import Path

import pytest

from penstock.summary import SHOWN_LINES, TITLE, details, row, verdict
from rehearsal.cycle import Phase, Rehearsal, Report
from rehearsal.places.place import AccountReport

UP = Phase(
    name="up again", created=10_000, updated=10_000, replaced=10_000, deleted=10_000, same=10_000, seconds=1234.5,
    problem="", simulated_min=1_000,
)  # fmt: skip
QUIET = replace(UP, created=3, updated=0, replaced=0, deleted=0, same=0, seconds=1.26, simulated_min=0)
ACCOUNT = AccountReport(
    requests_by_oracle={"botocore's model": 3}, requests_by_operation={}, uncovered=(), unused_faults=(), left=(),
    kept_on_purpose=(),
)  # fmt: skip
REPORT = Report(stack="dev", rehearsal=Rehearsal.CYCLE, phases=(QUIET, QUIET), kept=None)


def broken(problem: str, *words: str) -> Phase:
    return replace(QUIET, problem=problem, words=words)


def test_a_line_stands_under_its_title_in_80_columns() -> None:
    assert len(TITLE) <= 80
    assert len(row(replace(UP, problem="x"))) <= 80
    assert row(UP).index(" ok") + 3 == len(row(UP))
    for name in ("created", "replaced", "same", "time", "cloud"):
        end = TITLE.index(name) + len(name)
        assert row(UP)[end - 1] not in " "
        assert row(UP)[end : end + 1] == " "


def test_what_did_not_happen_is_blank() -> None:
    assert row(QUIET).split() == ["up", "again", "3", "1.3", "s", "ok"]


def test_verdicts_of_phases() -> None:
    assert row(broken("boom")).endswith("  FAILED")
    assert row(replace(broken("boom"), repeated=True)).endswith("  again")


def test_mistakes_are_told_in_full_and_a_traceback_by_its_end() -> None:
    mistakes = "\n".join(f"mistake {number}" for number in range(40))
    assert list(details(broken(mistakes), verbose=False)) == mistakes.splitlines()
    traceback = "Traceback (most recent call last):\n" + mistakes
    shown = list(details(broken(traceback), verbose=False))
    assert shown[0] == "(26 lines before; -v shows all)"
    assert shown[1:] == mistakes.splitlines()[-SHOWN_LINES:]
    assert list(details(broken(traceback), verbose=True)) == traceback.splitlines()


def test_a_programs_own_words_follow_its_failure() -> None:
    phase = broken("ended with exit code 1", *(f"line {number}" for number in range(20)))
    shown = list(details(phase, verbose=False))
    assert shown[:3] == ["ended with exit code 1", "the program printed:", "  (5 lines before; -v shows all)"]
    assert shown[-1] == "  line 19"
    assert list(details(phase, verbose=True)) == ["ended with exit code 1"]  # the others were shown as they came


def test_a_scripted_failure_is_told_by_its_fault() -> None:
    phase = replace(broken("the cloud's words", "noise"), repeated=True, faults=("engine killed at request 7",))
    assert list(details(phase, verbose=False)) == ["failed as scripted (engine killed at request 7); retrying"]


def test_known_findings_are_counted_and_shown_on_request() -> None:
    phase = replace(QUIET, expected=("reach, API server: private", "scaling, pool serve: stays at 1"))
    shown = list(details(phase, verbose=False))
    assert shown == ["2 known field findings (-v shows them; docs/field-rules.md)"]
    assert len(shown[0]) + 4 <= 80
    assert list(details(phase, verbose=True)) == [f"expected: {line}" for line in phase.expected]


def test_the_verdict_of_a_rehearsal_that_went_well() -> None:
    assert verdict(REPORT) == "OK: 2 phases did what they must; nothing is left (3 s)"
    assert verdict(replace(REPORT, phases=(QUIET,), deployed=True)) == (
        "OK: 1 phase did what it must; everything is still there (1 s)"
    )
    preview = replace(REPORT, rehearsal=Rehearsal.PREVIEW, phases=(replace(QUIET, simulated_min=9),))
    assert verdict(preview) == "OK: 1 phase did what it must; nothing was created (1 s, on the cloud about 9 min)"


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (replace(REPORT, phases=(QUIET, broken("mistake one\nmistake two"))), "up again: mistake one"),
        (replace(REPORT, phases=(broken("x\nTraceback (most ...\nKeyError: 'a'"),)), "up again: KeyError: 'a'"),
        (replace(REPORT, phases=(replace(broken("scripted"), repeated=True), broken("y"))), "up again: y"),
        (replace(REPORT, account=replace(ACCOUNT, left=("a", "b"))), "2 objects left in the account"),
        (replace(REPORT, account=replace(ACCOUNT, uncovered=("a",))), "1 resource type without an oracle"),
    ],
)
def test_the_verdict_of_one_that_failed_names_the_reason(report: Report, said: str) -> None:
    assert verdict(report).startswith(f"FAILED: {said} (")


def test_a_fault_that_was_retried_is_no_failure() -> None:
    phases = (replace(broken("x"), repeated=True), QUIET)
    assert verdict(replace(REPORT, phases=phases)) == (
        "OK: 1 phase did what it must, after 1 scripted failure; nothing is left (3 s)"
    )


def test_what_the_account_saw_is_told_line_by_line() -> None:
    seen = replace(ACCOUNT, unused_faults=("no capacity of p5.48xlarge",), left=("Vpc",), kept_on_purpose=("Bucket",))
    assert list(replace(REPORT, account=seen, kept=Path("x")).account_in_words()) == [
        "requests judged:",
        "     3 by botocore's model",
        "fault was never injected: no capacity of p5.48xlarge",
        "kept on purpose: Bucket",
        "LEFT in the account: Vpc",
    ]
