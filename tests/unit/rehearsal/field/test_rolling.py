"""Roll or replace: the class of each changed field, and what was said before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.field.facts import ChangeRow, Effect, FieldFacts, PoolRow, VolatileRow
from rehearsal.field.rolling import changes, classify, rolling
from rehearsal.field.service_facts import RefreshRow
from tests.unit.rehearsal.field.field_cases import built, deployment, pool

ROWS = tuple(
    ChangeRow(resource="c:Group", path=path, effect=effect, source="the group's guide")
    for path, effect in (
        ("template.version", Effect.ROLLS),
        ("size", Effect.NOTHING),
        ("tags", Effect.NOTHING),
        ("machine*", Effect.REPLACES),
    )
)
FACTS = FieldFacts(
    nodes="aws",
    pools=(
        PoolRow(
            resource="c:Group", name="name", machine_type=("machine",), labels="labels", taints="taints",
            minimum="size.min", desired="size.min", maximum="size.max",
        ),
    ),
    changes=ROWS,
    volatile=(
        VolatileRow(
            resource="c:Template", path="tags", key="expires", followed_by=(("c:Group", "template.id"),), source="guide"
        ),
    ),
)  # fmt: skip
OLD = {"name": "train", "machine": "p5", "size": {"min": 1}, "template": {"id": "t", "version": 1}, "tags": {"a": "1"}}


def judged(new: dict[str, Any], announced: tuple[str, ...] = (), **pool_of: Any) -> list[str]:
    before = deployment(FACTS, resources=(built("c:Group", "g", OLD),))
    after = deployment(
        FACTS, resources=(built("c:Group", "g", {**OLD, **new}),), pools=(pool(**pool_of),), before=before,
        announced=announced,
    )  # fmt: skip
    return [found.message for found in rolling(after)]


@pytest.mark.parametrize("new", [{}, {"size": {"min": 4}}, {"tags": {"a": "2", "b": "3"}}])
def test_a_change_that_keeps_nodes_is_no_finding(new: dict[str, Any]) -> None:
    assert judged(new) == []


def test_a_new_template_rolls_accelerators_unannounced() -> None:
    found = judged({"template": {"id": "t", "version": 2}})
    assert "template.version 1 -> 2 rolls nodes: every node of train (p5.48xlarge) goes" in found[0]


def test_another_machine_type_replaces_the_pool() -> None:
    assert "machine p5 -> p4d replaces" in judged({"machine": "p4d"})[0]


def test_a_field_without_a_row_counts_as_one_that_replaces() -> None:
    assert "unheard" in judged({"unheard": True})[0]


def test_an_announced_roll_is_no_finding() -> None:
    new = {"template": {"id": "t", "version": 2}}
    assert judged(new, announced=("warning: this rolls the 2 nodes of train",)) == []
    assert len(judged(new, announced=("warning: this rolls the 2 nodes of trainer",))) == 1
    assert len(judged(new, announced=("warning: train may grow",))) == 1


def test_a_pool_without_accelerators_may_roll() -> None:
    assert judged({"template": {"id": "t", "version": 2}}, devices={}) == []


def test_the_first_deployment_changes_nothing() -> None:
    assert list(changes(deployment(FACTS, resources=(built("c:Group", "g", OLD),)))) == []


def test_a_date_in_a_template_that_a_group_follows_is_found() -> None:
    template = built("c:Template", "t", {"tags": {"team:expires": "2027-01-01", "Name": "t"}})
    group = built("c:Group", "g", OLD)
    found = list(rolling(deployment(FACTS, resources=(template, group))))
    assert [one.subject for one in found] == ["tags team:expires"]
    assert list(rolling(deployment(FACTS, resources=(template,)))) == []


@given(st.lists(st.sampled_from(["size", "min", "template", "version", "x"]), min_size=1, max_size=4))
def test_a_field_has_the_class_of_the_field_above_it(parts: list[str]) -> None:
    above = classify(ROWS, "c:Group", ".".join(parts))
    if above:
        assert classify(ROWS, "c:Group", ".".join([*parts, "deeper"])) == above
    assert classify(ROWS, "c:Other", ".".join(parts)) is None


@pytest.mark.parametrize(
    ("set_up", "words"),
    [
        ({}, "no refresh is set"),
        ({"refresh": {"least": 90}}, "some at a time"),
        ({"refresh": {"least": 90}, "most": 1}, ""),
        ({"refresh": {"least": 0}}, ""),
        ({"template": None}, ""),
    ],
)
def test_a_group_that_keeps_old_machines_or_ends_a_gang_each_time_is_found(set_up: dict[str, Any], words: str) -> None:
    row = RefreshRow(
        resource="c:Own", template="template", refresh="refresh", least="refresh.least", most="most", source="guide"
    )
    made = built("c:Own", "own", {"template": "t", "most": 2, **set_up})
    told = [one.message for one in rolling(deployment(FieldFacts(nodes="aws", refreshes=(row,)), resources=(made,)))]
    assert [words in one for one in told] == ([True] if words else [])


def test_a_group_is_announced_by_the_last_part_of_its_name() -> None:
    rows = (ChangeRow(resource="c:Own", path="template", effect=Effect.ROLLS, source="guide"),)
    facts = FieldFacts(nodes="aws", changes=rows)
    before = deployment(facts, resources=(built("c:Own", "aws-x-train", {"template": 1}),))
    for line, count in (("train: nodes roll", 0), ("serve: nodes roll", 1), ("x: nodes roll", 1), ("train: nodes", 1)):
        after = deployment(
            facts, resources=(built("c:Own", "aws-x-train", {"template": 2}),), before=before, announced=(line,)
        )
        assert len(list(rolling(after))) == count, line
