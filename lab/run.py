"""The platform and the jobs of any stack on a lab: its nodes stand for the stack's, whatever the cloud.

For what lies outside the cluster there is the rehearsal. Nodes with accelerators are KWOK's, whose pods only say that
they run: what is shown there is that the gang is admitted as a whole and that every node of it has a place.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import PenstockError
from components.kubernetes.api import KubernetesApi
from components.labels import JOB_LABEL, POOL_LABEL, RUN_LABEL
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, InsidePlan, Manifest
from components.plan.stack import StackPlan
from lab.addons import install
from lab.errors import LabError
from lab.lab import Lab, Say, up
from lab.programs import programs_for
from lab.proof import job_state
from lab.shape import LabNode, LabShape

BOUND_S = 300.0
POLL_S = 0.5
NODES_IN_A_DOMAIN = 16
"""Of the narrowest level of a topology; each wider one holds four of the next."""


def run(plan: StackPlan, home: Path, say: Say) -> tuple[str, ...]:
    """Findings, a line each, on the lab in `home`, which stays up. PenstockError where there is no Kubernetes."""
    if plan.inside is None:
        raise PenstockError(f"{plan.stack} has no Kubernetes inside: a lab shows nothing of it")
    shape = shape_of_plan(plan)
    tools = programs_for(shape)
    lab = up(home, shape, tools, say=say)
    left_out = install(lab, plan.inside.platform.addons, tools, say)
    return tuple(_handed_in(lab, plan, plan.inside, left_out, say))


def shape_of_plan(plan: StackPlan) -> LabShape:
    """A node for each that the stack asks for at its fullest, and one for controllers."""
    process = [LabNode(name="system", pool="system")]
    kwok: list[LabNode] = []
    for pool in plan.cluster.node_pools:
        nodes = [_node(pool, index) for index in range(pool.node_count)]
        (kwok if pool.machine.accelerator_count else process).extend(nodes)
    return LabShape(process=tuple(process), kwok=tuple(kwok))


def _node(pool: NodePoolPlan, index: int) -> LabNode:
    binding, machine = pool.binding, pool.machine
    size, labels = NODES_IN_A_DOMAIN, dict(binding.node_selector)
    for key in reversed(binding.topology_keys):
        labels[key] = f"domain-{index // size}"
        size *= 4
    taints = tuple({"key": one.key, "value": one.value, "effect": str(one.effect)} for one in binding.tolerations)
    pages = {"hugepages-2Mi": f"{binding.huge_pages_mib}Mi"} if binding.huge_pages_mib else {}
    devices = {name: str(count) for name, count in binding.devices.items()}
    allocatable = {"cpu": str(machine.cores), "memory": f"{machine.memory_gib:g}Gi", "pods": "110", **pages, **devices}
    return LabNode(
        name=f"{pool.name}-{index}", pool=pool.name, labels=labels, taints=taints, allocatable=allocatable
    )  # fmt: skip


def _handed_in(lab: Lab, plan: StackPlan, inside: InsidePlan, left_out: tuple[str, ...], say: Say) -> Iterator[str]:
    if left_out:
        yield f"not installed, as their charts are not on this machine: {', '.join(left_out)}"
    with KubernetesApi(lab.access()) as api:
        scheduler = inside.scheduler
        for manifest in (_namespace(), *claims(plan), *scheduler.objects, *scheduler.opening, *_of_run(plan)):
            api.apply(manifest, force=True)
        yield f"{len(scheduler.queues)} queues: {', '.join(queue.name for queue in scheduler.queues)}"
        if plan.training:
            yield _gang(api, plan.job[-1], plan.training.nodes, say)


def prepares(manifest: Manifest) -> bool:
    """True of the objects that make a run's text into tokens: they are the run's, and bound to no pool of it."""
    labels = manifest["metadata"].get("labels") or {}
    return JOB_LABEL in labels and POOL_LABEL not in labels


def _of_run(plan: StackPlan) -> Iterator[Manifest]:
    """The run's objects, where its nodes run nothing without those that prepare its text: there is none to read, and a
    pod that never ends would keep its place.
    """
    runs_nothing = plan.training is not None and any(
        pool.name == plan.training.pool and pool.machine.accelerator_count for pool in plan.cluster.node_pools
    )
    return (manifest for manifest in plan.job if not (runs_nothing and prepares(manifest)))


def _gang(api: KubernetesApi, job: Manifest, nodes: int, say: Say) -> str:
    """Waits until every node of the gang runs, or it has ended."""
    name, begin = job["metadata"]["name"], time.monotonic()
    label = f"{RUN_LABEL}={job['metadata']['labels'][RUN_LABEL]}"
    while True:
        pods = api.list("v1", "Pod", NAMESPACE, labels=label)
        running = [pod for pod in pods if pod["status"].get("phase") == "Running"]
        seconds = time.monotonic() - begin
        if len(running) == nodes:
            places = {pod["spec"]["nodeName"] for pod in running}
            return f"{job['kind']} {name}: {nodes} pods run on {len(places)} nodes after {seconds:.0f} s"
        if job_state(api, job):
            return f"{job['kind']} {name}: ran to its end in {seconds:.0f} s"
        if seconds > BOUND_S:
            raise LabError(f"{job['kind']} {name}: {len(running)} of {nodes} pods run after {BOUND_S:.0f} s")
        say(f"{name}: {len(running)} of {nodes} pods run")
        time.sleep(POLL_S)


def _namespace() -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def claims(plan: StackPlan) -> Iterator[Manifest]:
    """A folder of the lab for each file system that pods mount."""
    mounts = {mount.volume for pool in plan.cluster.node_pools for mount in pool.binding.mounts}
    for claim in sorted(mounts | ({plan.cluster.volume.claim} if plan.cluster.volume.claim else set())):
        size, modes = {"storage": "1024Gi"}, ["ReadWriteMany"]
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{NAMESPACE}-{claim}"},
            "spec": {
                "capacity": size, "accessModes": modes, "nfs": {"server": "nfs.lab", "path": f"/{claim}"},
                "claimRef": {"namespace": NAMESPACE, "name": claim},
            },
        }  # fmt: skip
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim, "namespace": NAMESPACE},
            "spec": {"resources": {"requests": size}, "accessModes": modes, "storageClassName": "",
                     "volumeName": f"{NAMESPACE}-{claim}"},
        }  # fmt: skip
