"""Scaling: pools and replicas that wait for growth, and autoscalers without a right to it."""

from typing import Any

from rehearsal.field.facts import AutoscalerRow, FieldFacts, ServedRow
from rehearsal.field.scaling import scaling, served
from tests.unit.rehearsal.field.field_cases import GPU_TOLERATION, built, chart, deployment, pool

FACTS = FieldFacts(
    nodes="aws",
    autoscalers=(
        AutoscalerRow(
            chart="cluster-autoscaler", right="c:Identity", account="account", account_pattern="scaler", source="guide"
        ),
    ),
    served=(ServedRow(kind="NetworkPolicy", chart="cni", switch="policies", effect="all is open", source="guide"),),
)
IDENTITY = built("c:Identity", "i", {"account": "cluster-autoscaler"})
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


def test_an_autoscaler_with_a_right_grows_pools() -> None:
    assert judged(pool(maximum=8), charts=(chart("cluster-autoscaler"),), resources=(IDENTITY,)) == []


def test_an_autoscaler_without_a_right_is_found() -> None:
    found = judged(pool(maximum=8), charts=(chart("cluster-autoscaler"),))
    assert len(found) == 1
    assert found[0].startswith("cluster-autoscaler: cluster-autoscaler runs without a right")
    other = built("c:Identity", "i", {"account": "another"})
    assert len(judged(pool(), charts=(chart("cluster-autoscaler"),), resources=(other,))) == 1


def test_replicas_within_the_devices_there_are_fine() -> None:
    assert judged(pool(), objects=(SERVICE, scaler(16))) == []


def test_replicas_beyond_the_devices_there_are_found() -> None:
    assert (
        "asks for up to 17 pods, and train has, as nothing grows them room for 16"
        in judged(pool(), objects=(SERVICE, scaler(17)))[0]
    )
    horizontal = scaler(17, "HorizontalPodAutoscaler", "maxReplicas")
    assert judged(pool(), objects=(SERVICE, horizontal))[0].startswith("HorizontalPodAutoscaler serve")


def test_replicas_beyond_the_largest_pool_are_found_though_it_grows() -> None:
    parts: dict[str, Any] = {"charts": (chart("cluster-autoscaler"),), "resources": (IDENTITY,)}
    assert judged(pool(maximum=4), objects=(SERVICE, scaler(32)), **parts) == []
    assert "can have room for 32" in judged(pool(maximum=4), objects=(SERVICE, scaler(33)), **parts)[0]


def test_an_object_that_nothing_acts_on_is_found() -> None:
    def found(kind: str, *charts: Any) -> list[str]:
        return [one.subject for one in served(deployment(FACTS, objects=({"kind": kind},), charts=charts))]

    assert found("NetworkPolicy", chart("cni")) == ["NetworkPolicy"]
    assert found("NetworkPolicy", chart("cni", policies="false")) == ["NetworkPolicy"]
    assert found("NetworkPolicy", chart("cni", policies="true")) == []
    assert found("NetworkPolicy", chart("cni", policies=True)) == []
    assert found("NetworkPolicy", chart("another")) == []  # a CNI that no row knows
    assert found("Service", chart("cni")) == []
