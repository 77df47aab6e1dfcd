"""Add-ons of a cluster, and their rights on AWS."""

import json
from collections.abc import Iterator, Mapping

from components.errors import Problem
from components.labels import OWN_LABELS, STACK
from components.plan.kubernetes import Manifest
from components.spec.explain import suggestion
from components.spec.storage import StorageSpec
from providers.aws.control_plane.eks.types import AddOnPlan
from providers.aws.versions import KubernetesVersion

PATH = "aws.controlPlane.addOnVersions"


def name_problems(given: Mapping[str, str], version: KubernetesVersion) -> Iterator[Problem]:
    """Builds of what is none of the plan's add-ons."""
    for name in sorted(set(given) - set(version.add_ons)):
        hint = suggestion(name, sorted(version.add_ons)) or f"; available: {', '.join(sorted(version.add_ons))}"
        yield Problem(path=f"{PATH}.{name}", message=f"{name!r} is not an add-on of EKS that penstock asks for{hint}")


def disks(stack: str) -> Manifest:
    """Default class of a cluster, which EKS makes none of since 1.30 (EKS User Guide, release notes of 1.30): encrypted
    disks, each in the zone of the pod that claims it, and with the stack's tag, by which a destroy finds those that are
    left (EBS CSI driver, docs/tagging.md).
    """
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "gp3",
            "labels": dict(OWN_LABELS),
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3", "encrypted": "true", "tagSpecification_1": f"{STACK}={stack}"},
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def first_add_ons(version: KubernetesVersion) -> tuple[AddOnPlan, ...]:
    """Add-ons that a node needs to become ready, in their order: what hands out roles comes before what needs one.

    All of them run on the host's network of nodes that are not ready yet, and are there before the first node is.
    """
    return (
        _add_on(version, "eks-pod-identity-agent"),
        _add_on(version, "kube-proxy"),
        _add_on(version, "vpc-cni", configuration=_ENFORCING, account="aws-node", managed=("AmazonEKS_CNI_Policy",)),
    )


def add_ons(version: KubernetesVersion, storage: StorageSpec, *, node_repair: bool) -> tuple[AddOnPlan, ...]:
    """Add-ons that run on the system pool or on every node once there are nodes."""
    asked = [
        _add_on(version, "coredns"),
        _add_on(version, "aws-ebs-csi-driver", account="ebs-csi-controller-sa", managed=(_OF_EBS,)),
    ]
    if node_repair:
        asked.append(_add_on(version, "eks-node-monitoring-agent", configuration=_ON_TAINTED_NODES))
    if storage.shared_file_system:
        asked.append(
            _add_on(
                version,
                "aws-efs-csi-driver",
                account="efs-csi-controller-sa",
                managed=("service-role/AmazonEFSCSIDriverPolicy",),
            )
        )
    if storage.file_system:
        asked.append(_add_on(version, "aws-fsx-csi-driver", account="fsx-csi-controller-sa", actions=_ACTIONS_OF_FSX))
    return tuple(asked)


_ENFORCING = {"enableNetworkPolicy": "true"}
"""Network policies are carried out by the CNI's own agent on each node, which is off by default; the value is a text
(EKS User Guide, Restrict Pod network traffic)."""

_ON_TAINTED_NODES = {"dcgmAgent": {"tolerations": [{"operator": "Exists"}]}}
"""The agent's host engine tolerates no taint by itself, and without one the agent reports its nodes as broken (aws/
containers-roadmap 2567; the add-on's schema: aws/eks-node-monitoring-agent, charts/configuration.schema.json)."""

_OF_EBS = "AmazonEBSCSIDriverPolicyV2"
"""Disks and snapshots that the driver made itself, and none of others (aws-ebs-csi-driver 2918; from v1.58 on)."""

_ACTIONS_OF_FSX = ("fsx:DescribeFileSystems",)
"""The stack makes the file system, and the driver mounts it. It makes none, so it may make none."""


def _add_on(
    version: KubernetesVersion,
    name: str,
    *,
    configuration: Mapping[str, object] | None = None,
    account: str = "",
    managed: tuple[str, ...] = (),
    actions: tuple[str, ...] = (),
) -> AddOnPlan:
    return AddOnPlan(
        name=name,
        version=version.add_ons[name],
        configuration=json.dumps(configuration) if configuration else "",
        service_account=account,
        managed_policies=managed,
        actions=actions,
    )
