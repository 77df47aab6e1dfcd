"""Which software on a cluster does what, known by the images that run and the definitions that are there."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from components.kubernetes.inventory import noted
from components.plan.kubernetes import Concern, Owner, Ownership
from providers.existing.devices import ACCELERATORS, fabric_of_resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """A workload that does something penstock could do too."""

    name: str
    """What it is called, such as `prometheus-operator`."""
    where: str
    """`Deployment monitoring/prometheus-operator`."""
    does: tuple[Concern, ...]


_IMAGES: Sequence[tuple[str, str, tuple[Concern, ...]]] = (
    (r"nvidia/gpu-operator|gpu-operator:", "NVIDIA GPU operator", (
        Concern.DEVICE_PLUGIN, Concern.CONTAINER_TOOLKIT, Concern.DCGM_EXPORTER)),
    (r"nvidia/driver:", "NVIDIA driver container", (Concern.DRIVER,)),
    (r"container-toolkit:", "NVIDIA container toolkit", (Concern.CONTAINER_TOOLKIT,)),
    (r"k8s-device-plugin[:@]|nvidia-gpu-device-plugin", "NVIDIA device plugin", (Concern.DEVICE_PLUGIN,)),
    (r"neuron-device-plugin", "Neuron device plugin", (Concern.DEVICE_PLUGIN,)),
    (r"rocm/k8s-device-plugin", "AMD device plugin", (Concern.DEVICE_PLUGIN,)),
    (r"dra-driver-nvidia-gpu|k8s-dra-driver-gpu", "NVIDIA DRA driver", (Concern.COMPUTE_DOMAINS,)),
    (r"aws-efa-k8s-device-plugin", "EFA device plugin", (Concern.FABRIC_DEVICES,)),
    (r"k8s-rdma-shared-dev-plugin", "RDMA shared device plugin", (Concern.FABRIC_DEVICES,)),
    (r"sriov-network-device-plugin", "SR-IOV device plugin", (Concern.FABRIC_DEVICES,)),
    (r"network-operator:", "NVIDIA network operator", (Concern.FABRIC_DEVICES,)),
    (r"nvidia/(cloud-native/)?dcgm:", "DCGM host engine", (Concern.DCGM,)),
    (r"dcgm-exporter", "DCGM exporter", (Concern.DCGM_EXPORTER,)),
    (r"node-feature-discovery", "node feature discovery", (Concern.NODE_FEATURES,)),
    (r"node-problem-detector", "node problem detector", (Concern.NODE_HEALTH,)),
    (r"eks-node-monitoring-agent", "EKS node monitoring agent", (Concern.NODE_HEALTH,)),
    (r"nvsentinel", "NVSentinel", (Concern.NODE_HEALTH, Concern.NODE_REPAIR)),
    (r"topograph", "Topograph", (Concern.TOPOLOGY_LABELS,)),
    (r"karpenter", "Karpenter", (Concern.NODE_AUTOSCALER,)),
    (r"cluster-autoscaler", "cluster autoscaler", (Concern.NODE_AUTOSCALER,)),
    (r"prometheus-operator/prometheus-operator|prometheus-operator:", "Prometheus operator",
        (Concern.PROMETHEUS_OPERATOR,)),
    (r"kedacore/keda-metrics|keda-metrics-apiserver", "KEDA", (Concern.EXTERNAL_METRICS,)),
    (r"prometheus-adapter", "Prometheus adapter", (Concern.EXTERNAL_METRICS,)),
    (r"cert-manager-controller", "cert-manager", (Concern.CERTIFICATES,)),
    (r"jobset/jobset", "JobSet controller", (Concern.JOBSET,)),
    (r"trainer-controller-manager", "Kubeflow Trainer", (Concern.TRAINJOB,)),
    (r"kuberay/operator", "KubeRay", (Concern.RAY,)),
    (r"kueue/kueue|cks-kueue", "Kueue", (Concern.QUEUES,)),
    (r"vc-scheduler", "Volcano", (Concern.GANG_SCHEDULER,)),
    (r"kai-scheduler/scheduler", "KAI scheduler", (Concern.GANG_SCHEDULER,)),
    (r"aws-fsx-csi-driver|lustre-csi", "Lustre CSI driver", (Concern.LUSTRE_CSI,)),
    (r"nfsplugin|csi-driver-nfs|aws-efs-csi-driver", "NFS CSI driver", (Concern.NFS_CSI,)),
    (r"fluent-bit|fluentd|promtail|vector:", "a log collector", (Concern.LOGS,)),
    (r"external-dns", "external-dns", (Concern.DNS_NAMES,)),
)  # fmt: skip
"""Pattern in an image's reference, the software, what it does. A mirror keeps the end of a reference, so only that is
looked at. The GPU operator's own parts are listed too, for clusters that run them without it."""

_DEFINITIONS: Mapping[str, tuple[str, Concern]] = {
    "mpijobs.kubeflow.org": ("an MPIJob definition", Concern.MPIJOB),
    "gateways.gateway.networking.k8s.io": ("the Gateway API's definitions", Concern.GATEWAY_API),
    "jobsets.jobset.x-k8s.io": ("JobSet's definition", Concern.JOBSET),
    "trainjobs.trainer.kubeflow.org": ("Kubeflow Trainer's definitions", Concern.TRAINJOB),
    "rayclusters.ray.io": ("KubeRay's definitions", Concern.RAY),
    "clusterqueues.kueue.x-k8s.io": ("Kueue's definitions", Concern.QUEUES),
    "prometheuses.monitoring.coreos.com": ("the Prometheus operator's definitions", Concern.PROMETHEUS_OPERATOR),
}
"""Where a second set of definitions would overwrite the first, whether or not its controller is running now."""


def software(workloads: Iterable[Mapping[str, Any]]) -> tuple[Software, ...]:
    """What of it penstock knows."""
    return tuple(found for one in workloads for found in _known(one))


def inventory_of(manifest: Mapping[str, Any] | None) -> AbstractSet[Concern]:
    """What penstock itself does on this cluster, by its own note."""
    return set(noted(manifest))


def owners_of(
    running: Iterable[Software], kinds: AbstractSet[str], devices: Iterable[str], own: AbstractSet[Concern]
) -> dict[Concern, Ownership]:
    """What is done by others. What penstock's note calls its own is not theirs, whatever evidence there is of it."""
    found: dict[Concern, Ownership] = {}
    for one in running:
        for concern in one.does:
            found.setdefault(concern, _others(one.name, f"{one.where} runs"))
    for kind, (name, concern) in _DEFINITIONS.items():
        if kind in kinds:
            found.setdefault(concern, _others(name, f"the cluster has {kind}"))
    for concern, name, resource in _offered(devices):
        found.setdefault(concern, _others(name, f"nodes offer {resource}"))
    return {concern: found[concern] for concern in Concern if concern in found and concern not in own}


def _known(workload: Mapping[str, Any]) -> Iterable[Software]:
    metadata, pod = workload["metadata"], workload["spec"]["template"]["spec"]
    images = [container["image"] for container in pod.get("containers", ())]
    where = f"{workload['kind']} {metadata.get('namespace', 'default')}/{metadata['name']}"
    for pattern, name, does in _IMAGES:
        if any(re.search(pattern, image) for image in images):
            yield Software(name=name, where=where, does=does)


def _offered(devices: Iterable[str]) -> Iterable[tuple[Concern, str, str]]:
    """Whoever it is: a node that offers a device has a driver and a plugin for it."""
    for resource in sorted(devices):
        if resource in ACCELERATORS:
            yield Concern.DRIVER, "the nodes", resource
            yield Concern.CONTAINER_TOOLKIT, "the nodes", resource
            yield Concern.DEVICE_PLUGIN, "the nodes", resource
        elif fabric_of_resource(resource):
            yield Concern.FABRIC_DEVICES, "the nodes", resource


def _others(by: str, reason: str) -> Ownership:
    return Ownership(owner=Owner.OTHERS, by=by, reason=reason)
