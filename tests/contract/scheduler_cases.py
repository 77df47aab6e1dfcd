"""Jobs and pools for every scheduler, and how its objects are judged."""

from collections.abc import Iterator
from typing import Any

from components.catalog import MachineType, accelerators
from components.fabric import Collective, Fabric
from components.plan.cluster import Mount, NodePoolPlan, PodBinding, Taint
from components.plan.kubernetes import KubernetesFacts, Manifest
from components.plan.work import JobPlan
from components.spec.cluster import TaintEffect
from components.spec.scheduler import SchedulerKind

FACTS = KubernetesFacts(version="1.36", flavour="existing")
ON_KUBERNETES = [kind for kind in SchedulerKind if kind is not SchedulerKind.PROCESS]

H100 = MachineType(
    name="p5.48xlarge",
    cores=192,
    memory_gib=2048,
    accelerator=accelerators()["h100"],
    accelerator_count=8,
    fabric=Fabric.EFA,
    fabric_gbps=3200,
)
NETWORK = tuple(f"topology.k8s.aws/network-node-layer-{layer}" for layer in (1, 2, 3))
BINDING = PodBinding(
    devices={"nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 32},
    huge_pages_mib=5120,
    env={"NCCL_SOCKET_IFNAME": "eth0"},
    mounts=(Mount(volume="file-system", path="/fsx"), Mount(volume="shared-file-system", path="/shared")),
    node_selector={"penstock.dev/pool": "train"},
    tolerations=(Taint(key="nvidia.com/gpu", value="present", effect=TaintEffect.NO_SCHEDULE),),
    topology_keys=("topology.kubernetes.io/zone", *NETWORK),
)


def pool(**changes: Any) -> NodePoolPlan:
    fields: dict[str, Any] = {
        "name": "train",
        "machine": H100,
        "node_count": 4,
        "min_count": 4,
        "max_count": 4,
        "fabric": Fabric.EFA,
        "collective": Collective.NCCL,
        "binding": BINDING,
    }
    return NodePoolPlan(**fields | changes)


def job(**changes: Any) -> JobPlan:
    fields: dict[str, Any] = {
        "name": "pretrain",
        "pool": "train",
        "nodes": 2,
        "min_nodes": changes.get("nodes", 2),
        "ranks_per_node": 8,
        "program": ("-m", "workloads.pretrain"),
        "env": {"NCCL_SOCKET_IFNAME": "eth0"},
        "config": {"training": {"name": "pretrain"}, "runFolder": "/fsx/runs/pretrain-0a1b2c3d", "stopS": 30.0},
        "run_folder": "/fsx/runs/pretrain-0a1b2c3d",
        "identity": "0a1b2c3d" * 8,
        "grace_s": 44.5,
        "max_agent_restarts": 5,
        "memory_gib": 640.0,
        "image": "registry.example/penstock:1",
        "cpu": 184.0,
        "pod_memory_gib": 1843.2,
        "shm_gib": 64.0,
        "claim": "file-system",
        "mount_path": "/fsx",
    }
    return JobPlan(**fields | changes)


def gangs(manifests: tuple[Manifest, ...]) -> list[tuple[int, dict[str, Any]]]:
    """(how many, pod template) of everything in the manifests that becomes pods of the gang."""
    return [found for manifest in manifests for found in _pods_in(manifest.get("spec", {}), 1)]


def _pods_in(node: Any, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(node, list):
        for item in node:
            yield from _pods_in(item, count)
    if not isinstance(node, dict):
        return
    if "containers" in node.get("spec", {}):
        if node["spec"]["containers"][0]["name"] == "node":
            yield count, node
        return
    times = int(node.get("replicas") or node.get("parallelism") or 1)
    for value in node.values():
        yield from _pods_in(value, count * times)
