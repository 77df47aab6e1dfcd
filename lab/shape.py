"""Nodes of a lab."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.labels import BLOCK_LABEL, POOL_LABEL, RACK_LABEL

MANY_NODES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class LabNode:
    """One node, as it tells the API server of itself."""

    name: str
    pool: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Beside its pool, its host name, its architecture."""
    taints: tuple[Mapping[str, str], ...] = ()
    """`{"key": ..., "value": ..., "effect": ...}` each."""
    allocatable: Mapping[str, str] = field(default_factory=lambda: {"cpu": "8", "memory": "32Gi", "pods": "110"})
    """With its devices: `{"nvidia.com/gpu": "8"}`."""

    def all_labels(self) -> dict[str, str]:
        """The labels it registers with."""
        own = {
            POOL_LABEL: self.pool,
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            # The controller manager adds these, one request for each node.
            "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": "amd64",
        }
        return own | dict(self.labels)

    def as_json(self) -> dict[str, Any]:
        """Form for the node agent; the pool is one of the labels."""
        return {
            "name": self.name,
            "labels": self.all_labels(),
            "taints": [dict(taint) for taint in self.taints],
            "allocatable": dict(self.allocatable),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LabShape:
    """The nodes of a lab."""

    process: tuple[LabNode, ...] = ()
    """Nodes that run their pods as processes of this machine."""
    kwok: tuple[LabNode, ...] = ()
    """Nodes that only say they run their pods: for scale."""

    def as_json(self) -> dict[str, Any]:
        return {"process": [node.as_json() for node in self.process], "kwok": [node.as_json() for node in self.kwok]}

    @property
    def heartbeat_s(self) -> int:
        """Interval in which a KWOK node renews its lease: 1,024 of them every 4 s would keep two cores busy."""
        return 4 if len(self.kwok) <= MANY_NODES else 24

    @property
    def node_grace_s(self) -> int:
        """Time that a node may be silent before it is NotReady (50 s where Kubernetes has its default)."""
        return 4 * self.heartbeat_s if len(self.kwok) <= MANY_NODES else 60


def plain_shape(process: int, kwok: int) -> LabShape:
    """A lab of that many nodes: process nodes of 8 CPUs, KWOK nodes of 8 GPUs, 16 to a rack."""
    return LabShape(
        process=tuple(LabNode(name=f"process-{index}", pool="process") for index in range(process)),
        kwok=tuple(_accelerator_node(index) for index in range(kwok)),
    )


def _accelerator_node(index: int) -> LabNode:
    return LabNode(
        name=f"kwok-{index}",
        pool="kwok",
        labels={BLOCK_LABEL: f"block-{index // 64}", RACK_LABEL: f"rack-{index // 16}"},
        allocatable={"cpu": "192", "memory": "2Ti", "pods": "110", "nvidia.com/gpu": "8"},
    )
