"""Environment and downward fields of a container."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lab.node.environment import MissingError, environment, expand, field, quantity, resource_field

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "labels": {"b": "2", "a": "1"}, "annotations": {"x.y/z": 'say "hi"'}},
    "spec": {"nodeName": "node-a"},
    "status": {"podIP": "10.88.1.2", "podIPs": [{"ip": "10.88.1.2"}]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$(B)", "$(B)"), ("$(A", "$(A"), ("$A $", "$A $"),
        ("$()", "$()"), ("a$(A)b$(A)", "a1b1"),
    ],
)  # fmt: skip
def test_references_are_expanded_as_a_kubelet_does(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "p"), ("spec.nodeName", "node-a"),
        ("status.podIP", "10.88.1.2"), ("status.podIPs", "10.88.1.2"),
        ("metadata.annotations['x.y/z']", 'say "hi"'), ("metadata.labels['none']", ""), ("spec.serviceAccountName", ""),
        ("metadata.labels", 'a="1"\nb="2"'), ("metadata.annotations", 'x.y/z="say \\"hi\\""'),
    ],
)  # fmt: skip
def test_fields_of_the_pod(path: str, expected: str) -> None:
    assert field(POD, path) == expected


def test_later_rows_win_and_refer_to_earlier_ones() -> None:
    secret = {"data": {"KEY": base64.b64encode(b"from secret").decode()}}
    container = {
        "envFrom": [{"secretRef": {"name": "s"}, "prefix": "P_"}, {"configMapRef": {"name": "none", "optional": True}}],
        "env": [
            {"name": "A", "value": "$(P_KEY)"},
            {"name": "P_KEY", "value": "own"},
            {"name": "B", "value": "$(P_KEY)"},
        ],
    }
    objects = {("Secret", "s"): secret, ("ConfigMap", "none"): None}

    env = environment(container, POD, objects, base={"PATH": "/bin"}, allocatable={})

    assert (env["A"], env["B"], env["PATH"], env["KUBERNETES_SERVICE_HOST"]) == (
        "from secret", "own", "/bin", "10.96.0.1")  # fmt: skip


@pytest.mark.parametrize(
    ("found", "message"), [(None, 'configmap "c" not found'), ({"data": {}}, "couldn't find key k in ConfigMap c")]
)
def test_what_is_missing_is_named(found: dict[str, Any] | None, message: str) -> None:
    container = {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]}

    with pytest.raises(MissingError, match=message):
        environment(container, POD, {("ConfigMap", "c"): found}, base={}, allocatable={})


def test_resources_are_rounded_up_and_default_to_the_node() -> None:
    container = {"resources": {"limits": {"memory": "1025Mi", "cpu": "1500m"}}}

    assert resource_field(container, "limits.memory", "1Gi", {}) == "2"
    assert resource_field(container, "limits.cpu", "1m", {}) == "1500"
    assert resource_field(container, "limits.cpu", "0", {}) == "2"
    assert resource_field(container, "requests.cpu", "1", {"cpu": "64"}) == "64"


def test_a_quantity_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'2GiB' is not a quantity"):
        quantity("2GiB")
