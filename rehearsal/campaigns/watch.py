"""Observations of queues and gangs, judged afterwards. The judgement is pure: it takes them in order.

Order is that of resource versions: etcd counts every write of the whole cluster, so a pod and the admission of its
gang can be told apart in time without a clock.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from lab.lab import Lab

KUEUE = "kueue.x-k8s.io/v1beta2"
JOBSET_NAME = "jobset.sigs.k8s.io/jobset-name"
AGAIN_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One state of one job in its queue."""

    job: str
    gang: str
    """The JobSet that it is of."""
    queue: str
    nodes: int
    priority: int
    at_s: float
    revision: int
    holds: bool
    """True if it has its quota."""
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A pod that got its node."""

    gang: str
    revision: int
    at_s: float


@dataclass(slots=True)
class Watcher:
    """Everything that happens to workloads and pods."""

    api: KubernetesApi
    namespace: str
    workloads: list[Seen] = field(default_factory=list)
    bound: dict[str, Bound] = field(default_factory=dict)
    """By pod."""
    over: threading.Event = field(default_factory=threading.Event)

    def follow_pods(self) -> None:
        for kind, body in self._events("v1", "Pod", "spec.nodeName!="):
            if kind == "ADDED":
                metadata = body["metadata"]
                gang, revision = metadata["labels"].get(JOBSET_NAME, ""), int(metadata["resourceVersion"])
                self.bound.setdefault(metadata["name"], Bound(gang=gang, revision=revision, at_s=time.monotonic()))

    def follow_workloads(self) -> None:
        for kind, body in self._events(KUEUE, "Workload", None):
            if kind != "DELETED":
                self.workloads.append(seen(body, time.monotonic()))

    def _events(self, api_version: str, kind: str, fields: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Begun again where it was: a busy API server ends the watch of who reads too slowly, a killed one all."""
        since = None
        while not self.over.wait(AGAIN_S):
            try:
                for event in self.api.watch(api_version, kind, self.namespace, fields=fields, since=since):
                    since = event[1]["metadata"]["resourceVersion"]
                    yield event
            except UnreachableError:
                continue
            except ApiError:
                since = None


@contextmanager
def watching(lab: Lab, namespace: str, *, pods: bool = True, workloads: bool = True) -> Iterator[Watcher]:
    """A watcher that watches from two threads while the block runs."""
    with KubernetesApi(lab.access()) as api:
        watcher = Watcher(api, namespace)
        for wanted, follow in ((pods, watcher.follow_pods), (workloads, watcher.follow_workloads)):
            if wanted:
                threading.Thread(target=follow, daemon=True).start()
        try:
            yield watcher
        finally:
            watcher.over.set()


def seen(workload: Mapping[str, Any], at_s: float) -> Seen:
    """Status of a Workload."""
    spec, status = workload["spec"], workload.get("status", {})
    true = {row["type"] for row in status.get("conditions", ()) if row["status"] == "True"}
    return Seen(
        job=workload["metadata"]["name"], gang=_owner(workload), queue=spec["queueName"],
        priority=spec.get("priority", 0), nodes=sum(one["count"] for one in spec["podSets"]), at_s=at_s,
        revision=int(workload["metadata"]["resourceVersion"]),
        holds="admission" in status and "Finished" not in true, done="Finished" in true,
    )  # fmt: skip


def _owner(workload: Mapping[str, Any]) -> str:
    return next((str(one["name"]) for one in workload["metadata"].get("ownerReferences", ())), "")


def early(bound: Mapping[str, Bound], states: Sequence[Seen]) -> list[str]:
    """Pods that got a node while their gang held no quota."""
    by_gang: dict[str, list[Seen]] = defaultdict(list)
    for state in sorted(states, key=lambda one: one.revision):
        by_gang[state.gang].append(state)
    return sorted(pod for pod, one in bound.items() if not _held(by_gang[one.gang], one.revision))


def _held(states: Sequence[Seen], revision: int) -> bool:
    """True if the last of a gang's states before then has quota."""
    before = [state for state in states if state.revision < revision]
    return bool(before) and before[-1].holds


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
    """Time that a job waited for its quota."""

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
    """Node-seconds of each queue, for as long as jobs waited in every queue."""
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
