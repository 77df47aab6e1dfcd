"""Changes of a stack that is up: no object keeps its name where a server would refuse what changes in it.

Whole plans, before and after; what servers hold fixed is told by others (rehearsal/field/fixed_fields.py).
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.plan.kubernetes import Manifest
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers import clouds, discover
from rehearsal.field.fixed_fields import changed, fixed_fields
from stacks.plan import plan_stack
from tests.clock import NOW

IMAGE = "registry.example/penstock:1"
BOX = {
    "cores": 64, "memoryGib": 512, "accelerator": "h100", "acceleratorCount": 8,
    "devices": {"nvidia.com/gpu": 8, "rdma/ib": 8}, "topologyKeys": ["spine", "rack"],
}  # fmt: skip
STACK: dict[str, Any] = {
    "cluster": {
        "cloud": "existing",
        "nodePools": [
            {"name": "train", "machineType": "box", "count": 4},
            {"name": "serve", "machineType": "box", "count": 2},
        ],
    },
    "existing": {
        "machines": {"box": BOX, "other": {**BOX, "cores": 96, "topologyKeys": ["rack"]}},
        "version": "1.35", "kubeconfig": "/nowhere/config", "owners": {"node autoscaler": "theirs"},
        "volume": {"nfs": {"server": "files.example.org", "path": "/export"}},
    },
    "scheduler": {"queues": [{"name": "research"}]},
    "training": {"pool": "train", "nodes": 2, "image": IMAGE, "batch": {"sequences": 64}},
    "inference": {"pool": "serve", "image": IMAGE, "model": {"path": "/data/models/m"}, "replicas": 2},
}  # fmt: skip
AUTOSCALED_SERVICE = {
    "pool": "serve", "image": IMAGE, "model": {"path": "/data/models/m"},
    "autoscaling": {"minReplicas": 1, "maxReplicas": 8},
}  # fmt: skip
CANARY = {"path": "/data/models/n", "weightPercent": 10}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "taint": {"cluster.nodePools.0.taints": [{"key": "team", "value": "a"}]},
    "range": {"cluster.nodePools.0.minCount": 2},
    "count": {"cluster.nodePools.0.count": 5},
    "machine": {"cluster.nodePools.0.machineType": "other"},
    "selector": {"existing.poolSelectors": {"train": {"role": "train"}}},
    "levels": {"existing.machines.box.topologyKeys": ["rack"]},
    "devices": {"existing.machines.box.devices": {"nvidia.com/gpu": 8, "rdma/other": 8}},
    "queue": {
        "scheduler.queues": [{"name": "research", "nodes": {"train": 3}}, {"name": "other", "weight": 2}],
        "training.queue": "research",
    },
    "run": {"training.nodes": 4, "training.topology": "required", "training.priority": "high"},
    "image": {"training.image": "registry.example/penstock:2"},
    "servers": {"inference.image": "registry.example/penstock:2"},
    "replicas": {"inference.replicas": 5},
    "autoscaled": {"inference": AUTOSCALED_SERVICE},
    "canary": {"inference.route": {}, "inference.canary": CANARY},
    "model": {"inference.model": {"path": "/data/models/another"}},
    "port": {"inference.port": 9000},
}
NOT_OF_SLURM = ("queue", "run", "replicas", "autoscaled", "canary", "model", "port", "servers")
"""It has one queue, knows no switches, and has every node of the stack here, so that none is left for servers."""
CASES = [
    (scheduler, change)
    for scheduler in ("kueue", "trainer", "volcano", "kai", "kuberay", "slurm")
    for change in CHANGES
    if scheduler != "slurm" or change not in NOT_OF_SLURM
]


def objects(plan: StackPlan) -> Iterator[Manifest]:
    """Every object of the stack in its cluster that the plan holds as one."""
    inside = plan.inside
    assert inside is not None
    yield from (*inside.scheduler.objects, *inside.scheduler.opening, *plan.job, *plan.service)
    yield from inside.gate.objects if inside.gate else ()
    for addon in inside.platform.addons:
        yield from (*addon.manifests, *addon.objects)


def planned(scheduler: str, changes: Mapping[str, Any]) -> dict[tuple[str, ...], Manifest]:
    config = copy.deepcopy(STACK)
    config["scheduler"]["kind"] = scheduler
    if scheduler == "slurm":
        del config["inference"]
    for path, value in changes.items():
        *places, last = path.split(".")
        part: Any = config
        for place in places:
            part = part[int(place)] if isinstance(part, list) else part.setdefault(place, {})
        part[last] = value
    keyed = {f"penstock:{key}": value for key, value in config.items()}
    plan = plan_stack(discover(parse_stack(keyed, "Pulumi.mine.yaml", clouds())), "mine", NOW)
    found: dict[tuple[str, ...], Manifest] = {}
    for body in objects(plan):
        metadata = body["metadata"]
        found[body["apiVersion"], body["kind"], metadata.get("namespace", ""), metadata["name"]] = body
    return found


def refused(before: Manifest, after: Manifest) -> list[str]:
    group = before["apiVersion"].rpartition("/")[0]
    return [path for row in fixed_fields(group, before["kind"]) for path in changed(row, before, after)]


@pytest.mark.parametrize(("scheduler", "change"), CASES)
def test_a_change_keeps_no_name_of_what_cannot_change(scheduler: str, change: str) -> None:
    before, after = planned(scheduler, {}), planned(scheduler, CHANGES[change])
    found = {" ".join(key): refused(before[key], after[key]) for key in before.keys() & after.keys()}
    assert {name: paths for name, paths in found.items() if paths} == {}
    assert scheduler != "kueue" or before != after
