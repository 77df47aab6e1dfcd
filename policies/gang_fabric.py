"""The pods of a gang ask for the fabric of the machines that they are sent to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.clouds import pools
from policies.facts import Pool
from policies.rule import StackResource, StackRule
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
"""(group, kind) of jobs that run on several nodes at once."""


def check(resources: Sequence[StackResource]) -> Iterator[tuple[StackResource, str]]:
    """Each gang with pods that ask for accelerators of a pool with a fabric, and for nothing of the fabric."""
    fast = [
        (pool, cloud, group) for group, pool, starts, cloud in pools(resources) if any(x.has_fabric for x in starts)
    ]
    for gang in filter(_is_gang, resources):
        for pod in _pods(gang.outputs):
            asked, place = _asked(pod), next((place for place in fast if _is_sent_to(pod, place[0])), None)
            if place is None or place[1].fabric_device in asked:
                continue
            _, cloud, group = place
            if accelerator := next((name for name in cloud.accelerator_devices if name in asked), None):
                having = f"{group.name}, which has {cloud.fabric}"
                yield gang, f"its pods ask for {accelerator} on {having}, and for no {cloud.fabric_device}"


def _is_gang(resource: StackResource) -> bool:
    provider, _, rest = resource.kind.partition(":")
    version, _, kind = rest.partition(":")
    return provider == "kubernetes" and (version.partition("/")[0], kind) in GANGS


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


def _is_sent_to(pod: Mapping[str, Any], pool: Pool) -> bool:
    selector, labels = pod.get("nodeSelector"), pool.labels
    if not selector or not isinstance(selector, Mapping) or not isinstance(labels, Mapping):
        return False
    return all(labels.get(key) == value for key, value in selector.items())


RULE = StackRule(
    name="gang-fabric",
    reason="without the fabric's devices NCCL falls back to TCP, and the job runs at a fraction of what is paid for",
    remedy="ask for the fabric's device in the pods' limits, as many as the machine has",
    level="mandatory",
    check=check,
)
