"""Sums: pods that can never all be placed, and updates that wait for a place that never comes.

Pods are packed first fit, those with the most devices first, onto the most nodes that a pool has: no scheduler that
does not move pods does better. By devices, and by memory where such nodes were measured.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rehearsal.field.allocatable import offered
from rehearsal.field.autoscalers import why_not_grown
from rehearsal.field.deployed import Deployment, Finding, MachinePool, at
from rehearsal.field.landing import asked_by_daemons
from rehearsal.field.pods import HASH, requests, why_elsewhere
from rehearsal.field.propagation import made_before

COUNTS = ("replicas", "parallelism", "numNodes")
"""Fields that multiply the pods below them: of Deployments, Jobs, JobSets, RayJobs, Volcano's Jobs."""
SCHEDULER = "Kubernetes, Assigning Pods to Nodes: a pod that fits on no node stays pending"
SPREADING = (
    "Kubernetes, Scheduler Configuration: NodeResourcesFit prefers the least allocated node, PodTopologySpread the one "
    "with the fewest pods alike; a pod that runs is not moved"
)
JOB, UNAWAITED = "kubernetes:batch/v1:Job", "pulumi.com/skipAwait"
"""A Job is there for Pulumi when it has ended, unless it is told not to wait (pulumi-kubernetes, "Await logic")."""
ROLLOUT = "Kubernetes, Deployments: a rolling update waits until maxSurge pods are ready, while maxUnavailable is 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Pods of one object that are alike."""

    subject: str
    kind: str
    count: int
    spec: Mapping[str, Any]
    surge: int = 0
    """Pods more that an update cannot do without."""


def sums(deployment: Deployment) -> Iterator[Finding]:
    """A finding for pods of a pool that never are all there, and for an update that never ends."""
    told = set[tuple[str, str]]()
    for bodies in _at_once(deployment):
        wanted = [one for body in bodies for one in _wanted(body)]
        for finding in _of_pods(deployment, wanted):
            if (finding.subject, finding.message) not in told:
                told.add((finding.subject, finding.message))
                yield finding


def _at_once(deployment: Deployment) -> Iterator[list[Mapping[str, Any]]]:
    """Bodies whose pods may be there together: the engine waits until a Job has ended before it makes what needs it."""
    after = {
        job.key: [
            one.inputs
            for one in deployment.resources
            if "kind" in one.inputs and job.key in made_before(deployment, one)
        ]
        for job in deployment.of(JOB)
        if (at(job.inputs, "metadata.annotations") or {}).get(UNAWAITED) != "true"
    }
    first = [job.inputs for job in deployment.of(JOB) if after.get(job.key)]
    yield _without(deployment.objects, first)
    for later in filter(None, after.values()):
        yield _without(deployment.objects, later)


def _without(bodies: Iterable[Mapping[str, Any]], gone: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    left_out = {id(body) for body in gone}
    return [body for body in bodies if id(body) not in left_out]


def _of_pods(deployment: Deployment, wanted: list[Wanted]) -> Iterator[Finding]:
    for pool in deployment.pools:
        own = [one for one in wanted if _only_home(deployment, pool, one)]
        names = ", ".join(dict.fromkeys(one.subject for one in own))
        nodes = pool.desired if why_not_grown(deployment, pool) else pool.maximum
        if not own or not any(pool.devices.values()):
            continue
        if not _placed(deployment, pool, nodes, own):
            message = f"{_said(own)} are never all there: {pool.name} has {nodes} nodes at most, so some wait for ever"
            yield Finding(rule="sums", subject=names, message=message, source=SCHEDULER)
            continue
        if not _placed(deployment, pool, nodes, own, spread=True):
            message = f"{_said(own)}: where servers stand on as many of the {nodes} nodes of {pool.name} as they can, "
            yield Finding(rule="sums", subject=names, message=message + "the gang never starts", source=SPREADING)
            continue
        for one in own:
            more = [replace(other, count=other.count + (one.surge if other is one else 0)) for other in own]
            if one.surge and not _placed(deployment, pool, nodes, more):
                message = f"an update starts {one.surge} more before one goes, and {pool.name} has no place for it"
                yield Finding(rule="sums", subject=one.subject, message=message, source=ROLLOUT)


def _said(own: list[Wanted]) -> str:
    return " and ".join(f"{one.count} pods of {one.subject}" for one in own)


def _only_home(deployment: Deployment, pool: MachinePool, one: Wanted) -> bool:
    """True where no other pool takes these pods."""
    return [other.name for other in deployment.pools if not why_elsewhere(other, one.spec)] == [pool.name]


def _wanted(body: Mapping[str, Any]) -> Iterator[Wanted]:
    kind = str(body.get("kind", ""))
    subject = f"{kind} {HASH.sub('', str(at(body, 'metadata.name') or ''))}"
    for count, spec in _counted(body.get("spec"), 1):
        yield Wanted(subject=subject, kind=kind, count=count, spec=spec, surge=_surge(body, kind, count))


def _surge(body: Mapping[str, Any], kind: str, count: int) -> int:
    """Of a Deployment that lets none go first: a share that may be missing is rounded down, a surge up to one at least.
    One whose number an autoscaler has is judged at a single pod.
    """
    rolling = at(body, "spec.strategy.rollingUpdate") or {}
    if kind != "Deployment" or at(body, "spec.strategy.type") == "Recreate":
        return 0
    missing = str(rolling.get("maxUnavailable", "25%"))
    share = missing.removesuffix("%")
    if (int(share) * count // 100 if missing.endswith("%") else int(share)) > 0:
        return 0
    surge = rolling.get("maxSurge", 1)
    return int(surge) if isinstance(surge, int) else 1


def _counted(value: Any, times: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Pod specs with how often each is there."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from _counted(part, times)
    elif isinstance(value, Mapping):
        if isinstance(value.get("containers"), list):
            yield times, value
            return
        for name in COUNTS:
            times *= int(value.get(name, 1)) if isinstance(value.get(name, 1), int | float) else 1
        for part in value.values():
            yield from _counted(part, times)


def _placed(deployment: Deployment, pool: MachinePool, nodes: int, own: list[Wanted], *, spread: bool = False) -> bool:
    """True if all have a place at once; `spread`: where servers came before all others, each on the emptiest node."""
    offer = offered(deployment.facts.nodes, pool)
    free: dict[str, float] = {name: float(count) for name, count in pool.devices.items() if count}
    if offer:
        free["memory"] = (offer.memory_ki - asked_by_daemons(deployment, pool)[1]) * 1024.0
    left = [dict(free) for _ in range(nodes)]
    servers = [one for one in own if spread and one.kind == "Deployment"]
    for one in servers:
        wants = {name: float(requests(one.spec).get(name, 0)) for name in free}
        for _ in range(one.count):
            able = [node for node in left if all(node[name] >= want for name, want in wants.items())]
            emptiest = max(able, key=lambda node: sum(node[name] / free[name] for name in free), default=None)
            if emptiest is not None:
                emptiest.update({name: emptiest[name] - want for name, want in wants.items()})
    others = [one for one in own if one not in servers]
    asked = [({name: float(requests(one.spec).get(name, 0)) for name in free}, one.count) for one in others]
    for wants, count in sorted(asked, key=lambda one: sorted(one[0].items()), reverse=True):
        waiting = count
        for node in left:
            there = min([waiting, *(int((node[name] + 1e-6) / want) for name, want in wants.items() if want)])
            waiting -= there
            for name, want in wants.items():
                node[name] -= there * want
        if waiting:
            return False
    return True
