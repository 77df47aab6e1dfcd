"""Fields of Kubernetes objects that cannot change once the object is made, and what goes where it is made anew."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.field.deployed import at, every
from rehearsal.field.pods import quantity

VALIDATION = "Kubernetes API, validation of updates (pkg/apis/*/validation)"
KUEUE = "Kueue 0.18, definitions v1beta2 (x-kubernetes-validations with oldSelf)"
PODS_END = "all of its pods ended before others started"
EXPANSION = "Kubernetes, Expanding Persistent Volumes Claims; its admission plugin PersistentVolumeClaimResize"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRow:
    """One kind's fields that a server refuses to change."""

    group: str
    kind: str
    paths: tuple[str, ...]
    source: str
    where: str = ""
    """Path that must be set for the fields to be fixed, and then they can neither be added nor removed; empty: fixed
    always, and one that was never set counts for nothing."""
    lost: str = ""
    """Consequence of another object in its place, where there is one."""


ROWS = (
    FixedRow(
        group="apps", kind="Deployment", paths=("spec.selector",), source=VALIDATION,
        lost=PODS_END,
    ),
    FixedRow(
        group="apps", kind="DaemonSet", paths=("spec.selector",), source=VALIDATION,
        lost=PODS_END,
    ),
    FixedRow(
        group="apps", kind="StatefulSet",
        paths=("spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"),
        source=VALIDATION, lost=PODS_END,
    ),
    FixedRow(
        group="batch", kind="Job",
        paths=(
            "spec.template", "spec.selector", "spec.completions", "spec.completionMode", "spec.podFailurePolicy",
            "spec.backoffLimitPerIndex", "spec.managedBy",
        ),
        source=VALIDATION,
    ),
    FixedRow(
        group="", kind="PersistentVolumeClaim",
        paths=(
            "spec.accessModes", "spec.storageClassName", "spec.volumeName", "spec.selector", "spec.volumeMode",
            "spec.dataSource", "spec.dataSourceRef",
        ),
        source=VALIDATION, lost="pods that mount it keep it from going, and what it held goes with it",
    ),
    FixedRow(
        group="", kind="PersistentVolume",
        paths=("spec.csi", "spec.nfs", "spec.hostPath", "spec.local", "spec.volumeMode"), source=VALIDATION,
        lost="its claim keeps it from going",
    ),
    FixedRow(group="", kind="Secret", paths=("type",), source=VALIDATION),
    FixedRow(
        group="", kind="Secret", paths=("data", "immutable"), where="immutable",
        source="Kubernetes, Immutable Secrets",
    ),
    FixedRow(
        group="", kind="ConfigMap", paths=("data", "binaryData", "immutable"), where="immutable",
        source="Kubernetes, Immutable ConfigMaps",
    ),
    FixedRow(group="rbac.authorization.k8s.io", kind="RoleBinding", paths=("roleRef",), source=VALIDATION),
    FixedRow(group="rbac.authorization.k8s.io", kind="ClusterRoleBinding", paths=("roleRef",), source=VALIDATION),
    FixedRow(
        group="storage.k8s.io", kind="StorageClass",
        paths=("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"), source=VALIDATION,
    ),
    FixedRow(
        group="scheduling.k8s.io", kind="PriorityClass", paths=("value", "preemptionPolicy"), source=VALIDATION
    ),
    FixedRow(group="node.k8s.io", kind="RuntimeClass", paths=("handler",), source=VALIDATION),
    FixedRow(group="resource.k8s.io", kind="ResourceClaimTemplate", paths=("spec",), source=VALIDATION),
    FixedRow(
        group="apiextensions.k8s.io", kind="CustomResourceDefinition", paths=("spec.scope", "spec.group"),
        source=VALIDATION, lost="every object of its kind went with it",
    ),
    FixedRow(
        group="kueue.x-k8s.io", kind="ResourceFlavor",
        paths=("spec.nodeLabels", "spec.tolerations", "spec.topologyName"), where="spec.topologyName", source=KUEUE,
        lost="its queues keep it from going",
    ),
    FixedRow(group="kueue.x-k8s.io", kind="Topology", paths=("spec.levels",), source=KUEUE),
    FixedRow(group="kueue.x-k8s.io", kind="LocalQueue", paths=("spec.clusterQueue",), source=KUEUE),
    FixedRow(
        group="kai.scheduler", kind="Topology", paths=("spec.levels.nodeLabel",),
        source="KAI scheduler, definition of Topology v1alpha1 (x-kubernetes-validations with oldSelf)",
    ),
    FixedRow(
        group="jobset.x-k8s.io", kind="JobSet",
        paths=("spec.network", "spec.failurePolicy", "spec.successPolicy", "spec.startupPolicy"),
        source="JobSet, definition v1alpha2 (x-kubernetes-validations with oldSelf)",
    ),
    FixedRow(
        group="trainer.kubeflow.org", kind="TrainJob", paths=("spec.runtimeRef", "spec.trainer", "spec.initializer"),
        source="Kubeflow Trainer, definition of TrainJob v1alpha1 (x-kubernetes-validations with oldSelf)",
    ),
    FixedRow(
        group="batch.volcano.sh", kind="Job",
        paths=("spec.queue", "spec.schedulerName", "spec.plugins", "spec.policies", "spec.tasks.template"),
        source="Volcano, pkg/webhooks/admission/jobs/validate: only minAvailable and replicas change",
    ),
    FixedRow(
        group="resource.nvidia.com", kind="ComputeDomain", paths=("spec",),
        source="NVIDIA DRA driver, definition of ComputeDomain v1beta1 (x-kubernetes-validations with oldSelf)",
    ),
)  # fmt: skip


def fixed_fields(group: str, kind: str) -> Iterator[FixedRow]:
    """The rows of a kind."""
    return (row for row in ROWS if (row.group, row.kind) == (group, kind))


def changed(row: FixedRow, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Paths of the row that differ and cannot."""
    if row.where and not at(old, row.where):
        return
    for path in row.paths:
        was = tuple(every(old, path))
        if (was or row.where) and was != tuple(every(new, path)):
            yield path


def why_not_resized(old: Mapping[str, Any], new: Mapping[str, Any], expands: Callable[[str], bool]) -> str:
    """Reason why a claim cannot have its new size, "" where it can. `expands`: by its name, whether a class lets its
    claims grow.
    """
    path = "spec.resources.requests.storage"
    was, now = at(old, path), at(new, path)
    if was is None or now is None or quantity(was) == quantity(now):
        return ""
    if quantity(now) < quantity(was):
        return f"{path}: goes from {was} to {now}, and a claim never shrinks"
    name = str(at(new, "spec.storageClassName") or "")
    if name and expands(name):
        return ""
    grows = f"the class {name} does not let its claims grow" if name else "one without a class never grows"
    return f"{path}: goes from {was} to {now}, and {grows}"
