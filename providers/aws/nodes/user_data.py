"""Configuration of a node at its start: a nodeadm NodeConfig, as a part of MIME user data (EKS AMI, "nodeadm").

Before it stands a script where the node reaches its file system over the fabric: cloud-init has run it when nodeadm
starts the kubelet (awslabs/amazon-eks-ami, nodeadm-run.service: after cloud-final.service).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from components.spec.cluster import TaintEffect
from providers.aws.nodes import lustre_client
from providers.aws.types import AwsNodePoolPlan

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


def managed(plan: AwsNodePoolPlan) -> str:
    """Of a node that EKS manages: EKS adds cluster, labels and taints by itself."""
    return _mime(plan, {"kubelet": _kubelet(plan), **_instance(plan)})


def self_managed(plan: AwsNodePoolPlan, cluster: JoinedCluster) -> str:
    """Of a node of our own auto scaling group: everything it needs to join."""
    kubelet = _kubelet(plan) | {"flags": _flags(plan)}
    to_join = {
        "name": cluster.name,
        "apiServerEndpoint": cluster.endpoint,
        "certificateAuthority": cluster.certificate_authority,
        "cidr": cluster.service_cidr,
    }
    return _mime(plan, {"cluster": to_join, "kubelet": kubelet, **_instance(plan)})


def _kubelet(plan: AwsNodePoolPlan) -> dict[str, Any]:
    return {"config": {"maxPods": plan.max_pods}}


def _instance(plan: AwsNodePoolPlan) -> dict[str, Any]:
    """RAID 0 of the NVMe disks, which then holds container images, volumes of pods and logs."""
    return {"instance": {"localStorage": {"strategy": "RAID0"}}} if plan.machine.nvme_gb else {}


def _flags(plan: AwsNodePoolPlan) -> list[str]:
    flags = ["--node-labels=" + ",".join(f"{key}={value}" for key, value in sorted(plan.labels.items()))]
    if plan.taints:
        listed = ",".join(f"{taint.key}={taint.value}:{taint.effect}" for taint in plan.taints)
        flags.append(f"--register-with-taints={listed}")
    return flags


def _config(spec: Mapping[str, Any]) -> str:
    document = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec}
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def _mime(plan: AwsNodePoolPlan, spec: Mapping[str, Any]) -> str:
    """Written by hand: the standard library's message class picks another boundary each time, and so another node."""
    parts = [("application/node.eks.aws", _config(spec))]
    if plan.file_system_module:
        script = f"#!/bin/bash\nset -e\n{lustre_client.over_efa(plan.machine)}"
        parts.insert(0, ('text/x-shellscript; charset="us-ascii"', script))
    lines = ["MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"', ""]
    for kind, text in parts:
        lines += [f"--{_BOUNDARY}", f"Content-Type: {kind}", "", text.rstrip("\n")]
    return "\n".join([*lines, f"--{_BOUNDARY}--", ""])
