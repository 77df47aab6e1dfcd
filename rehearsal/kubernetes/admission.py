"""Admission between a request and an object: webhooks of the charts that are installed, and their finalizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from components.kubernetes.definitions import GROUPS_OF_CHARTS
from rehearsal.field.deployed import every
from rehearsal.kubernetes.kinds import Served
from rehearsal.kubernetes.objects import Body, Objects
from rehearsal.kubernetes.refusals import RefusalError

CHART = "penstock.dev/chart"  # label of the Deployment that stands for a release
# Charts whose kinds pass a webhook of the chart's own, with the Service that it stands behind; {name} is the release's
# or its `fullnameOverride`. Source: their ValidatingWebhookConfigurations.
WEBHOOK_SERVICES: Mapping[str, str] = {
    "kueue": "{name}-webhook-service",
    "jobset": "{name}-webhook-service",
    "kubeflow-trainer": "{name}-controller-manager",
    "lws": "{name}-webhook-service",
    "volcano": "{name}-admission-service",
    "kai-scheduler": "admission",
    "kuberay-operator": "{name}-webhook-service",
    "keda": "keda-admission-webhooks",
    "cert-manager": "{name}-webhook",
    "slurm-operator": "{name}-webhook",
    "network-operator": "{name}-webhook-service",
    "kube-prometheus-stack": "{name}-operator",
    "aws-load-balancer-controller": "aws-load-balancer-webhook-service",
}
CHARTS_OF_GROUPS = {group: chart for chart, groups in GROUPS_OF_CHARTS.items() for group in groups}
# What a controller puts on its objects and takes away when they may go. Source: the controllers' own constants.
FINALIZERS: Mapping[tuple[str, str], str] = {
    ("kueue.x-k8s.io", "ClusterQueue"): "kueue.x-k8s.io/resource-in-use",
    ("kueue.x-k8s.io", "ResourceFlavor"): "kueue.x-k8s.io/resource-in-use",
    ("kueue.x-k8s.io", "AdmissionCheck"): "kueue.x-k8s.io/resource-in-use",
    ("karpenter.sh", "NodePool"): "karpenter.sh/termination",
    ("karpenter.sh", "NodeClaim"): "karpenter.sh/termination",
    ("karpenter.k8s.aws", "EC2NodeClass"): "karpenter.k8s.aws/termination",
    ("keda.sh", "ScaledObject"): "finalizer.keda.sh",
    ("slinky.slurm.net", "NodeSet"): "slinky.slurm.net/finalizer",
}


class Admission:
    """Asked before an object is stored. `silent` says whether a script keeps a kind's webhook from answering."""

    def __init__(self, objects: Objects, *, silent: Callable[[str], bool]) -> None:
        self._objects, self._silent = objects, silent

    def admit(self, kind: Served, body: Body, old: Body | None) -> None:
        """RefusalError 500 while the webhook of the object's kind does not answer."""
        chart = _chart_of(kind.group)
        if chart in WEBHOOK_SERVICES and (found := self._controller(chart)):
            self._require_webhook(kind, chart, found)
        if self._silent(kind.kind):
            raise _no_answer(kind, "the fault script has it")
        finalizer = FINALIZERS.get((kind.group, kind.kind))
        if finalizer and old is None and self._controller(chart):
            body["metadata"].setdefault("finalizers", []).append(finalizer)

    def release(self, key: str, body: Body) -> None:
        """Takes a controller's finalizer off an object that is to go and that nothing uses, if the controller runs."""
        group, kind, *_ = key.split("|")
        finalizer, found = FINALIZERS.get((group, kind)), self._controller(_chart_of(group))
        if kind == "NodePool" and "deletionTimestamp" in body["metadata"] and found and is_available(found):
            self._end_machines(str(body["metadata"]["name"]))
        leaves = "deletionTimestamp" in body["metadata"] and not self._in_use(kind, str(body["metadata"]["name"]))
        if leaves and finalizer and found and is_available(found):
            held = body["metadata"].get("finalizers") or []
            body["metadata"]["finalizers"] = [one for one in held if one != finalizer]
            if not body["metadata"]["finalizers"]:
                self._objects.drop(key)

    def _end_machines(self, pool: str) -> None:
        """NodeClaims go with their NodePool, and their nodes with them."""
        for key, claim in self._objects.all():
            labels = claim["metadata"].get("labels") or {}
            if key.startswith("karpenter.sh|NodeClaim|") and labels.get("karpenter.sh/nodepool") == pool:
                self._objects.drop(key)

    def _in_use(self, kind: str, name: str) -> bool:
        """True for a flavor that a queue has (Kueue, pkg/controller/core/resourceflavor_controller.go), and for a class
        while there are machines of it (Karpenter, pkg/controllers/nodeclass/controller.go).
        """
        if kind == "EC2NodeClass":
            return any(
                name in every(claim, "spec.nodeClassRef.name")
                for key, claim in self._objects.all()
                if key.startswith("karpenter.sh|NodeClaim|")
            )
        return kind == "ResourceFlavor" and any(
            name in every(queue, "spec.resourceGroups.flavors.name")
            for key, queue in self._objects.all()
            if key.startswith("kueue.x-k8s.io|ClusterQueue|")
        )

    def _require_webhook(self, kind: Served, chart: str, controller: Body) -> None:
        if not is_available(controller):
            raise _no_answer(kind, f"no endpoints available for the webhook of {chart}")

    def _controller(self, chart: str) -> Body | None:
        """The Deployment of the chart's release, None where it is not installed."""
        for key, body in self._objects.all():
            if key.startswith("apps|Deployment|") and (body["metadata"].get("labels") or {}).get(CHART) == chart:
                return body
        return None


def _chart_of(group: str) -> str:
    """The chart that runs the kinds of an API group, "" where none here does."""
    return CHARTS_OF_GROUPS.get(group, "")


def is_available(controller: Body) -> bool:
    """True for a Deployment that has its pods."""
    rows = controller.get("status", {}).get("conditions", ())
    return any(row["type"] == "Available" and row["status"] == "True" for row in rows)


def _no_answer(kind: Served, why: str) -> RefusalError:
    text = f'Internal error occurred: failed calling webhook "v{kind.kind.lower()}.{kind.group or "core"}": {why}'
    return RefusalError(500, "InternalError", text)
