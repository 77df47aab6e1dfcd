"""A gang of a thousand nodes under each scheduler, against the same pods under Kubernetes' own, in one run."""

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from bench.figures import Figure
from bench.lab_cluster import LabCluster, cluster
from bench.lab_gang import NODES, ROUNDS, Start, bare, start
from components.spec.scheduler import SchedulerKind

GOAL = 1.5
"""Of the best, against the bare scheduler."""

Gang = Callable[[LabCluster, int, int], Start]


def figures(nodes: int = NODES, rounds: int = ROUNDS) -> list[Figure]:
    """Median of each, create to bound, as a ratio to a bare Job's on the same lab; the best has the goal.

    Each lab's bare Job stands in a namespace that no controller looks at; what its webhooks and watches cost is told
    against a lab without any of them.
    """
    clean, found = _measured(None, {}, nodes, rounds), []
    for kind, gangs in LABS.items():
        found.append((kind, _measured(kind, gangs, nodes, rounds)))
    ratios = [one for _, took in found for one in _ratios(nodes, took)]
    best = min(ratios, key=lambda one: one.value)
    marked = [replace(one, at_most=GOAL) if one is best else one for one in ratios]
    floor = _seconds(clean[BARE])
    beside = [_beside(kind, _seconds(took[BARE]), floor) for kind, took in found]
    return [*sorted(marked, key=lambda one: one.value), *beside]


def _measured(kind: SchedulerKind | None, gangs: Mapping[str, Gang], nodes: int, rounds: int) -> dict[str, list[Start]]:
    took: dict[str, list[Start]] = {}
    with cluster(nodes, kind=kind or SchedulerKind.KUEUE, bare=kind is None) as found:
        for name, gang in {BARE: bare, **gangs}.items():
            took[name] = [gang(found, nodes, index) for index in range(rounds)]
            sys.stderr.write(f"{name} on the lab of {kind or 'nobody'}: {_seconds(took[name]):.1f} s\n")
    return took


def _ratios(nodes: int, took: Mapping[str, Sequence[Start]]) -> list[Figure]:
    floor = _seconds(took[BARE])
    return [
        Figure(
            what=f"gang of {nodes:,} as {name} / as a bare Job, create to bound", value=_seconds(starts) / floor,
            note=f"{_seconds(starts):.1f} s against {floor:.1f} s; processor s: {_busiest(starts[-1])}",
        )
        for name, starts in took.items()
        if name != BARE
    ]  # fmt: skip


def _beside(kind: SchedulerKind, there: float, clean: float) -> Figure:
    what = f"bare Job on the lab of {kind} / on one without add-ons"
    return Figure(what=what, value=there / clean, note=f"{there:.1f} s against {clean:.1f} s")


def _seconds(starts: Sequence[Start]) -> float:
    return median(one.seconds for one in starts)


def _busiest(last: Start) -> str:
    most = sorted(last.used.items(), key=lambda row: -row[1])[:4]
    return ", ".join(f"{name} {used:.0f}" for name, used in most)


def _job_set(found: LabCluster, nodes: int, index: int) -> Start:
    return start(found, [found.job_set(f"set{index}", nodes)], nodes, queued=True)


def _job(found: LabCluster, nodes: int, index: int) -> Start:
    """The JobSet's one Job, handed to Kueue without it: what JobSet's own calls cost is the difference."""
    owner = found.job_set(f"job{index}", nodes)
    spec = copy.deepcopy(owner["spec"]["replicatedJobs"][0]["template"]["spec"])
    metadata = {key: owner["metadata"][key] for key in ("name", "namespace", "labels")}
    body: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
    return start(found, [{**body, "spec": {**spec, "suspend": True}}], nodes, queued=True)


def _train_job(found: LabCluster, nodes: int, index: int) -> Start:
    return start(found, found.objects(SchedulerKind.TRAINER, f"train{index}", nodes), nodes, queued=True)


def _volcano(found: LabCluster, nodes: int, index: int) -> Start:
    return start(found, found.objects(SchedulerKind.VOLCANO, f"gang{index}", nodes), nodes, queued=False)


BARE = "bare"
LABS: Mapping[SchedulerKind, Mapping[str, Gang]] = {
    SchedulerKind.TRAINER: {
        "JobSet under Kueue": _job_set, "Job under Kueue": _job, "TrainJob under Kueue": _train_job,
    },
    SchedulerKind.VOLCANO: {"Volcano's Job": _volcano},
}  # fmt: skip
"""By lab, what is started on it. Trainer's has Kueue and JobSet too."""
