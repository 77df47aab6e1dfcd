"""A gang of a thousand nodes: through JobSet and Kueue, by topology, against its pods bound by the scheduler alone."""

import copy
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.figures import Figure
from bench.lab_cluster import LabCluster, cluster
from rehearsal.campaigns.watch import early, watching

NODES = 1024
ROUNDS = 2
PATIENCE_S = 300.0
BARE = "bare"
"""A namespace in which neither Kueue nor JobSet looks at anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of a gang."""

    seconds: float
    """From create to the last pod bound."""
    admitted_s: float | None
    first_s: float
    early: int
    """Pods that had a node before the gang was admitted."""
    used: Mapping[str, float]
    """Processor seconds of each of the lab's programs."""


def figures(nodes: int = NODES, rounds: int = ROUNDS) -> list[Figure]:
    """Ratio of the medians; pods bound before admission."""
    with cluster(nodes) as found:
        pairs = [(bare(found, nodes, index), _gang(found, nodes, index)) for index in range(rounds)]
    bare = median(one.seconds for one, _ in pairs)
    gang = median(one.seconds for _, one in pairs)
    what = f"gang of {nodes:,} through Kueue by topology / bare scheduler"
    note = f"{gang:.1f} s against {bare:.1f} s, medians of {rounds}"
    partial = sum(one.early for _, one in pairs)
    return [
        Figure(what=f"{what}, create to bound", value=gang / bare, at_most=1.2, note=note),
        Figure(what="pods bound before their gang was admitted", value=partial, unit="pods", at_most=0),
        *_processor(pairs[-1]),
    ]


def _processor(pair: tuple[Start, Start]) -> list[Figure]:
    """The five processes that used most of the processor in the last round."""
    bare, gang = pair
    most = sorted(gang.used.items(), key=lambda row: -row[1])[:5]
    return [
        Figure(what=f"processor time of {name}", value=used, unit="s", note=f"bare {bare.used.get(name, 0):.1f} s")
        for name, used in most
    ]


def bare(found: LabCluster, nodes: int, index: int) -> Start:
    """The same pods as an Indexed Job, without a queue; under the same Service, by whose names ranks meet."""
    spec = copy.deepcopy(found.job_set(f"gang{index}", nodes)["spec"]["replicatedJobs"][0]["template"]["spec"])
    del spec["template"]["metadata"]["annotations"]
    metadata = {"name": f"gang{index}", "namespace": BARE}
    spec["template"]["spec"]["subdomain"] = metadata["name"]
    service = {"clusterIP": "None", "selector": {"job-name": metadata["name"]}, "publishNotReadyAddresses": True}
    found.api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    return start(found, [body], nodes, queued=False)


def _gang(found: LabCluster, nodes: int, index: int) -> Start:
    return start(found, [found.job_set(f"gang{index}", nodes)], nodes, queued=True)


def start(found: LabCluster, bodies: Sequence[Mapping[str, Any]], nodes: int, *, queued: bool) -> Start:
    """Creates the objects, the last of which starts the gang, sees all its pods bound, and takes it away again.

    `queued`: Kueue admits it.
    """
    body = bodies[-1]
    namespace = body["metadata"]["namespace"]
    for other in bodies[:-1]:
        found.api.create(other)
    with watching(found.lab, namespace, workloads=queued) as watcher:
        before, begin = found.processor_s(), time.monotonic()
        found.api.create(body)
        _until(lambda: len(watcher.bound) >= nodes, lambda: f"{len(watcher.bound)} of {nodes} pods bound")
        used = {name: value - before.get(name, 0.0) for name, value in found.processor_s().items()}
        times = [one.at_s for one in watcher.bound.values()]
        if queued:
            _until(lambda: any(state.holds for state in watcher.workloads), lambda: "the gang is not admitted")
        took = Start(
            seconds=max(times) - begin,
            first_s=min(times) - begin,
            admitted_s=next((one.at_s - begin for one in watcher.workloads if one.holds), None),
            early=len(early(watcher.bound, watcher.workloads)) if queued else 0,
            used=used,
        )
    for one in reversed(bodies):
        found.api.delete(one["apiVersion"], one["kind"], one["metadata"]["name"], one["metadata"]["namespace"])
    path = f"/api/v1/namespaces/{namespace}/pods"
    _until(lambda: not found.api.call("GET", path, query={"limit": "1"})["items"], lambda: "pods do not go", 1.0)
    _tell(body["kind"], took)
    return took


def _until(true: Callable[[], bool], otherwise: Callable[[], str], poll_s: float = 0.05) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, otherwise()
        time.sleep(poll_s)


def _tell(kind: str, took: Start) -> None:
    admitted = "" if took.admitted_s is None else f"admitted {took.admitted_s:.1f} s, "
    used = ", ".join(f"{name} {value:.1f}" for name, value in sorted(took.used.items(), key=lambda row: -row[1])[:7])
    line = f"{kind}: {admitted}first pod {took.first_s:.1f} s, all {took.seconds:.1f} s; processor s: {used}\n"
    sys.stderr.write(line)
