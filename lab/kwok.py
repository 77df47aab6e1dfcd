"""KWOK nodes: what they do with their pods, and how they come to be."""

import datetime
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from components.kubernetes.api import ApiError, KubernetesApi
from lab.shape import LabNode

STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
)
OWN_STAGES = Path(__file__).with_name("pod-ends.yaml")
TAINT = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "PreferNoSchedule"}
KWOK_ADDRESS = "10.88.255.254"
"""Address that a KWOK node claims for itself: nothing is there."""
NODE_INFO = {
    "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "kwok", "containerRuntimeVersion": "kwok",
    "kernelVersion": "kwok", "osImage": "kwok", "bootID": "", "machineID": "", "systemUUID": "",
    "kubeProxyVersion": "",
}  # fmt: skip
AT_ONCE = 16
CONFIGURATION = f"""\
apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options:
  nodePlayStageParallelism: {AT_ONCE}
  podPlayStageParallelism: {AT_ONCE}
  nodeLeaseParallelism: {AT_ONCE}
  podsOnNodeSyncParallelism: {AT_ONCE}
"""
"""With its own 4, 4, 4 and 1 it is KWOK that a gang of 1,024 waits for."""


def stages(folder: Path) -> str:
    """KWOK's configuration: its own stages from `folder`, and how a pod ends."""
    return "\n---\n".join([CONFIGURATION, *((folder / name).read_text() for name in STAGES), OWN_STAGES.read_text()])


def create_nodes(api: KubernetesApi, nodes: Sequence[LabNode]) -> None:
    """All of them are there; one that was there already stays as it is.

    The API server taints a new node until the controller manager has seen it Ready. For a thousand of them that takes
    a minute, so the taint is taken off here.
    """

    def create(node: LabNode) -> None:
        wanted = node_object(node)
        try:
            api.create(wanted)
            spec = {"taints": wanted["spec"]["taints"]}
            api.patch({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}, "spec": spec})
        except ApiError as error:
            if error.status != 409:
                raise

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(create, nodes))


def node_object(node: LabNode) -> dict[str, Any]:
    """The Node. Pods that may go elsewhere do, as nothing really runs here: controllers go to a process node."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": node.all_labels() | {"type": "kwok"},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {"taints": [dict(taint) for taint in node.taints] + [TAINT], "providerID": f"kwok://{node.name}"},
        "status": {
            "allocatable": dict(node.allocatable),
            "capacity": dict(node.allocatable),
            "addresses": [{"type": "InternalIP", "address": KWOK_ADDRESS}, {"type": "Hostname", "address": node.name}],
            "conditions": [_ready()],
            "nodeInfo": NODE_INFO,
            "phase": "Running",
        },
    }


def _ready() -> dict[str, str]:
    """Ready from the beginning: KWOK's first stage would make it so too, at some hundredths of a second each."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kwok",
        "lastHeartbeatTime": now, "lastTransitionTime": now,
    }  # fmt: skip
