"""Claims: a claim that names no storage class waits for a default one, and some clouds make none."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, at

DEFAULT = "metadata.annotations"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"

CHARTS = {
    "loki": ("singleBinary.persistence.storageClass", "singleBinary.persistence.enabled"),
    "slurm": ("controller.persistence.storageClassName", "controller.persistence.enabled"),
    "nvsentinel": ("mongodb-store.mongodb.persistence.storageClass", "global.mongodbStore.enabled"),
}
"""Charts whose pods claim a disk by default: value paths of the class, and of what switches the claim off. Rendered by
helm at penstock's versions; nvsentinel's by its documentation."""


KEEPS = {"kube-prometheus-stack": "prometheus.prometheusSpec.storageSpec"}
"""Charts that keep data for days, in a folder of their pod unless the value says on what."""
FORGETS = {"loki": ("loki.limits_config.retention_period", "loki.compactor.retention_enabled")}
"""Charts that keep all that they get unless these values are set."""
NEVER = "Grafana Loki, Log retention: by default retention is not enabled, and logs live for ever"
OF_A_POD = "Kubernetes, Volumes: an emptyDir is deleted with its pod; kube-prometheus-stack's values, storageSpec"


def claims(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each claim without a class, where neither cloud nor stack makes a default one, for what is kept in
    a pod where the stack makes one, and for disks that fill.
    """
    for chart in deployment.charts:
        if missing := [path for path in FORGETS.get(chart.chart, ()) if not at(chart.values, path)]:
            message = f"forgets nothing ({', '.join(missing)}): its disk fills, and it takes no more"
            yield Finding(rule="claims", subject=chart.chart, message=message, source=NEVER)
    if any(_is_default(body) for body in deployment.objects):
        for chart in deployment.charts:
            if chart.chart in KEEPS and not at(chart.values, KEEPS[chart.chart]):
                message = (
                    f"keeps its data in its pod ({KEEPS[chart.chart]} is not set): each update and repair loses it"
                )
                yield Finding(rule="claims", subject=chart.chart, message=message, source=OF_A_POD)
        return
    source = deployment.facts.no_default_class
    if not source:
        return
    for subject in _without_class(deployment):
        message = "claims a disk without naming a storage class, and the cluster has no default one: it stays pending"
        yield Finding(rule="claims", subject=subject, message=message, source=source)


def _is_default(body: Mapping[str, Any]) -> bool:
    marks = at(body, DEFAULT) or {}
    return body.get("kind") == "StorageClass" and marks.get(IS_DEFAULT) == "true"


def _without_class(deployment: Deployment) -> Iterator[str]:
    for chart in deployment.charts:
        named, switch = CHARTS.get(chart.chart, ("", ""))
        if named and at(chart.values, switch) is not False and not at(chart.values, named):
            yield chart.chart
    for body in deployment.objects:
        spec = body.get("spec") or {}
        if body.get("kind") == "PersistentVolumeClaim" and "storageClassName" not in spec:
            yield f"PersistentVolumeClaim {at(body, 'metadata.name')}"
        for template in spec.get("volumeClaimTemplates") or ():
            if "storageClassName" not in template.get("spec", {}):
                yield f"{body.get('kind')} {at(body, 'metadata.name')}"
