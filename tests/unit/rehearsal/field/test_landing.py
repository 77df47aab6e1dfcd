"""Landing: tolerations of real charts against the taints of pools."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.estimate.nodes import CAUTIOUS_DAEMONS
from rehearsal.field.landing import asked_by_daemons, daemon_rows, landing
from rehearsal.field.pods import quantity, untolerated
from tests.unit.rehearsal.field.field_cases import chart, deployment, pool

AGENT = "eks-node-monitoring-agent"


def judged(*charts: Any, pools: tuple[Any, ...] = ()) -> list[str]:
    return [found.subject for found in landing(deployment(charts=charts, pools=pools or (pool(),)))]


def test_a_host_engine_without_tolerations_stays_off_tainted_nodes() -> None:
    assert judged(chart(AGENT)) == ["dcgm-server on train"]


def test_a_host_engine_with_tolerations_lands() -> None:
    assert judged(chart(AGENT, dcgmAgent={"tolerations": [{"operator": "Exists"}]})) == []
    assert judged(chart(AGENT), pools=(pool(taints=()),)) == []


def test_a_daemon_of_another_architecture_stays_off() -> None:
    tolerant = chart(AGENT, dcgmAgent={"tolerations": [{"operator": "Exists"}]})
    found = list(landing(deployment(charts=(tolerant,), pools=(pool(architecture="arm64"),))))
    assert "runs only on amd64" in found[0].message


def test_a_taint_of_the_users_own_keeps_the_device_plugin_off() -> None:
    own = (*pool().taints, {"key": "team", "value": "a", "effect": "NoExecute"})
    found = judged(chart("gpu-operator", nfd={"enabled": False}), pools=(pool(taints=own),))
    assert found == ["nvidia-device-plugin-daemonset on train", "nvidia-dcgm-exporter on train"]
    everywhere = chart("gpu-operator", daemonsets={"tolerations": [{"operator": "Exists"}]}, nfd={"enabled": False})
    assert judged(everywhere, pools=(pool(taints=own),)) == []


def test_tolerations_are_added_where_the_chart_adds_them() -> None:
    tainted = pool(devices={"vpc.amazonaws.com/efa": 32})
    plugin = "aws-efa-k8s-device-plugin"
    assert judged(chart(plugin), pools=(tainted,)) == [f"{plugin} on train"]
    assert judged(chart(plugin, tolerations=[{"operator": "Exists"}]), pools=(tainted,)) == []


def test_tolerations_are_replaced_where_the_chart_replaces_them() -> None:
    found = judged(chart("gpu-operator", daemonsets={"tolerations": []}, nfd={"enabled": False}))
    assert found == ["nvidia-device-plugin-daemonset on train", "nvidia-dcgm-exporter on train"]


def test_a_toleration_of_another_effect_does_not_count() -> None:
    other = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}]
    assert judged(chart(AGENT, dcgmAgent={"tolerations": other})) == ["dcgm-server on train"]


def test_a_daemon_is_asked_for_only_where_its_device_is() -> None:
    assert judged(chart(AGENT), pools=(pool(devices={"aws.amazon.com/neuron": 16}),)) == []
    assert judged(chart("topograph"), pools=(pool("system", devices={}),)) == []
    assert judged(chart("topograph")) == ["topograph-node-data-broker on train"]


def test_what_is_switched_off_need_not_land() -> None:
    own = (pool(taints=({"key": "team", "value": "a", "effect": "NoSchedule"},)),)
    off = {name: {"enabled": False} for name in ("devicePlugin", "dcgmExporter", "nfd")}
    assert judged(chart("gpu-operator", **off), pools=own) == []
    assert len(judged(chart("gpu-operator"), pools=own)) == 3


def test_a_preference_keeps_nobody_off() -> None:
    soft = ({"key": "team", "value": "a", "effect": "PreferNoSchedule"},)
    assert judged(chart(AGENT), pools=(pool(taints=soft),)) == []


def test_requests_of_landed_daemons_are_summed() -> None:
    one = deployment(charts=(chart("vpc-cni"), chart("aws-ebs-csi-driver"), chart("dcgm-exporter")))
    assert asked_by_daemons(one, pool()) == (80, 104 * 1024)  # dcgm-exporter does not land


@pytest.mark.parametrize("row", daemon_rows(), ids=lambda row: f"{row.chart} {row.daemon}")
def test_a_row_has_its_source_and_its_effect(row: Any) -> None:
    assert row.source
    assert row.effect
    assert row.version


KEYS, EFFECTS = st.sampled_from(["a", "b"]), st.sampled_from(["NoSchedule", "NoExecute"])
TAINTS = st.lists(
    st.builds(lambda key, effect: {"key": key, "value": "x", "effect": effect}, KEYS, EFFECTS), max_size=3
)


@given(taints=TAINTS, tolerations=TAINTS)
def test_more_tolerations_never_keep_a_pod_off(taints: list[dict[str, str]], tolerations: list[dict[str, str]]) -> None:
    if untolerated(tuple(taints), tuple(tolerations)) is None:
        assert untolerated(tuple(taints), (*tolerations, {"key": "c", "operator": "Exists"})) is None
    assert untolerated(tuple(taints), ({"operator": "Exists"},)) is None
    assert untolerated(tuple(taints), tuple(taints)) is None


def test_the_share_that_the_planner_leaves_to_daemons_is_enough_for_all_of_them() -> None:
    """On one node every daemon of every chart, as no real node has them: so on each pool of every stack."""
    assert sum(quantity(row.cpu) for row in daemon_rows()) <= CAUTIOUS_DAEMONS.cores
    assert sum(quantity(row.memory) for row in daemon_rows()) <= CAUTIOUS_DAEMONS.memory_gib * 2**30
