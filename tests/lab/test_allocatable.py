"""Pods of rendered jobs on nodes that offer what such nodes were measured to offer: the real scheduler binds them.

The scheduler is Kubernetes' own for all of them: room on a node is the same question whoever asks it. What other
schedulers' own queues do is in the tests of these.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from components.catalog import accelerators
from components.fabric import Collective, Fabric
from components.kubernetes.api import KubernetesApi
from components.plan.cluster import NodePoolPlan, VolumePlan
from components.plan.kubernetes import NAMESPACE
from components.plan.work import JobPlan
from components.schedulers import load
from components.spec.cluster import NodePoolSpec
from components.spec.scheduler import SchedulerKind, SchedulerSpec
from components.spec.storage import OnDestroy
from components.spec.training import BatchSpec, TrainingSpec
from lab.kwok import create_nodes
from lab.lab import Lab
from lab.shape import LabNode
from providers.aws.catalog import machines
from providers.aws.nodes.allocatable import allocatable
from providers.aws.nodes.binding import binding
from providers.aws.nodes.interfaces import interfaces
from providers.existing.machines import nodes_of
from providers.existing.pods import PoolPodsSpec, bound
from providers.existing.settings import ExistingSpec, MachineSpec
from rehearsal.field.allocatable import FORMULAS, node_rows, offered
from rehearsal.field.deployed import MachinePool
from tests.contract.scheduler_cases import FACTS, ON_KUBERNETES, gangs
from tests.lab.test_control_plane import eventually
from workloads.plan.training import plan_training

EFA_PAGES_MIB = 10256
GB200_PODS = 110
"""As the field rule takes where no row says it: nobody published a node of GB200 on AWS."""
DAEMONS = {"cpu": "235m", "memory": "322Mi"}
"""Of a node of aws-prod, by its rendered charts."""
OWN = "hgx-h100"
SCHEDULERS = [kind for kind in ON_KUBERNETES if kind is not SchedulerKind.MPI]
"""MPI takes no training of penstock's."""
AWS = ("p5.48xlarge", "p4d.24xlarge", "g6e.8xlarge", "p6e-gb200.36xlarge")
VOLUME = VolumePlan(path="/data/s", on_destroy=OnDestroy.KEEP, claim="file-system", mount_path="/data")


def pool_of(machine_type: str) -> NodePoolPlan:
    return own_pool() if machine_type == OWN else aws_pool(machine_type)


def aws_pool(machine_type: str) -> NodePoolPlan:
    machine = machines()[machine_type]
    efa_devices = len(interfaces(machine, fabric=True)) - 1
    spec = NodePoolSpec(name="train", machine_type=machine_type, count=2)
    return NodePoolPlan(
        name="train", machine=machine, node_count=2, min_count=2, max_count=2, fabric=Fabric.EFA,
        collective=Collective.NCCL, node_allocatable=allocatable(machine, efa_devices),
        binding=binding(spec, machine, Fabric.EFA, efa_devices),
    )  # fmt: skip


def own_pool() -> NodePoolPlan:
    """A machine of one's own, described by its data sheet."""
    row = MachineSpec(
        cores=224,
        memory_gib=2048,
        accelerator="h100",
        accelerator_count=8,
        devices={"nvidia.com/gpu": 8, "rdma/hca": 1},
    )
    spec = NodePoolSpec(name="train", machine_type=OWN, count=2)
    nodes = nodes_of(spec, ExistingSpec(machines={OWN: row}), None, "")
    assert accelerators()["h100"] == nodes.machine.accelerator
    return NodePoolPlan(
        name="train", machine=nodes.machine, node_count=2, min_count=2, max_count=2, fabric=Fabric.RDMA,
        collective=Collective.NCCL, node_allocatable=nodes.allocatable,
        binding=bound(
            PoolPodsSpec(), devices=nodes.devices, env={}, node_selector={}, tolerations=(), topology_keys=()
        ),
    )  # fmt: skip


def offer(machine_type: str) -> dict[str, str]:
    """Offer by the field's own figures, which the planner does not read."""
    if machine_type == OWN:
        (row,) = node_rows()["bare metal", "8x H100, 224 CPU, 2 TiB"]
        return {"cpu": f"{row.allocatable_cpu_m}m", "memory": f"{row.allocatable_memory_ki}Ki"}
    found = offered("aws", MachinePool(name="", machine_type=machine_type, huge_pages_mib=EFA_PAGES_MIB))
    pages = {"hugepages-2Mi": f"{EFA_PAGES_MIB}Mi"}
    if found and found.cpu_m:
        return {"cpu": f"{found.cpu_m}m", "memory": f"{found.memory_ki}Ki", **pages}
    machine = machines()[machine_type]
    memory_ki = FORMULAS["aws"](float(machine.memory_gib), GB200_PODS) - EFA_PAGES_MIB * 1024
    return {"cpu": str(machine.cores), "memory": f"{memory_ki}Ki", **pages}


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Iterator[KubernetesApi]:
    """Two nodes of each machine type, with the daemons that a platform brings, and the lab's API."""
    with KubernetesApi(lab.access()) as api:
        made = [node for machine_type in (*AWS, OWN) for node in _nodes(machine_type)]
        create_nodes(api, made)
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for node in made:
            spec = {
                "nodeName": node.name,
                "containers": [{"name": "all", "image": "a/b:1", "resources": {"requests": DAEMONS}}],
            }
            api.create(_pod(f"daemons-{node.name}", spec))
        yield api
        for node in made:
            api.delete("v1", "Pod", f"daemons-{node.name}", NAMESPACE)
            api.delete("v1", "Node", node.name)


def _nodes(machine_type: str) -> Iterator[LabNode]:
    name = machine_type.replace(".", "-")
    devices = {key: str(count) for key, count in pool_of(machine_type).binding.devices.items()}
    for index in range(2):
        yield LabNode(name=f"{name}-{index}", pool=name, allocatable={**offer(machine_type), **devices, "pods": "100"})


def _pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def job_of(pool: NodePoolPlan) -> JobPlan:
    asked = TrainingSpec(image="registry.example/penstock:1", nodes=2, batch=BatchSpec(sequences=64))
    return plan_training(asked, [pool], VOLUME, pods=True)[0]


def _on(machine_type: str, template: dict[str, Any]) -> dict[str, Any]:
    """The pod as it is rendered, but for what is not about room: who schedules it, claims, and the labels of a pool."""
    drop = {"schedulerName", "schedulingGates", "volumes", "resourceClaims", "serviceAccountName", "priorityClassName"}
    spec = {key: value for key, value in template["spec"].items() if key not in drop}
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        container.pop("volumeMounts", None)
        container.get("resources", {}).pop("claims", None)
    return spec | {"nodeSelector": {"penstock.dev/pool": machine_type.replace(".", "-")}}


@pytest.mark.parametrize("machine_type", [*AWS, OWN])
def test_the_pods_of_every_scheduler_are_bound(nodes: KubernetesApi, machine_type: str) -> None:
    """Two nodes, two pods of a whole node each: bound by Kubernetes' scheduler, one job after the other."""
    pool = pool_of(machine_type)
    for kind in SCHEDULERS:
        template = template_of(kind, pool)
        names = [f"{kind}-{machine_type.replace('.', '-')}-{index}" for index in range(2)]
        for name in names:
            nodes.create(_pod(name, _on(machine_type, template)))
        eventually(partial(_are_apart, nodes, names), f"{names} are bound")
        for name in names:
            nodes.delete("v1", "Pod", name, NAMESPACE)
        eventually(partial(_are_gone, nodes, names), f"{names} are gone")


def template_of(kind: SchedulerKind, pool: NodePoolPlan) -> dict[str, Any]:
    """Pod of one node of the job; for Slurm, of the NodeSet in which it runs."""
    scheduler = load(kind)
    plan = scheduler.plan(SchedulerSpec(), (pool,), FACTS)
    if kind is SchedulerKind.SLURM:
        made = (one for one in (*plan.objects, *plan.opening) if one["kind"] == "NodeSet")
        spec = next(one["spec"] for one in made if one["metadata"]["name"] == pool.name)
        return {"spec": {**spec["template"]["spec"], "containers": [{"name": "slurmd", **spec["slurmd"]}]}}
    return gangs(scheduler.render_job(job_of(pool), pool, plan))[0][1]


def _are_apart(api: KubernetesApi, names: list[str]) -> bool:
    found = [api.get("v1", "Pod", name, NAMESPACE) or {} for name in names]
    return len({one["spec"]["nodeName"] for one in found if one.get("spec", {}).get("nodeName")}) == len(names)


def _are_gone(api: KubernetesApi, names: list[str]) -> bool:
    return not any(api.get("v1", "Pod", name, NAMESPACE) for name in names)
