"""Five hundred jobs of all sizes in two queues that lend each other: waits, quotas kept, no job starves."""

import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.figures import Figure
from bench.lab_cluster import LabCluster, cluster
from components.plan.kubernetes import NAMESPACE
from components.spec.scheduler import Priority
from rehearsal.campaigns.watch import Seen, Wait, Watcher, node_seconds, over_quota, waits, watching

NODES = 256
JOBS = 500
SIZES = {1: 20, 2: 16, 4: 16, 8: 12, 16: 8, 32: 4, 64: 2}
"""Nodes of a job, and how often."""
QUEUES = ("research", "production")
RUN_S = (2, 3, 4)
SEED = 5
PATIENCE_S = 2400.0
TELL_EVERY = 50


def figures(nodes: int = NODES, jobs: int = JOBS) -> list[Figure]:
    """From the first create until the last job has finished, and what the watcher saw meanwhile."""
    with cluster(nodes, QUEUES) as found, watching(found.lab, NAMESPACE, pods=False) as watcher:
        bodies = _jobs(found, jobs)
        begin = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(found.api.create, bodies))
        handed_in_s = time.monotonic() - begin
        _wait_done(watcher, jobs)
        states = list(watcher.workloads)
    return _judged(states, nodes, states[-1].at_s - begin, handed_in_s)


def _jobs(found: LabCluster, count: int) -> list[dict[str, Any]]:
    """The same at every run."""
    chance = random.Random(SEED)  # noqa: S311  # nothing secret
    sizes = chance.choices(list(SIZES), weights=list(SIZES.values()), k=count)
    return [_body(found, index, size, chance) for index, size in enumerate(sizes)]


def _body(found: LabCluster, index: int, size: int, chance: random.Random) -> dict[str, Any]:
    priority = chance.choice(list(Priority))
    body = found.job_set(f"job{index}", size, queue=QUEUES[index % len(QUEUES)], priority=priority)
    metadata = body["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["metadata"]
    metadata["annotations"] |= {"penstock.dev/kwok-run-s": str(chance.choice(RUN_S))}
    return body


def _wait_done(watcher: Watcher, jobs: int) -> None:
    end, told = time.monotonic() + PATIENCE_S, 0
    while (done := len({state.job for state in list(watcher.workloads) if state.done})) < jobs:
        assert time.monotonic() < end, f"{done} of {jobs} jobs have finished"
        if done >= told + TELL_EVERY:
            told = done
            sys.stderr.write(f"{done} of {jobs} jobs have finished\n")
        time.sleep(1.0)


def _judged(states: Sequence[Seen], nodes: int, makespan_s: float, handed_in_s: float) -> list[Figure]:
    waited = waits(states)
    had = node_seconds(states)
    note = ", ".join(f"{name} {value:,.0f} node-seconds" for name, value in sorted(had.items()))
    return [
        Figure(what=f"{len(waited)} jobs on {nodes} nodes", value=makespan_s, unit="s", note=_floor(states, nodes)),
        Figure(what="handing them in", value=handed_in_s, unit="s"),
        Figure(what="states over quota", value=len(over_quota(states, nodes)), unit=f"of {len(states)}", at_most=0),
        Figure(what="jobs never admitted", value=sum(one.waited_s is None for one in waited), unit="jobs", at_most=0),
        Figure(what="more of the two queues / less", value=max(had.values()) / min(had.values()), note=note),
        *_longest(waited),
    ]


def _floor(states: Sequence[Seen], nodes: int) -> str:
    """Lowest share of the nodes that was filled by admitted jobs."""
    sizes = {state.job: state.nodes for state in states}
    return f"{sum(sizes.values()):,} pods; {sum(sizes.values()) * sum(RUN_S) / len(RUN_S) / nodes:.0f} s were all full"


def _longest(waited: Sequence[Wait]) -> list[Figure]:
    by_size = {f"of {size} nodes": [one for one in waited if one.nodes == size] for size in SIZES}
    by_priority = {
        f"of priority {value}": [one for one in waited if one.priority == value] for value in _values(waited)
    }
    return [
        Figure(
            what=f"longest wait {name}", value=max(one.waited_s or 0.0 for one in found), unit="s",
            note=f"{len(found)} jobs",
        )
        for name, found in (by_size | by_priority).items()
        if found
    ]  # fmt: skip


def _values(waited: Sequence[Wait]) -> list[int]:
    return sorted({one.priority for one in waited})
