"""Owners of what is done on an EKS cluster before anything is installed, and values of AWS for its add-ons. Pure."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from components.fabric import Collective
from components.kubernetes.devices import EFA
from components.kubernetes.ownership import OwnershipRow
from components.plan.kubernetes import Concern, Owner, Ownership
from providers.aws.balancers import CONTROLLER, controller_values
from providers.aws.control_plane.eks.pod_roles import DNS
from providers.aws.control_plane.eks.types import EksPlan
from providers.aws.control_plane.hyper_pod.plan import HyperPodPlan
from providers.aws.network.types import NetworkPlan
from providers.aws.nodes.binding import collective
from providers.aws.nodes.karpenter import karpenter_values
from providers.aws.nodes.scaling import AUTOSCALER, GROWS_TAG
from providers.aws.tables import OWNERSHIP
from providers.aws.types import KARPENTER, AwsNodePoolPlan

_IMAGES = {Collective.NCCL: "NVIDIA", Collective.NEURON: "NEURON"}

_NUMBER = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""End of the names of EKS's auto scaling groups, as in `eks-mng-2-82bf5c07-70d3-9015-d7e4-4ce657bd6b3d`
(eksctl-io/eksctl 4732)."""

Rows = Mapping[Concern, OwnershipRow]


def owners(
    control: EksPlan, pools: Sequence[AwsNodePoolPlan], hyper: HyperPodPlan | None
) -> Mapping[Concern, Ownership]:
    """By thing, who does it: the nodes' images, EKS's own add-ons, and whoever runs the nodes."""
    images = {_IMAGES[kind] for pool in pools if (kind := collective(pool.machine)) in _IMAGES}
    add_ons = [add_on.name for add_on in (*control.first_add_ons, *control.add_ons)]
    found: dict[Concern, Ownership] = {}
    for owner, rows in _rows(images, add_ons, "hyperpod" if hyper else "eks"):
        for concern, row in rows.items():
            found.setdefault(concern, row.owned(owner))
    return found


def addon_values(
    control: EksPlan, pools: Sequence[AwsNodePoolPlan], hyper: HyperPodPlan | None, network: NetworkPlan
) -> Mapping[str, Mapping[str, Any]]:
    """By add-on, the values that AWS alone knows.

    The EFA plugin's image is the region's own: another region's registry is not reached through private endpoints.
    HyperPod's nodes are labelled with SageMaker's names of machine types (`ml.p5.48xlarge`).
    """
    return {
        AUTOSCALER: _autoscaler(control, pools),
        KARPENTER: karpenter_values(control.name, network),
        CONTROLLER: controller_values(control.name, network),
        DNS: {"provider": {"name": "aws"}, "serviceAccount": {"name": DNS}},
        "efa-device-plugin": {
            "image": {"repository": f"{registry(control.region)}/eks/aws-efa-k8s-device-plugin"},
            "supportedInstanceLabels": {"values": sorted(set(_efa_machine_types(pools, hyper)))},
        },
    }


def _autoscaler(control: EksPlan, pools: Sequence[AwsNodePoolPlan]) -> Mapping[str, Any]:
    """The groups that may grow, found by their tags; without a cluster's name the chart makes no Deployment.

    With a fallback the order is the user's: spot machines first. EKS names its auto scaling groups by its own, and
    `eks-a-...` begins the names of those of `a-b` as well.
    """
    grown = [pool for pool in pools if pool.grown_by == AUTOSCALER]
    first = [pool.name for pool in grown if not _is_fallback(pool, pools)]
    prefer = {
        "extraArgs": {"expander": "priority"},
        "expanderPriorities": {"50": [f"^eks-{name}-{_NUMBER}$" for name in first], "10": [".*"]},
    }
    return {
        "cloudProvider": "aws",
        "awsRegion": control.region,
        "autoDiscovery": {
            "clusterName": control.name,
            "tags": [GROWS_TAG, f"k8s.io/cluster-autoscaler/{control.name}"],
        },
        "rbac": {"serviceAccount": {"create": True, "name": AUTOSCALER}},
        **(prefer if len(first) < len(grown) else {}),
    }


def _is_fallback(pool: AwsNodePoolPlan, pools: Sequence[AwsNodePoolPlan]) -> bool:
    """True for the empty pool at list price beside one of spot machines under the same label."""
    alike = [other for other in pools if other.binding.node_selector == pool.binding.node_selector]
    return pool is not alike[0]


def registry(region: str) -> str:
    """Registry of EKS's own images of a region."""
    accounts = _registries()
    return f"{accounts.get(region, accounts['default'])}.dkr.ecr.{region}.amazonaws.com"


def _efa_machine_types(pools: Iterable[AwsNodePoolPlan], hyper: HyperPodPlan | None) -> Iterator[str]:
    groups = {group.pool: group.machine_type for group in hyper.groups} if hyper else {}
    for pool in pools:
        if EFA in pool.binding.devices:
            yield groups.get(pool.name, pool.machine.name)


def _rows(images: Iterable[str], add_ons: Iterable[str], nodes: str) -> Iterator[tuple[Owner, Rows]]:
    """Those of the file that are true here; the first to claim a thing has it."""
    there = sorted(images)
    for image in there:
        yield Owner.IMAGE, OWNERSHIP["image"][image]
    yield Owner.CLOUD, OWNERSHIP["nodes"][nodes]
    for name in add_ons:
        yield Owner.CLOUD, OWNERSHIP["add_on"].get(name, {})
        if "NVIDIA" in there:
            yield Owner.CLOUD, OWNERSHIP["add_on_with_nvidia"].get(name, {})


@cache
def _registries() -> Mapping[str, str]:
    return tomllib.loads(Path(__file__).with_name("registries.toml").read_text())
