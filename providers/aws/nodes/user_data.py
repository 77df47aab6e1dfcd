"""Configuration of a node at its start: a nodeadm NodeConfig, as a part of MIME user data (EKS AMI, "nodeadm")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from components.plan.cluster import Taint
from components.spec.cluster import TaintEffect

_BOUNDARY = "penstock-node-config"

EKS_EFFECT = {
    TaintEffect.NO_SCHEDULE: "NO_SCHEDULE",
    TaintEffect.PREFER_NO_SCHEDULE: "PREFER_NO_SCHEDULE",
    TaintEffect.NO_EXECUTE: "NO_EXECUTE",
}
"""EKS's own words for the effect of a taint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedCluster:
    """The cluster as a node that EKS does not manage must be told of it to find its API server."""

    name: str
    endpoint: str
    certificate_authority: str
    service_cidr: str


def managed(*, max_pods: int, local_disks: bool) -> str:
    """Of a node that EKS manages: EKS adds cluster, labels and taints by itself."""
    return _mime(_config({"kubelet": _kubelet(max_pods), **_instance(local_disks)}))


def self_managed(
    cluster: JoinedCluster, *, max_pods: int, local_disks: bool, labels: Mapping[str, str], taints: Sequence[Taint]
) -> str:
    """Of a node of our own auto scaling group: everything it needs to join."""
    kubelet = _kubelet(max_pods) | {"flags": _flags(labels, taints)}
    to_join = {
        "name": cluster.name,
        "apiServerEndpoint": cluster.endpoint,
        "certificateAuthority": cluster.certificate_authority,
        "cidr": cluster.service_cidr,
    }
    return _mime(_config({"cluster": to_join, "kubelet": kubelet, **_instance(local_disks)}))


def _kubelet(max_pods: int) -> dict[str, Any]:
    return {"config": {"maxPods": max_pods}}


def _instance(local_disks: bool) -> dict[str, Any]:
    """RAID 0 of the NVMe disks, which then holds container images, volumes of pods and logs."""
    return {"instance": {"localStorage": {"strategy": "RAID0"}}} if local_disks else {}


def _flags(labels: Mapping[str, str], taints: Sequence[Taint]) -> list[str]:
    flags = ["--node-labels=" + ",".join(f"{key}={value}" for key, value in sorted(labels.items()))]
    if taints:
        listed = ",".join(f"{taint.key}={taint.value}:{taint.effect}" for taint in taints)
        flags.append(f"--register-with-taints={listed}")
    return flags


def _config(spec: Mapping[str, Any]) -> str:
    document = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec}
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def _mime(config: str) -> str:
    """Written by hand: the standard library's message class picks another boundary each time, and so another node."""
    return "\n".join(
        [
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"',
            "",
            f"--{_BOUNDARY}",
            "Content-Type: application/node.eks.aws",
            "",
            config.rstrip("\n"),
            f"--{_BOUNDARY}--",
            "",
        ]
    )
