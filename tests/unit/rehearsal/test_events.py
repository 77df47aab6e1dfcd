"""Lines of the engine's event log. The lines are as pulumi 3.259 wrote them, shortened."""

import json

import pytest

from engine.events import Diagnostic, EventPhase, ResourceStep, Summary, parse_event
from engine.process import Result

URN = "urn:pulumi:dev::tiny::tiny:index:Folder$tiny:index:File::file"


def step(kind: str, op: str, **metadata: object) -> str:
    body = {"metadata": {"op": op, "urn": URN, "type": "tiny:index:File", "old": None, "new": None} | metadata}
    return json.dumps({"sequence": 7, "timestamp": 1795363210, kind: body})


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("resourcePreEvent", EventPhase.STARTED),
        ("resOutputsEvent", EventPhase.FINISHED),
        ("resOpFailedEvent", EventPhase.FAILED),
    ],
)
def test_steps(kind: str, phase: EventPhase) -> None:
    event = parse_event(step(kind, "update", diffs=["text"], detailedDiff={"mode": {"diffKind": "update"}}))
    assert event == ResourceStep(
        phase=phase, op="update", urn=URN, type="tiny:index:File", changed=("mode", "text"), planning=False
    )
    assert event.name == "file"


def test_a_step_without_differences() -> None:
    event = parse_event(step("resourcePreEvent", "same", diffs=None, detailedDiff=None))
    assert isinstance(event, ResourceStep)
    assert event.changed == ()


def test_messages() -> None:
    line = json.dumps({"diagnosticEvent": {"urn": URN, "message": "lost\n", "severity": "error", "color": "never"}})
    assert parse_event(line) == Diagnostic(severity="error", message="lost", urn=URN, ephemeral=False)
    assert parse_event(json.dumps({"errorEvent": {"error": "no"}})) == Diagnostic(severity="error", message="no")


@pytest.mark.parametrize(("level", "severity"), [("mandatory", "error"), ("advisory", "warning")])
def test_a_policys_verdict(level: str, severity: str) -> None:
    body = {"resourceUrn": URN, "message": "files leak\nit is open; close it\n", "policyName": "closed"}
    event = parse_event(json.dumps({"policyEvent": body | {"enforcementLevel": level}}))
    message = "file: it is open; close it (policy closed: files leak)"
    assert event == Diagnostic(severity=severity, message=message, urn=URN)


@pytest.mark.parametrize("last", ["preview failed", "an unhandled error occurred: the program ended with exit code 1"])
def test_the_engines_last_word_counts_only_where_there_is_no_other(last: str) -> None:
    both = [json.dumps({"diagnosticEvent": {"message": text, "severity": "error"}}) for text in ("lost", last)]
    assert result(*both, returncode=255).errors == ("lost",)
    assert result(both[1], returncode=255).errors == (last,)


def test_a_programs_words_are_what_it_printed_to_stderr() -> None:
    lines = [("info#err", "one\ntwo"), ("info", "three"), ("error", "four"), ("info#err", "five")]
    printed = [json.dumps({"diagnosticEvent": {"message": text, "severity": kind}}) for kind, text in lines]
    assert result(*printed, returncode=255).words == ("one", "two", "five")


def test_the_summary() -> None:
    line = json.dumps(
        {"summaryEvent": {"durationSeconds": 3, "resourceChanges": {"same": 2, "create": 1}, "result": "ok"}}
    )
    assert parse_event(line) == Summary(result="ok", seconds=3, changes={"same": 2, "create": 1})
    nothing = parse_event(json.dumps({"summaryEvent": {"durationSeconds": 0, "resourceChanges": None}}))
    assert nothing == Summary(result="", seconds=0, changes={})


def test_what_nothing_needs_is_passed_over() -> None:
    assert parse_event(json.dumps({"sequence": 0, "preludeEvent": {"config": {}}})) is None


def result(*lines: str, returncode: int = 0, output: str = "") -> Result:
    events = tuple(event for line in lines if (event := parse_event(line)))
    return Result(command=(), returncode=returncode, output=output, events=events, seconds=1, interrupted=False)


def test_what_changed() -> None:
    summary = json.dumps(
        {"summaryEvent": {"durationSeconds": 3, "resourceChanges": {"same": 2, "read": 1, "update": 1}}}
    )
    over = result(step("resourcePreEvent", "update"), step("resOutputsEvent", "update"), summary)
    assert over.changed == {"update": 1}
    assert [changed.op for changed in over.changing_steps] == ["update"]


def test_a_failure_without_a_message_shows_what_was_printed_last() -> None:
    assert result(returncode=255, output="a\nb\n\nc\nd\n").errors == ("b", "c", "d")
    assert result(output="fine\n").errors == ()
