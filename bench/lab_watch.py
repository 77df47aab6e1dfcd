"""What is seen of queues and gangs, and judged afterwards. The judgement is pure: it takes what was seen, in order.

Order is that of resource versions: etcd counts every write of the whole cluster, so a pod and the admission of its
gang can be told apart in time without a clock.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.existing.api import KubernetesApi, UnreachableError

KUEUE = "kueue.x-k8s.io/v1beta2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One state of one job in its queue."""

    job: str
    queue: str
    nodes: int
    priority: int
    at_s: float
    revision: int
    holds: bool
    """Whether it has its quota."""
    done: bool


@dataclass(slots=True)
class Watcher:
    """Everything that happens to workloads and pods while the block runs."""

    api: KubernetesApi
    namespace: str
    workloads: list[Seen] = field(default_factory=list)
    bound: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By pod, the revision and the time at which it had a node."""
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, *, pods: bool = True, workloads: bool = True) -> None:
        """Watches until the lab ends."""
        for wanted, follow in ((pods, self._pods), (workloads, self._workloads)):
            if wanted:
                self.threads.append(threading.Thread(target=follow, daemon=True))
                self.threads[-1].start()

    def _pods(self) -> None:
        for kind, body in self._events("v1", "Pod", "spec.nodeName!="):
            if kind == "ADDED":
                key = body["metadata"]["name"]
                self.bound.setdefault(key, (int(body["metadata"]["resourceVersion"]), time.monotonic()))

    def _workloads(self) -> None:
        for kind, body in self._events(KUEUE, "Workload", None):
            if kind != "DELETED":
                self.workloads.append(seen(body, time.monotonic()))

    def _events(self, api_version: str, kind: str, fields: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Begun again where it was: on a busy machine the API server ends the watch of who reads too slowly."""
        since = None
        while True:
            try:
                for event in self.api.watch(api_version, kind, self.namespace, fields=fields, since=since):
                    since = event[1]["metadata"]["resourceVersion"]
                    yield event
            except UnreachableError:
                return  # the lab has ended


def seen(workload: Mapping[str, Any], at_s: float) -> Seen:
    """What a Workload says of itself."""
    spec, status = workload["spec"], workload.get("status", {})
    true = {row["type"] for row in status.get("conditions", ()) if row["status"] == "True"}
    return Seen(
        job=workload["metadata"]["name"], queue=spec["queueName"], priority=spec.get("priority", 0),
        nodes=sum(one["count"] for one in spec["podSets"]), at_s=at_s,
        revision=int(workload["metadata"]["resourceVersion"]),
        holds="admission" in status and "Finished" not in true, done="Finished" in true,
    )  # fmt: skip


def early(bound: Mapping[str, tuple[int, float]], states: Sequence[Seen]) -> list[str]:
    """Pods that had a node before their gang was admitted; `states` are of one gang."""
    admitted = next((state.revision for state in states if state.holds), None)
    return sorted(pod for pod, (revision, _at) in bound.items() if admitted is None or revision < admitted)


def over_quota(states: Iterable[Seen], nodes: int) -> list[Seen]:
    """The states after which all jobs that hold quota had more nodes than there are."""
    held: dict[str, int] = {}
    found = []
    for state in states:
        held[state.job] = state.nodes if state.holds else 0
        if sum(held.values()) > nodes:
            found.append(state)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long a job waited for its quota."""

    job: str
    queue: str
    nodes: int
    priority: int
    waited_s: float | None
    """None where it never got it."""
    begun_s: float


def waits(states: Sequence[Seen]) -> list[Wait]:
    """Of every job, from when it was first seen to its first admission."""
    first: dict[str, Seen] = {}
    admitted: dict[str, float] = {}
    for state in states:
        first.setdefault(state.job, state)
        if state.holds or state.done:
            admitted.setdefault(state.job, state.at_s)
    return [
        Wait(
            job=job, queue=one.queue, nodes=one.nodes, priority=one.priority, begun_s=one.at_s,
            waited_s=admitted[job] - one.at_s if job in admitted else None,
        )
        for job, one in first.items()
    ]  # fmt: skip


def node_seconds(states: Sequence[Seen]) -> Mapping[str, float]:
    """What each queue had, in node-seconds, for as long as jobs waited in every queue."""
    held: dict[str, Seen] = {}
    total: dict[str, float] = defaultdict(float)
    queues = {state.queue for state in states}
    ends = [max(one.begun_s + (one.waited_s or 0) for one in waits(states) if one.queue == name) for name in queues]
    until = min(ends, default=0.0)
    for state in states:
        if (before := held.get(state.job)) and before.holds:
            total[state.queue] += state.nodes * max(0.0, min(state.at_s, until) - before.at_s)
        held[state.job] = state
    return dict(total)
