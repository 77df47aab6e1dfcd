"""Pools read from nodes that are there, and what their own allocatable makes of pods."""

from typing import Any

from engine.state import StackState
from rehearsal.field.allocatable import allocatable
from rehearsal.field.deployed import Surroundings
from rehearsal.field.facts import FieldFacts
from rehearsal.field.judge import FieldJudge, facts_of
from rehearsal.field.nodes import pools_of_nodes
from tests.unit.rehearsal.field.field_cases import GPU_TAINT, deployment, job
from tests.unit.rehearsal.field.test_expected import EMPTY, resource

TOLD = {"cpu": "190500m", "memory": "2011Gi", "nvidia.com/gpu": "8", "hugepages-2Mi": "512Mi", "pods": "110"}


def node(name: str, told: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    labels = {"pool": "train", "kubernetes.io/hostname": name, "node.kubernetes.io/instance-type": "dgx"}
    return {
        "metadata": {"name": name, "labels": labels | more.pop("labels", {})},
        "spec": {"taints": [GPU_TAINT, *more.pop("taints", ())]},
        "status": {"allocatable": TOLD | (told or {})},
    }


def test_nodes_alike_are_a_pool_that_offers_what_the_least_of_them_tells() -> None:
    (pool,) = pools_of_nodes([node("a"), node("b", {"memory": "1900Gi"}), node("c", {"memory": "2000000Mi"})])
    assert (pool.name, pool.machine_type, pool.desired, pool.maximum) == ("a", "dgx", 3, 3)
    assert pool.devices == {"nvidia.com/gpu": 8}
    assert pool.huge_pages_mib == 512
    assert pool.told is not None
    assert pool.told["memory"] == "1900Gi"


def test_nodes_of_other_devices_labels_or_taints_are_other_pools() -> None:
    kept = {"key": "kept", "value": "x", "effect": "NoSchedule"}
    nodes = [node("a"), node("b", {"nvidia.com/gpu": "7"}), node("c", labels={"rack": "r"}), node("d", taints=(kept,))]
    assert [pool.name for pool in pools_of_nodes(nodes)] == ["a", "b", "c", "d"]


def test_a_taint_of_a_nodes_state_is_no_mark_of_its_pool() -> None:
    late = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}
    (pool,) = pools_of_nodes([node("a"), node("b", taints=(late,))])
    assert pool.taints == (GPU_TAINT,)


def test_a_pod_is_held_against_what_the_node_tells() -> None:
    pools = tuple(pools_of_nodes([node("a", {"memory": "1799Gi"})]))
    (found,) = allocatable(deployment(FieldFacts(nodes="none"), pools=pools, objects=(job(),)))
    assert "which offers" in found.message
    assert found.source == "the node itself"
    enough = tuple(pools_of_nodes([node("a")]))
    assert list(allocatable(deployment(FieldFacts(nodes="none"), pools=enough, objects=(job(),)))) == []


def daemon_pod(node: str, cpu: str, owner: str = "DaemonSet") -> dict[str, Any]:
    container = {"name": "agent", "resources": {"requests": {"cpu": cpu, "memory": "4Gi"}}}
    owners = [{"kind": owner, "name": "agent"}]
    return {"metadata": {"ownerReferences": owners}, "spec": {"nodeName": node, "containers": [container]}}


def test_daemons_of_others_are_off_what_the_node_tells() -> None:
    pods = [daemon_pod("a", "2"), daemon_pod("b", "6"), daemon_pod("b", "6"), daemon_pod("a", "90", "ReplicaSet")]
    (pool,) = pools_of_nodes([node("a"), node("b")], pods)
    assert pool.daemons == (12_000, 8 * 2**20)
    (found,) = allocatable(deployment(FieldFacts(nodes="none"), pools=(pool,), objects=(job(),)))
    assert "asks 180000m cpu on dgx, which offers 178500m" in found.message
    (light,) = pools_of_nodes([node("a"), node("b")], pods[:1])
    assert list(allocatable(deployment(FieldFacts(nodes="none"), pools=(light,), objects=(job(),)))) == []
    (uncounted,) = pools_of_nodes([node("a")])
    assert uncounted.daemons is None


def test_a_stack_on_an_existing_cluster_is_judged_by_its_nodes() -> None:
    state = StackState(resources=(resource("kubernetes:batch/v1:Job", "j", job()),), pending=())
    judge = FieldJudge(facts_of("existing"), "mine", shipped=False)
    fits, small = (Surroundings(nodes=tuple(pools_of_nodes([one]))) for one in (node("a"), node("a", {"cpu": "100"})))
    first = judge.judge(EMPTY, state, (), fits).wrong
    assert not any(line.startswith("allocatable") for line in first)
    (wrong,) = judge.judge(EMPTY, state, (), small).wrong
    assert "asks 180000m cpu on dgx, which offers 100000m" in wrong
