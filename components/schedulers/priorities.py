"""Priorities for schedulers that take them from Kubernetes' own classes."""

from components.labels import OWN_LABELS
from components.plan.kubernetes import NAMESPACE, Manifest
from components.spec.scheduler import Priority

PRIORITIES = {Priority.LOW: 10, Priority.NORMAL: 50, Priority.HIGH: 90}
"""Below 100, from which on KAI takes a job for one that must not be put back (its docs/priority)."""


def priority_classes() -> tuple[Manifest, ...]:
    """One for each priority. They belong to penstock's pods alone and are nobody's default, which is what a class
    without `globalDefault` says: the API server drops a false one, and an engine would see a change for ever."""
    return tuple(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": priority_class(priority), "labels": dict(OWN_LABELS)},
            "value": value,
            "description": f"{priority} priority of penstock's jobs",
        }
        for priority, value in PRIORITIES.items()
    )


def priority_class(priority: Priority) -> str:
    return f"{NAMESPACE}-{priority}"
