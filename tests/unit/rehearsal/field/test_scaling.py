"""Scaling: pools and replicas that wait for growth, and autoscalers without a right to it."""

from typing import Any

import pytest

from rehearsal.field.facts import AutoscalerRow, FieldFacts, ServedRow
from rehearsal.field.scaling import scaling, served
from tests.unit.rehearsal.field.field_cases import GPU_TOLERATION, built, chart, deployment, pool

FACTS = FieldFacts(
    nodes="aws",
    autoscalers=(
        AutoscalerRow(
            chart="cluster-autoscaler", needs=("cluster", "groups"), right="c:Identity", account="account", role="role",
            account_value="account.name", account_pattern="scaler", policy="c:Policy", policy_role="role",
            policy_actions="allows", actions=("groups:resize",), finds_by="tags", tag="c:Tag", tag_group="group",
            tag_key="key", tagged_by_cloud=("cloud/",), device_tag="device/", devices_known=("nvidia.com/gpu",),
            awaits={"nvidia.com/gpu": "waits"}, source="guide",
        ),
    ),
    served=(ServedRow(kind="NetworkPolicy", chart="cni", switch="policies", effect="all is open", source="guide"),),
)  # fmt: skip
ROLE = built("c:Role", "r", outputs={"arn": "arn:r"})
POLICY = built("c:Policy", "p", {"role": "r", "allows": ["groups:see", "groups:resize"]})
IDENTITY = built("c:Identity", "i", {"account": "cluster-autoscaler", "role": "arn:r"})
RIGHTS = (ROLE, POLICY, IDENTITY)
TAG = built("c:Tag", "t", {"group": "g", "key": "grows"})
SCALER = chart("cluster-autoscaler", cluster="here", tags=["grows", "cloud/here"])
SPEC = {
    "tolerations": [GPU_TOLERATION],
    "containers": [{"name": "server", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
}
SERVICE = {
    "kind": "Deployment", "metadata": {"name": "serve"}, "spec": {"replicas": 1, "template": {"spec": SPEC}},
}  # fmt: skip


def scaler(most: int, kind: str = "ScaledObject", field: str = "maxReplicaCount") -> dict[str, Any]:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "serve"}, field: most}
    return {"kind": kind, "metadata": {"name": "serve"}, "spec": spec}


def judged(*pools: Any, **parts: Any) -> list[str]:
    return [f"{found.subject}: {found.message}" for found in scaling(deployment(FACTS, pools=pools, **parts))]


def test_a_pool_of_a_fixed_size_need_not_grow() -> None:
    assert judged(pool()) == []


def test_a_pool_that_nothing_grows_is_found() -> None:
    assert "stays at 2" in judged(pool(maximum=8))[0]


def test_a_fallback_that_nothing_fills_is_found() -> None:
    assert "stays empty" in judged(pool("fallback", minimum=0, desired=0, maximum=8))[0]


def test_a_schedule_grows_its_pool() -> None:
    assert judged(pool(desired=0, maximum=32, resized_by=("start",))) == []


def grown(**more: Any) -> Any:
    return pool(**{"maximum": 8, "groups": ("g",), "labels": {"waits": "h100"}, **more})


def test_an_autoscaler_with_a_right_grows_pools_that_it_sees() -> None:
    assert judged(grown(), charts=(SCALER,), resources=(*RIGHTS, TAG)) == []


@pytest.mark.parametrize(
    ("scaler", "resources", "message"),
    [
        (chart("cluster-autoscaler", tags=["grows"]), (*RIGHTS, TAG), "does not run: its chart makes no Deployment"),
        (SCALER, (ROLE, POLICY, TAG), "runs without a right"),
        (SCALER, (*RIGHTS[:2], built("c:Identity", "i", {"account": "another", "role": "arn:r"}), TAG), "without a ri"),
        (SCALER, (ROLE, built("c:Policy", "p", {"role": "r", "allows": ["groups:see"]}), IDENTITY, TAG), "groups:resi"),
        (SCALER, (ROLE, built("c:Policy", "p", {"role": "q", "allows": ["groups:resize"]}), IDENTITY, TAG), "groups:r"),
        (chart("cluster-autoscaler", cluster="x", tags=["grows"], account={"name": "me"}), (*RIGHTS, TAG), "without a"),
    ],
)
def test_an_autoscaler_that_cannot_work_is_found(scaler: Any, resources: tuple[Any, ...], message: str) -> None:
    (found,) = judged(grown(), charts=(scaler,), resources=resources)
    assert found.startswith("cluster-autoscaler: ")
    assert message in found


def test_a_pool_that_the_autoscaler_does_not_see_is_found() -> None:
    for tag in (built("c:Tag", "t", {"group": "other", "key": "grows"}), built("c:Tag", "t", {"group": "g"})):
        (found,) = judged(grown(), charts=(SCALER,), resources=(*RIGHTS, tag))
        assert found.startswith("pool train: train may have 8 nodes and stays at 2: cluster-autoscaler looks for")


def test_an_empty_pool_whose_devices_nobody_tells_is_found() -> None:
    wired = {"devices": {"nvidia.com/gpu": 8, "fabric": 4}, "minimum": 0, "desired": 0}
    (found,) = judged(grown(**wired), charts=(SCALER,), resources=(*RIGHTS, TAG))
    assert "does not know that an empty group's nodes have fabric" in found
    told = built("c:Tag", "d", {"group": "g", "key": "device/fabric"})
    assert judged(grown(**wired), charts=(SCALER,), resources=(*RIGHTS, TAG, told)) == []


def test_a_pool_that_grows_before_its_devices_show_is_found() -> None:
    asked: dict[str, Any] = {"charts": (SCALER,), "resources": (*RIGHTS, TAG)}
    (found,) = judged(grown(labels={}), **asked)
    assert "adds node after node for one pod while the first does not show nvidia.com/gpu yet" in found
    assert judged(grown(labels={"waits": "h100"}), **asked) == []


def test_replicas_within_the_devices_there_are_fine() -> None:
    assert judged(pool(), objects=(SERVICE, scaler(16))) == []


def test_replicas_beyond_the_devices_there_are_found() -> None:
    assert (
        "asks for up to 17 pods, and train has, as nothing grows them, room for 16"
        in judged(pool(), objects=(SERVICE, scaler(17)))[0]
    )
    horizontal = scaler(17, "HorizontalPodAutoscaler", "maxReplicas")
    assert judged(pool(), objects=(SERVICE, horizontal))[0].startswith("HorizontalPodAutoscaler serve")


def test_replicas_beyond_the_largest_pool_are_found_though_it_grows() -> None:
    parts: dict[str, Any] = {"charts": (SCALER,), "resources": (*RIGHTS, TAG)}
    assert judged(grown(maximum=4), objects=(SERVICE, scaler(32)), **parts) == []
    assert "can have room for 32" in judged(grown(maximum=4), objects=(SERVICE, scaler(33)), **parts)[0]


def test_an_object_that_nothing_acts_on_is_found() -> None:
    def found(kind: str, *charts: Any) -> list[str]:
        return [one.subject for one in served(deployment(FACTS, objects=({"kind": kind},), charts=charts))]

    assert found("NetworkPolicy", chart("cni")) == ["NetworkPolicy"]
    assert found("NetworkPolicy", chart("cni", policies="false")) == ["NetworkPolicy"]
    assert found("NetworkPolicy", chart("cni", policies="true")) == []
    assert found("NetworkPolicy", chart("cni", policies=True)) == []
    assert found("NetworkPolicy", chart("another")) == []  # a CNI that no row knows
    assert found("Service", chart("cni")) == []


def test_a_port_by_its_name_is_not_found_by_who_looks_for_it_elsewhere() -> None:
    row = ServedRow(
        kind="NetworkPolicy", chart="cni", switch="policies", effect="all is open", source="guide",
        names="spec.ingress.ports.port", names_source="issue",
    )  # fmt: skip

    def found(port: int | str, *charts: Any) -> list[str]:
        body = {"kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": {"ingress": [{"ports": [{"port": port}]}]}}
        facts = FieldFacts(nodes="aws", served=(row,))
        return [one.message for one in served(deployment(facts, objects=(body,), charts=charts))]

    enforcing = chart("cni", policies="true")
    assert found("http", enforcing) == ["p names 'http' at spec.ingress.ports.port, which cni does not find"]
    assert found(8000, enforcing) == []
    assert found("http", chart("another")) == []


@pytest.mark.parametrize(("least", "minimum", "found"), [(2, 2, 0), (3, 2, 1), (3, 3, 0), (1, 0, 1)])
def test_a_gang_of_volcanos_that_waits_for_its_own_nodes_is_found(least: int, minimum: int, found: int) -> None:
    pods = {"spec": {**SPEC, "containers": [{"resources": {"limits": {"nvidia.com/gpu": "8"}}}]}}
    gang = {
        "apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "metadata": {"name": "trainer"},
        "spec": {"minAvailable": least, "tasks": [{"replicas": 4, "template": pods}]},
    }  # fmt: skip
    size = pool(minimum=minimum, desired=3, maximum=8, resized_by=("g",))
    messages = judged(size, objects=(gang,), charts=(SCALER,), resources=(*RIGHTS, TAG))
    assert len([one for one in messages if "none is made" in one]) == found
