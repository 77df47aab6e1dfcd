"""Many gangs through the real Kueue and JobSet under faults, watched: `python -m rehearsal.campaigns.lab_gangs`.

The gangs are as penstock renders them, for nodes of 8 accelerators; the nodes are KWOK's, whose pods say after some
seconds that they have ended. The quota is half of the nodes, so that the gangs wait for each other.
"""

import argparse
import contextlib
import copy
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from lab.errors import LabError
from lab.kwok import TAINT, create_nodes
from lab.lab import Lab
from lab.run import claims, prepares, shape_of_plan
from lab.shape import LabShape
from providers import clouds
from rehearsal.campaigns.lab_job import JOBSET, KUEUE, kill_controller, queued_lab
from rehearsal.campaigns.watch import JOBSET_NAME, Watcher, early, over_quota, seen, watching
from rehearsal.campaigns.watch import KUEUE as KUEUE_API
from stacks.plan import plan_stack

LARGEST, PER_NODE = 16, 8
DEVICE = "nvidia.com/gpu"
START_TIMEOUT_S = 60
"""After which Kueue takes back a gang that has not started whole. A pod whose node goes between its assignment and its
start waits for that node for ever: only this ends it (kubernetes-sigs/kueue#9616 is one form of it)."""
START_S = START_TIMEOUT_S + 120.0
"""A gang that has its quota, and for longer only some of its pods, is half started. Nobody takes it back while Kueue is
away, and one that was killed comes back after a growing pause and its predecessor's lease of 15 s."""
A_GANG_S = 4.0
"""About what a gang takes on two cores: the faults are spread over all of them."""
ENDS_S, ENDS_S_A_GANG = 600.0, 6.0
"""Longest wait. A gang that is taken back waits for two minutes before it is tried again."""
LOOK_EVERY_S = 0.5
FAULTS = ("kueue", "jobset", "api server", "node", "pod")


def plan_of(nodes: int, size: int, name: str) -> StackPlan:
    """A pool of that many nodes, half of them in the queue's quota, and a gang."""
    machine = {"cores": 112, "memoryGib": 2000, "accelerator": "h100", "acceleratorCount": PER_NODE,
               "devices": {DEVICE: PER_NODE, "rdma/hca": 1}, "fabricGbps": 3200}  # fmt: skip
    config: dict[str, Any] = {
        "penstock:cluster": {
            "cloud": "existing",
            "nodePools": [{"name": "train", "machineType": "large", "count": nodes}],
        },
        "penstock:existing": {
            "version": "1.36", "machines": {"large": machine}, "volume": {"nfs": {"server": "nfs.lab", "path": "/p"}},
            "owners": {},
        },
        "penstock:platform": {"addons": {}},
        "penstock:scheduler": {
            "startTimeoutS": START_TIMEOUT_S, "queues": [{"name": "research", "nodes": {"train": _quota(nodes)}}],
        },
        "penstock:training": {
            "name": name, "pool": "train", "nodes": size, "image": "penstock.dev/workload:lab",
            "batch": {"sequences": 16 * size, "microSequences": 2},
        },
    }  # fmt: skip
    return plan_stack(parse_stack(config, "gangs", clouds()), "gangs", datetime.now(UTC))


@dataclass(slots=True)
class Gang:
    """Observed life of one gang."""

    size: int
    partly_since: float = 0.0
    partly_s: float = 0.0
    """The longest that it had its quota, and some of its pods had started and others not."""
    finished: bool = False


@dataclass(slots=True)
class Looks:
    """Looks at all pods and gangs, again and again."""

    api: KubernetesApi
    gangs: dict[str, Gang]
    most: int = 0
    """Devices in use at once, at most."""
    count: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until all have finished, or the time is up."""
        until = time.monotonic() + ENDS_S + ENDS_S_A_GANG * len(self.gangs)
        while time.monotonic() < until and not all(gang.finished for gang in self.gangs.values()):
            with contextlib.suppress(ApiError, UnreachableError):
                self._look(time.monotonic())
                self.count += 1
            time.sleep(LOOK_EVERY_S)
        self.over.set()

    def _look(self, now: float) -> None:
        pods = self.api.list("v1", "Pod", NAMESPACE)
        jobs = self.api.list("jobset.x-k8s.io/v1alpha2", "JobSet", NAMESPACE)
        done = {job["metadata"]["name"] for job in jobs if _is_completed(job)}
        workloads = [seen(one, now) for one in self.api.list(KUEUE_API, "Workload", NAMESPACE)]
        holding = {one.gang for one in workloads if one.holds}
        live = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        good = Counter(_gang(pod) for pod in live if pod["status"]["phase"] in ("Running", "Succeeded"))
        self.most = max(self.most, PER_NODE * sum(map(_is_bound, live)))
        for name, gang in self.gangs.items():
            gang.finished = gang.finished or name in done
            partly = 0 < good[name] < gang.size and name in holding and not gang.finished
            gang.partly_since = (gang.partly_since or now) if partly else 0.0
            gang.partly_s = max(gang.partly_s, now - gang.partly_since if partly else 0.0)


def _is_completed(job: Mapping[str, Any]) -> bool:
    rows = job.get("status", {}).get("conditions", ())
    return any(row["type"] == "Completed" and row["status"] == "True" for row in rows)


def _is_bound(pod: Mapping[str, Any]) -> bool:
    """Has a node and still takes its devices."""
    return "nodeName" in pod["spec"] and pod["status"]["phase"] not in ("Succeeded", "Failed")


def _gang(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"].get("labels", {}).get(JOBSET_NAME, ""))


def _on_kwok(manifest: Manifest, run_s: int) -> Manifest:
    """The gang, allowed where nothing runs, and over after `run_s`."""
    body: dict[str, Any] = copy.deepcopy(dict(manifest))
    for replicated in body.get("spec", {}).get("replicatedJobs", ()):
        pod = replicated["template"]["spec"]["template"]
        pod["spec"].setdefault("tolerations", []).append(
            {"key": TAINT["key"], "operator": "Exists", "effect": TAINT["effect"]}
        )
        pod["metadata"].setdefault("annotations", {})["penstock.dev/kwok-run-s"] = str(run_s)
    return body


def inject(fault: str, lab: Lab, api: KubernetesApi, shape: LabShape, chance: random.Random) -> bool:
    """One of FAULTS; whether there was something to hit.

    A node that is lost is followed by one of another name, as in a cloud. (One of the same name would take over the
    pods of the first for ever: KWOK does not know them, and Kubernetes sees their node.)
    """
    match fault:
        case "kueue" | "jobset":
            kill_controller(lab, api, KUEUE if fault == "kueue" else JOBSET)
        case "api server":
            lab.kill("kube-apiserver")
        case "node":
            node = chance.choice([one for one in shape.kwok if api.get("v1", "Node", one.name)])
            api.delete("v1", "Node", node.name)
            create_nodes(api, [replace(node, name=f"{node.name}-again")])
        case "pod":
            running = [pod for pod in api.list("v1", "Pod", NAMESPACE) if pod["status"]["phase"] == "Running"]
            if not running:
                return False
            api.delete("v1", "Pod", chance.choice(running)["metadata"]["name"], NAMESPACE)
        case _:
            raise ValueError(fault)
    return True


def campaign(home: Path, *, gangs: int, nodes: int, faults: int, seed: int) -> dict[str, Any]:
    """The table of one campaign."""
    chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    plan = plan_of(nodes, 2, "first")
    with queued_lab(plan, home, lambda _: _grounds(plan)) as (lab, api), watching(lab, NAMESPACE) as watcher:
        begin = time.monotonic()
        looks = Looks(api, _submit(api, nodes, gangs, chance))
        looking = threading.Thread(target=looks.run)
        looking.start()
        injected = _inject(lab, api, shape_of_plan(plan), looks, faults, chance)
        looking.join()
    return _table(watcher, looks, _quota(nodes), injected, seed) | {"seconds": round(time.monotonic() - begin, 1)}


def _quota(nodes: int) -> int:
    """Of nodes: half of them, so that the gangs wait for each other."""
    return max(nodes // 2, LARGEST)


def _grounds(plan: StackPlan) -> Iterator[Manifest]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    yield from claims(plan)


def _submit(api: KubernetesApi, nodes: int, gangs: int, chance: random.Random) -> dict[str, Gang]:
    """By name."""
    found: dict[str, Gang] = {}
    for index in range(gangs):
        size, run_s = chance.randint(2, min(LARGEST, nodes)), chance.randint(3, 5)
        job = [one for one in plan_of(nodes, size, f"gang-{index}").job if not prepares(one)]
        for manifest in job:
            api.apply(_on_kwok(manifest, run_s), force=True)
        found[job[-1]["metadata"]["name"]] = Gang(size)
    return found


def _inject(
    lab: Lab, api: KubernetesApi, shape: LabShape, looks: Looks, faults: int, chance: random.Random
) -> Counter[str]:
    """Injects each kind of fault in turn, until the gangs are through, and returns those that were injected."""
    injected: Counter[str] = Counter()
    between = A_GANG_S * len(looks.gangs) / faults
    while injected.total() < faults and not looks.over.wait(between * chance.uniform(0.5, 1.5)):
        fault = FAULTS[injected.total() % len(FAULTS)]
        with contextlib.suppress(ApiError, UnreachableError, LabError):  # it is away: the next turn hits it
            injected[fault] += inject(fault, lab, api, shape, chance)
    return injected


def _table(watcher: Watcher, looks: Looks, quota: int, injected: Counter[str], seed: int) -> dict[str, Any]:
    found = looks.gangs.values()
    return {
        "gangs": len(found), "seed": seed, "pods": sum(gang.size for gang in found),
        "pods bound": len(watcher.bound), "looks": looks.count, "faults": dict(injected),
        "half started": sum(gang.partly_s > START_S for gang in found),
        "longest partly running, s": round(max(gang.partly_s for gang in found), 1),
        "pods bound without quota": len(early(watcher.bound, watcher.workloads)),
        "never finished": sum(not gang.finished for gang in found),
        "states over quota": len(over_quota(watcher.workloads, quota)),
        "devices": PER_NODE * quota, "most in use": looks.most,
    }  # fmt: skip


VIOLATIONS = ("half started", "pods bound without quota", "never finished", "states over quota")


def is_clean(table: Mapping[str, Any]) -> bool:
    """Without a violation. Devices in use are told only: a pod that is killed holds its own till it is gone."""
    return not any(table[name] for name in VIOLATIONS)


def main() -> int:
    """Prints the table; 0 only without a violation."""
    parser = argparse.ArgumentParser(description="Gangs under faults on a lab, watched.")
    parser.add_argument("--gangs", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=64)
    parser.add_argument("--faults", type=int, default=25, help="how many, each kind in turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="the table, as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = campaign(
            Path(folder) / "lab", gangs=given.gangs, nodes=given.nodes, faults=given.faults, seed=given.seed
        )
    given.out.write_text(json.dumps(table, indent=1) + "\n")
    for name, value in table.items():
        print(f"{name:<28}{value}")
    return 0 if is_clean(table) else 1


if __name__ == "__main__":
    sys.exit(main())
