"""Disruption: what moves pods to save nodes takes a whole gang with one of them, unless they say that they stay."""

from collections.abc import Iterator

from rehearsal.field.deployed import Deployment, Finding
from rehearsal.field.pods import HASH, requests, templates_of

GANGS = ("Job", "JobSet", "TrainingRuntime", "ClusterTrainingRuntime", "RayJob", "MPIJob", "PyTorchJob")
"""Kinds whose pods end together, in whatever group they are."""

MARKS = {
    "karpenter.sh/do-not-disrupt": ("true", "Karpenter, Disruption: consolidation and drift move pods without it"),
    "cluster-autoscaler.kubernetes.io/safe-to-evict": (
        "false", "kubernetes/autoscaler, cluster-autoscaler/FAQ.md: pods of a node that is little used are evicted"
    ),
}  # fmt: skip


def disruption(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each mark that pods of a gang on accelerators lack, those without any among them: a head or a
    launcher that is moved ends the gang as well.
    """
    for body in deployment.objects:
        if body.get("kind") not in GANGS:
            continue
        subject = f"{body['kind']} {HASH.sub('', body['metadata']['name'])}"
        templates = list(templates_of(body.get("spec")))
        if not any(name.endswith(("/gpu", "/neuron", "/tpu")) for one in templates for name in requests(one["spec"])):
            continue
        for template in templates:
            marks = (template.get("metadata") or {}).get("annotations") or {}
            for key, (value, source) in MARKS.items():
                if marks.get(key) != value:
                    message = f"its pods lack {key}={value}: an autoscaler may move one, and the gang starts again"
                    yield Finding(rule="disruption", subject=subject, message=message, source=source)
