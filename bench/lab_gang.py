"""A gang of a thousand nodes: through JobSet and Kueue, by topology, against its pods bound by the scheduler alone."""

import copy
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.figures import Figure
from bench.lab_cluster import LabCluster, cluster
from components.plan.kubernetes import NAMESPACE
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
        pairs = [(_bare(found, nodes, index), _gang(found, nodes, index)) for index in range(rounds)]
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


def _bare(found: LabCluster, nodes: int, index: int) -> Start:
    """The same pods as an Indexed Job, without a queue; under the same Service, by whose names ranks meet."""
    spec = copy.deepcopy(found.job_set(f"gang{index}", nodes)["spec"]["replicatedJobs"][0]["template"]["spec"])
    del spec["template"]["metadata"]["annotations"]
    metadata = {"name": f"gang{index}", "namespace": BARE}
    spec["template"]["spec"]["subdomain"] = metadata["name"]
    service = {"clusterIP": "None", "selector": {"job-name": metadata["name"]}, "publishNotReadyAddresses": True}
    found.api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    return _start(found, {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}, nodes)


def _gang(found: LabCluster, nodes: int, index: int) -> Start:
    return _start(found, found.job_set(f"gang{index}", nodes), nodes)


def _start(found: LabCluster, body: Mapping[str, Any], nodes: int) -> Start:
    """Creates it, sees all its pods bound, and takes it away again."""
    namespace, queued = body["metadata"]["namespace"], body["metadata"]["namespace"] == NAMESPACE
    with watching(found.lab, namespace, workloads=queued) as watcher:
        before, begin = found.processor_s(), time.monotonic()
        found.api.create(body)
        _until(lambda: len(watcher.bound) >= nodes, lambda: f"{len(watcher.bound)} of {nodes} pods bound")
        used = {name: value - before.get(name, 0.0) for name, value in found.processor_s().items()}
        times = [one.at_s for one in watcher.bound.values()]
        if queued:
            _until(lambda: any(state.holds for state in watcher.workloads), lambda: "the gang is not admitted")
        start = Start(
            seconds=max(times) - begin,
            first_s=min(times) - begin,
            admitted_s=next((one.at_s - begin for one in watcher.workloads if one.holds), None),
            early=len(early(watcher.bound, watcher.workloads)) if queued else 0,
            used=used,
        )
    _remove(found, body)
    _tell(body["kind"], start)
    return start


def _remove(found: LabCluster, body: Mapping[str, Any]) -> None:
    metadata = body["metadata"]
    found.api.delete(body["apiVersion"], body["kind"], metadata["name"], metadata["namespace"])
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods"
    _until(lambda: not found.api.call("GET", path, query={"limit": "1"})["items"], lambda: "pods do not go", 1.0)


def _until(true: Callable[[], bool], otherwise: Callable[[], str], poll_s: float = 0.05) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, otherwise()
        time.sleep(poll_s)


def _tell(kind: str, start: Start) -> None:
    admitted = "" if start.admitted_s is None else f"admitted {start.admitted_s:.1f} s, "
    used = ", ".join(f"{name} {value:.1f}" for name, value in sorted(start.used.items(), key=lambda row: -row[1])[:7])
    line = f"{kind}: {admitted}first pod {start.first_s:.1f} s, all {start.seconds:.1f} s; processor s: {used}\n"
    sys.stderr.write(line)
