"""The custom kinds that penstock renders, as their upstreams define them, and which chart brings which."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("definitions.json.gz")

# The API groups whose definitions come with a chart. Source: the charts' crds folders and templates.
GROUPS_OF_CHARTS: Mapping[str, tuple[str, ...]] = {
    "kueue": ("kueue.x-k8s.io",),
    "jobset": ("jobset.x-k8s.io",),
    "kubeflow-trainer": ("trainer.kubeflow.org",),
    "mpi-operator": ("kubeflow.org",),
    "lws": ("leaderworkerset.x-k8s.io",),
    "volcano": (
        *("batch.volcano.sh", "scheduling.volcano.sh", "topology.volcano.sh"),
        *("bus.volcano.sh", "nodeinfo.volcano.sh"),
    ),
    "kai-scheduler": ("scheduling.run.ai", "kai.scheduler"),
    "kuberay-operator": ("ray.io",),
    "slurm-operator": ("slinky.slurm.net",),
    "gpu-operator": ("nvidia.com",),
    "node-feature-discovery": ("nfd.k8s-sigs.io",),
    "network-operator": ("mellanox.com", "k8s.cni.cncf.io"),
    "dra-driver-nvidia-gpu": ("resource.nvidia.com",),
    "karpenter": ("karpenter.sh", "karpenter.k8s.aws"),
    "keda": ("keda.sh",),
    "kube-prometheus-stack": ("monitoring.coreos.com",),
    "cert-manager": ("cert-manager.io",),
    "gateway-helm": ("gateway.networking.k8s.io", "gateway.envoyproxy.io"),
    "rook-ceph": ("ceph.rook.io",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomKind:
    """One served version of a custom kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    schema: Mapping[str, Any]
    """Structural, as in its CustomResourceDefinition; {"$core": NAME} stands for a core type."""
    source: str

    @property
    def definition(self) -> str:
        return f"{self.plural}.{self.group}"


@cache
def custom_kinds() -> Mapping[tuple[str, str], CustomKind]:
    """All of the data file, by apiVersion and kind."""
    rows = json.loads(gzip.decompress(DATA.read_bytes()))["kinds"]
    found = {}
    for key, row in rows.items():
        group, version, kind = key.split("/")
        found[f"{group}/{version}", kind] = CustomKind(
            group=group, version=version, kind=kind, plural=row["plural"], namespaced=row["namespaced"],
            schema=row["schema"], source=row["source"],
        )  # fmt: skip
    return found


def kinds_of_groups(groups: tuple[str, ...]) -> dict[str, list[CustomKind]]:
    """Their kinds by the definition's name."""
    found: dict[str, list[CustomKind]] = {}
    for kind in custom_kinds().values():
        if kind.group in groups:
            found.setdefault(kind.definition, []).append(kind)
    return found
