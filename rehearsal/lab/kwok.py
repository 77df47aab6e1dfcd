"""KWOK nodes: what they do with their pods, and how they come to be."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from providers.existing.api import ApiError, KubernetesApi
from rehearsal.lab.shape import LabNode

STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-delete.yaml",
)
OWN_STAGE = Path(__file__).with_name("pod-complete.yaml")
TAINT = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}
AT_ONCE = 16


def stages(folder: Path) -> str:
    """KWOK's configuration: its own stages from `folder`, and when a pod ends."""
    return "\n---\n".join([*((folder / name).read_text() for name in STAGES), OWN_STAGE.read_text()])


def create_nodes(api: KubernetesApi, nodes: Sequence[LabNode]) -> None:
    """All of them are there; one that was there already stays as it is."""

    def create(node: LabNode) -> None:
        try:
            api.create(node_object(node))
        except ApiError as error:
            if error.status != 409:
                raise

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(create, nodes))


def node_object(node: LabNode) -> dict[str, Any]:
    """The Node. It is tainted: only a pod that says so goes where nothing really runs."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": node.all_labels() | {"type": "kwok"},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {"taints": [dict(taint) for taint in node.taints] + [TAINT], "providerID": f"kwok://{node.name}"},
        "status": {"allocatable": dict(node.allocatable), "capacity": dict(node.allocatable)},
    }
