"""A gang on a pool whose nodes come later, as those of a capacity block: real Kueue lets it in when all are there."""

from typing import Any

from bench.lab_cluster import LabCluster, cluster
from components.plan.kubernetes import NAMESPACE
from lab.kwok import create_nodes
from lab.shape import LabNode, plain_shape
from tests.lab.test_control_plane import eventually

NODES = 4


def test_a_gang_waits_for_the_last_of_its_nodes_and_starts_by_itself() -> None:
    with cluster(NODES) as found:
        nodes = plain_shape(process=1, kwok=NODES).kwok
        for node in nodes:
            found.api.delete("v1", "Node", node.name)
        found.api.create(found.job_set("late", NODES))
        eventually(lambda: "topology" in _why_not(found), "Kueue sees no node for the gang")
        _come(found, nodes[:-1])
        eventually(lambda: f"only {NODES - 1} out of {NODES}" in _why_not(found), "the nodes that came are counted")
        assert not _has(found, "Admitted")
        _come(found, nodes[-1:])
        eventually(lambda: _has(found, "Admitted"), "the gang is admitted")
        eventually(lambda: len(_bound(found)) == NODES, "each pod has a node")


def _come(found: LabCluster, nodes: tuple[LabNode, ...]) -> None:
    create_nodes(found.api, nodes)


def _conditions(found: LabCluster) -> dict[str, dict[str, Any]]:
    workloads = found.api.list("kueue.x-k8s.io/v1beta2", "Workload", NAMESPACE)
    rows = (row for one in workloads for row in one.get("status", {}).get("conditions", ()))
    return {row["type"]: row for row in rows}


def _why_not(found: LabCluster) -> str:
    row = _conditions(found).get("QuotaReserved", {})
    return str(row.get("message", "")) if row.get("status") == "False" else ""


def _has(found: LabCluster, condition: str) -> bool:
    return _conditions(found).get(condition, {}).get("status") == "True"


def _bound(found: LabCluster) -> list[str]:
    pods = found.api.list("v1", "Pod", NAMESPACE)
    return [pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")]
