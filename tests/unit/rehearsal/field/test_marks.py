"""Marks: what is refused of labels, taints and annotations, by whom."""

from typing import Any

import pytest

from rehearsal.field.facts import FieldFacts, MarkRow
from rehearsal.field.marks import marks
from tests.unit.rehearsal.field.field_cases import GPU_TAINT, deployment, job, pool

STRICT = FieldFacts(nodes="x", marks=(MarkRow(longest_key=20, empty_values=False, source="cloud"),))
PLAIN = FieldFacts(nodes="x")
LONG = "a" * 64


def judged(facts: FieldFacts = PLAIN, **parts: Any) -> list[tuple[str, str]]:
    return [(found.message, found.source.partition(",")[0]) for found in marks(deployment(facts, **parts))]


def of_pool(facts: FieldFacts = PLAIN, **parts: Any) -> list[str]:
    return [message for message, _ in judged(facts, pools=(pool(**parts),))]


def test_a_taint_is_there_once_for_each_effect() -> None:
    other = GPU_TAINT | {"value": "absent"}
    assert of_pool(taints=(GPU_TAINT, other)) == ["two taints of nvidia.com/gpu with NoSchedule"]
    assert of_pool(taints=(GPU_TAINT, other | {"effect": "NoExecute"})) == []


def test_the_cloud_may_be_stricter_than_kubernetes() -> None:
    marked = {"a-domain.example.com/name": "x", "short": ""}
    assert of_pool(labels=marked) == []
    assert of_pool(STRICT, labels=marked) == [
        "a-domain.example.com/name has more than 20 characters",
        "short has no value",
    ]
    assert of_pool(STRICT, taints=({"key": "b-domain.example.com/name", "effect": "NoSchedule"},)) == [
        "b-domain.example.com/name has more than 20 characters"
    ]


@pytest.mark.parametrize("key", [LONG, "-a", "a/", "/a", "A.b/c", "a..b/c", f"{'a' * 254}/c", "a/b/c", "a b"])
def test_a_key_has_kubernetes_form(key: str) -> None:
    assert of_pool(labels={key: "x"}) == [f"{key!r} is no key of a label, an annotation or a taint"]


@pytest.mark.parametrize("value", [LONG, "-a", "a.", "a b", "a/b", "é"])
def test_a_value_has_kubernetes_form(value: str) -> None:
    assert of_pool(labels={"a": value}) == [f"{value!r} of a is no label's value"]
    template = job()
    template["spec"]["template"]["metadata"] = {"labels": {"a": value}}
    assert judged(objects=(template,)) == [(f"{value!r} of a is no label's value", "kubernetes.io")]


def test_a_kubelet_sets_few_labels_of_kubernetes() -> None:
    assert of_pool(labels={"node.kubernetes.io/team": "x", "kubelet.kubernetes.io/team": "x"}) == []
    assert of_pool(labels={"node-role.kubernetes.io/team": "x", "k8s.io/team": "x"}) == [
        "a kubelet may not set node-role.kubernetes.io/team: no node joins",
        "a kubelet may not set k8s.io/team: no node joins",
    ]
    assert of_pool(labels={"k8s.io/team": "x"}, told={"cpu": "1"}) == [], "what nodes that are there have was taken"


def test_annotations_have_256_kib_together() -> None:
    def noted(size: int) -> dict[str, Any]:
        return {"kind": "Job", "metadata": {"name": "x", "annotations": {"a": "y" * size}}}

    assert judged(objects=(noted(2**18 - 1),)) == []
    assert judged(objects=(noted(2**18),)) == [(f"{2**18 + 1} bytes of annotations", "apimachinery/pkg/api/validation")]


def test_a_flavor_has_each_taint_once() -> None:
    flavor = {"kind": "ResourceFlavor", "metadata": {"name": "x"}, "spec": {"nodeTaints": [GPU_TAINT, GPU_TAINT]}}
    assert [message for message, _ in judged(objects=(flavor,))] == ["two taints of nvidia.com/gpu with NoSchedule"]
