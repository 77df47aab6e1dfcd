"""Findings against the list of those that are known, and the judge that tells each once."""

from dataclasses import replace

import pytest

from engine.state import Resource, StackState
from rehearsal.field.deployed import Finding
from rehearsal.field.expected import ExpectedFinding, compare, expected_findings
from rehearsal.field.judge import FieldJudge, facts_of

FOUND = Finding(rule="scaling", subject="pool serve", message="stays at 1", source="a guide")
ROW = ExpectedFinding(
    rule="scaling", subject="pool *", stacks=("dev",), reason="no autoscaler", mended_by="the autoscaler's issue"
)
ANYWHERE = ExpectedFinding(
    rule="scaling", subject="pool serve", stacks=(), reason="no autoscaler", mended_by="x", anywhere=True,
    says="stays at *",
)  # fmt: skip


def test_a_finding_on_the_list_is_expected() -> None:
    verdict = compare([FOUND], "dev", [ROW], in_full=True)
    assert verdict.wrong == ()
    assert verdict.expected == (
        "scaling, pool serve: stays at 1; no autoscaler (to be mended by: the autoscaler's issue)",
    )


@pytest.mark.parametrize(
    ("stack", "finding"),
    [
        ("prod", FOUND),
        ("dev", Finding(rule="reach", subject="pool serve", message="m", source="s")),
        ("dev", Finding(rule="scaling", subject="replicas", message="m", source="s")),
    ],
)
def test_a_finding_of_another_stack_rule_or_subject_is_wrong(stack: str, finding: Finding) -> None:
    verdict = compare([finding], stack, [ROW], in_full=False)
    assert verdict.expected == ()
    assert verdict.wrong == (f"{finding.rule}, {finding.subject}: {finding.message} [{finding.source}]",)


def test_a_finding_that_says_something_else_is_wrong() -> None:
    row = replace(ROW, says="stays at *")
    assert compare([FOUND], "dev", [row], in_full=True).wrong == ()
    other = replace(FOUND, message="has no room")
    assert compare([other], "dev", [row], in_full=False).wrong == ("scaling, pool serve: has no room [a guide]",)


def test_a_row_that_is_no_longer_found_is_wrong_in_a_full_rehearsal() -> None:
    assert "no longer found" in compare([], "dev", [ROW], in_full=True).wrong[0]
    assert compare([], "dev", [ROW], in_full=False).wrong == ()
    assert compare([], "prod", [ROW], in_full=True).wrong == ()


def test_a_row_for_anywhere_is_taken_and_not_demanded() -> None:
    assert compare([FOUND], "mine", [ANYWHERE], in_full=True).wrong == ()
    assert compare([], "mine", [ANYWHERE], in_full=True).wrong == ()


@pytest.mark.parametrize("says", ["", "*", "**", " * "])
def test_a_row_for_anywhere_that_takes_every_message_is_refused(says: str) -> None:
    """It would hide another fault of the same rule and subject, in everybody's stacks."""
    with pytest.raises(ValueError, match="scaling, pool serve: anywhere = true needs `says`"):
        replace(ANYWHERE, says=says)


def test_nothing_is_expected_any_more() -> None:
    """A new row has to be told here, with its reason."""
    assert expected_findings() == ()


def resource(kind: str, name: str, inputs: dict[str, object]) -> Resource:
    return Resource(
        urn=f"urn:pulumi:dev::p::{kind}::{name}", type=kind, id=name, inputs=inputs, outputs={}, init_errors=(),
        retained=False,
    )  # fmt: skip


EMPTY = StackState(resources=(), pending=())
GROUP = resource(
    "aws:eks/nodeGroup:NodeGroup", "g",
    {"nodeGroupName": "spare", "releaseVersion": "r", "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 2}},
)  # fmt: skip
GROWING = StackState(resources=(GROUP,), pending=())


def test_a_finding_is_told_once() -> None:
    judge = FieldJudge(facts_of("aws"), "dev", shipped=False)
    assert "scaling, pool spare" in judge.judge(EMPTY, GROWING, ()).wrong[0]
    assert judge.judge(GROWING, GROWING, ()).wrong == ()


def test_findings_of_one_subject_are_told_by_their_messages() -> None:
    named = {
        "containers": [{"name": one, "image": f"123456789012.dkr.ecr.us-east-2.amazonaws.com/{one}:1"} for one in "ab"]
    }
    pod = resource("kubernetes:core/v1:Pod", "p", {"apiVersion": "v1", "kind": "Pod", "spec": named})
    state = StackState(resources=(pod,), pending=())
    wrong = FieldJudge(facts_of("aws"), "dev", shipped=False).judge(EMPTY, state, ()).wrong
    assert len([line for line in wrong if line.startswith("images, right to pull: ")]) == 2


def test_a_shipped_stack_must_have_what_is_expected_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.field.judge.expected_findings", lambda: (replace(ROW, stacks=("aws-prod",)),))
    wrong = FieldJudge(facts_of("aws"), "aws-prod", shipped=True).judge(EMPTY, EMPTY, ()).wrong
    assert any("no longer found" in line for line in wrong)
    assert FieldJudge(facts_of("aws"), "aws-prod", shipped=False).judge(EMPTY, EMPTY, ()).wrong == ()


def test_a_change_is_judged_against_the_state_before_it() -> None:
    def state(version: str) -> StackState:
        template: dict[str, object] = {"instanceType": "p5.48xlarge"}
        group: dict[str, object] = {
            "nodeGroupName": "train",
            "releaseVersion": "r",
            "launchTemplate": {"id": "lt", "version": version},
        }
        made = resource("aws:ec2/launchTemplate:LaunchTemplate", "lt", template)
        return StackState(resources=(made, resource("aws:eks/nodeGroup:NodeGroup", "g", group)), pending=())

    judge = FieldJudge(facts_of("aws"), "dev", shipped=False)
    assert judge.judge(EMPTY, state("1"), ()).wrong == ()
    assert judge.judge(state("1"), state("2"), ("this rolls train",)).wrong == ()
    assert "rolling, pool train: launchTemplate.version 1 -> 2" in judge.judge(state("1"), state("2"), ()).wrong[0]


def test_a_stack_that_was_up_before_need_not_have_all() -> None:
    other = StackState(resources=(resource("aws:ec2/vpc:Vpc", "v", {}),), pending=())
    assert FieldJudge(facts_of("aws"), "aws-dev", shipped=True).judge(other, other, ()).wrong == ()


def test_a_cloud_without_facts_is_not_judged() -> None:
    assert facts_of("local") is None
    assert facts_of("no such cloud") is None
    assert FieldJudge(None, "dev", shipped=True).judge(EMPTY, GROWING, ()).wrong == ()
