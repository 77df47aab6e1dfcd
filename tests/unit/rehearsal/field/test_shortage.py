"""Shortage: groups that fail with their first machines, and fallbacks that nothing turns to."""

from dataclasses import replace
from typing import Any

import pytest

from rehearsal.field.facts import AutoscalerRow, FieldFacts, PoolRow
from rehearsal.field.shortage import shortage
from tests.unit.rehearsal.field.field_cases import built, chart, deployment, pool

FACTS = FieldFacts(
    nodes="aws",
    pools=(
        PoolRow(
            resource="c:Group", name="name", machine_type=("type",), labels="labels", taints="taints", minimum="least",
            desired="size", maximum="most", given_up="guide",
        ),
    ),
    autoscalers=(
        AutoscalerRow(
            chart="scaler", source="readme", right="c:Identity", account="account", role="role", policy="c:Policy",
            policy_role="role", policy_actions="allows", expander="expander", priorities="priorities",
            balances="balances", notices_by="groups:activities", fallback_source="source",
        ),
    ),
)  # fmt: skip
RIGHTS = (
    built("c:Role", "r", outputs={"arn": "arn:r"}),
    built("c:Policy", "p", {"role": "r", "allows": ["groups:activities"]}),
    built("c:Identity", "i", {"account": "scaler", "role": "arn:r"}),
)
SPOT = pool("train", minimum=0, groups=("eks-train-1",), labels={"pool": "a", "paid": "spot"}, spare=True)
LIST = replace(SPOT, name="train-list", groups=("eks-train-list-1",), labels={"pool": "a", "paid": "list"}, spare=False)
ORDER: dict[str, Any] = {"expander": "priority", "priorities": {"50": ["^eks-train-1$"], "10": [".*"]}}


def judged(*pools: Any, values: dict[str, Any] = ORDER, **parts: Any) -> list[str]:
    given = {"pools": pools, "charts": (chart("scaler", **values),), "resources": RIGHTS, **parts}
    return [one.message for one in shortage(deployment(FACTS, **given))]


def group(**more: Any) -> Any:
    return built("c:Group", "stack-train", {"name": "train", "size": 2}, **more)


def test_a_group_of_accelerators_that_is_made_with_nodes_is_found() -> None:
    (found,) = judged(pool(), resources=(group(),))
    assert found.startswith("train is made with 2 nodes: where their machines are not to be had the group fails")
    assert judged(pool(), resources=(group(asked={"name": "train", "size": 0}),)) == [], "made empty, and sized later"
    assert judged(pool(devices={}), resources=(group(),)) == [], "what everybody has is not looked at"


def test_a_group_that_was_there_or_was_told_of_is_no_news() -> None:
    assert judged(pool(), resources=(group(),), before=deployment(FACTS)) == []
    told = "train: made with its 2 nodes; where there are none `up` fails"
    assert judged(pool(), resources=(group(),), announced=(told,)) == []
    assert len(judged(pool(), resources=(group(),), announced=("train-2: `up` fails",))) == 1


def test_a_fallback_that_comes_second_is_fine() -> None:
    assert judged(SPOT, LIST) == []


@pytest.mark.parametrize(
    ("spot", "values", "message"),
    [
        (replace(SPOT, minimum=2), ORDER, "may not take train below 2 nodes"),
        (SPOT, {}, "takes train-list as soon as train"),
        (SPOT, ORDER | {"expander": "least-waste,priority"}, "takes train-list as soon as train"),
        (SPOT, ORDER | {"priorities": {"50": ["^eks-train-"], "10": [".*"]}}, "takes train-list as soon as train"),
        (SPOT, ORDER | {"priorities": {"50": ["^eks-other$"]}}, "takes train-list as soon as train"),
        (replace(SPOT, labels=LIST.labels), ORDER | {"balances": True}, "spreads nodes over train and train-list"),
    ],
)
def test_a_fallback_that_is_not_turned_to_or_comes_first_is_found(
    spot: Any, values: dict[str, Any], message: str
) -> None:
    (found,) = judged(spot, LIST, values=values)
    assert message in found


def test_an_autoscaler_that_is_not_told_of_a_shortage_is_found() -> None:
    blind = (RIGHTS[0], built("c:Policy", "p", {"role": "r", "allows": ["groups:see"]}), RIGHTS[2])
    (found,) = judged(SPOT, LIST, resources=blind)
    assert "is not allowed groups:activities" in found


def test_pools_of_their_own_stand_in_for_nobody() -> None:
    other = {"pool": "b", "paid": "list"}
    assert judged(SPOT, replace(LIST, labels=other), values={}) == []
    assert judged(SPOT, replace(LIST, minimum=1), values={}) == []
