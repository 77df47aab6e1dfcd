"""The pods of a gang ask for the fabric of the machines that they are sent to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.machines import FABRIC_INTERFACES, LAUNCH_TEMPLATE, NODE_GROUP
from policies.rule import Resource, StackRule
from policies.values import at, entries

GANGS = (
    ("jobset.x-k8s.io", "JobSet"),
    ("trainer.kubeflow.org", "TrainingRuntime"),
    ("trainer.kubeflow.org", "ClusterTrainingRuntime"),
    ("batch.volcano.sh", "Job"),
    ("ray.io", "RayJob"),
    ("ray.io", "RayCluster"),
    ("kubeflow.org", "MPIJob"),
)
"""(group, kind) of what runs on several nodes at once."""
ACCELERATORS = ("nvidia.com/gpu", "aws.amazon.com/neuron")
FABRIC = "vpc.amazonaws.com/efa"


def check(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Each gang with pods that ask for accelerators of a node group with a fabric, and for nothing of the fabric."""
    pools = [group for group in resources if group.kind == NODE_GROUP and _has_fabric(group)]
    for gang in filter(_is_gang, resources):
        for pod in _pods(gang.outputs):
            asked, pool = _asked(pod), next((pool for pool in pools if _is_sent_to(pod, pool)), None)
            accelerator = next((name for name in ACCELERATORS if name in asked), None)
            if pool and accelerator and FABRIC not in asked:
                yield gang, f"its pods ask for {accelerator} on {pool.name}, which has EFA, and for no {FABRIC}"


def _is_gang(resource: Resource) -> bool:
    provider, _, rest = resource.kind.partition(":")
    version, _, kind = rest.partition(":")
    return provider == "kubernetes" and (version.partition("/")[0], kind) in GANGS


def _has_fabric(group: Resource) -> bool:
    interfaces = (entries(one.outputs, "networkInterfaces") for one in group.of("launchTemplate", LAUNCH_TEMPLATE))
    return any(at(each, "interfaceType") in FABRIC_INTERFACES for found in interfaces for each in found)


def _pods(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every pod's specification in a gang's, wherever its kind has it."""
    if isinstance(value, Mapping):
        if isinstance(value.get("containers"), list):
            yield value
        for within in value.values():
            yield from _pods(within)
    elif isinstance(value, list):
        for within in value:
            yield from _pods(within)


def _asked(pod: Mapping[str, Any]) -> set[str]:
    """Names of the resources that its containers ask for."""
    limits = (at(container, "resources", "limits") for container in entries(pod, "containers"))
    return {name for asked in limits if isinstance(asked, Mapping) for name in asked}


def _is_sent_to(pod: Mapping[str, Any], group: Resource) -> bool:
    selector, labels = pod.get("nodeSelector"), at(group.outputs, "labels")
    if not selector or not isinstance(selector, Mapping) or not isinstance(labels, Mapping):
        return False
    return all(labels.get(key) == value for key, value in selector.items())


RULE = StackRule(
    name="gang-fabric",
    reason="without the fabric's devices NCCL falls back to TCP, and the job runs at a fraction of what is paid for",
    remedy=f"ask for {FABRIC} in the pods' limits, as many as the machine has",
    level="mandatory",
    check=check,
)
