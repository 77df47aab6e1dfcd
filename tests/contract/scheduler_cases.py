"""Jobs and pools for every scheduler, and how its objects are judged."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it has no stubs
import pytest
import yaml

from components.catalog import MachineType, accelerators
from components.plan.fabric import Collective, Fabric
from components.plan.kubernetes import KubernetesFacts, Manifest
from components.plan.types import JobPlan, Mount, NodePoolPlan, PodBinding, Taint
from components.spec.cluster import TaintEffect
from components.spec.scheduler import SchedulerKind

FACTS = KubernetesFacts(version="1.36", flavour="existing")
CORE = "1.36.0"
CRDS = Path(__file__).parents[3] / "shared" / "crds"
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


@cache
def schemas() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(apiVersion, kind) -> the upstream definition's schema, in which no unknown field is allowed."""
    if not CRDS.is_dir():
        pytest.skip("the upstream definitions are not beside this checkout (../shared/crds)")
    found = {}
    for file in sorted(CRDS.glob("*.yaml")):
        for crd in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            if crd and crd["kind"] == "CustomResourceDefinition":
                spec = crd["spec"]
                for version in spec.get("versions", []):
                    key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    found[key] = closed(version["schema"]["openAPIV3Schema"])
    return found


def closed(schema: Any) -> Any:
    """The schema with `additionalProperties: false` wherever properties are named."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: closed(value) for key, value in schema.items()}
    names = schema.get("properties")
    if isinstance(names, dict) and schema.get("type") == "object" and "additionalProperties" not in schema:
        copy["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return copy


def judge(manifest: Manifest) -> None:
    """Raises where the object is none of its kind."""
    kind = str(manifest["apiVersion"]), str(manifest["kind"])
    if kind[0] in {"v1", "apps/v1", "batch/v1", "scheduling.k8s.io/v1", "policy/v1"}:
        kubernetes_validate.validate(dict(manifest), CORE, strict=True)
        return
    # A definition names only what it has of metadata: nothing.
    body = {key: value for key, value in manifest.items() if key != "metadata"}
    jsonschema.Draft202012Validator(_without_metadata(schemas()[kind])).validate(body)


def _without_metadata(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = {key: value for key, value in schema["properties"].items() if key != "metadata"}
    required = [key for key in schema.get("required", []) if key != "metadata"]
    return {**schema, "properties": properties, "required": required}


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
