"""Clusters to plan a platform for."""

from collections.abc import Mapping
from typing import Any

from components.catalog import MachineType, accelerators
from components.fabric import Collective, Fabric
from components.plan.cluster import NodePoolPlan, PodBinding
from components.plan.kubernetes import Concern, KubernetesFacts, Owner, Ownership
from components.plan.work import ServicePlan
from components.platform.request import PlatformRequest
from components.spec.platform import PlatformSpec

KUEUE = ("jobset", "kueue")


def pool(name: str = "train", *, devices: Mapping[str, int] | None = None, nodes: int = 2) -> NodePoolPlan:
    """Machines with these devices; none: with processors alone."""
    found = devices or {}
    chip = {"nvidia.com/gpu": "h100", "aws.amazon.com/neuron": "trainium2"}
    names = [chip[device] for device in found if device in chip]
    machine = MachineType(
        name=f"machine-of-{name}",
        cores=192,
        memory_gib=2048,
        accelerator=accelerators()[names[0]] if names else None,
        accelerator_count=8 if names else 0,
        fabric=Fabric.ETHERNET,
    )
    return NodePoolPlan(
        name=name,
        machine=machine,
        node_count=nodes,
        min_count=nodes,
        max_count=nodes,
        fabric=Fabric.ETHERNET,
        collective=Collective.NCCL,
        binding=PodBinding(devices=found, node_selector={"penstock.dev/pool": name}),
    )


GPUS = pool(devices={"nvidia.com/gpu": 8})
RDMA = pool(devices={"nvidia.com/gpu": 8, "rdma/ib": 8})
EFA = pool(devices={"nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 32})
NEURON = pool("neuron", devices={"aws.amazon.com/neuron": 16})
PROCESSORS = pool("small")


def facts(version: str = "1.35", **fields: Any) -> KubernetesFacts:
    return KubernetesFacts(version=version, flavour="existing", **fields)


def owned(*concerns: Concern, owner: Owner = Owner.OTHERS, by: str = "somebody") -> dict[Concern, Ownership]:
    return {concern: Ownership(owner=owner, by=by, reason="it was there before") for concern in concerns}


def request(*pools: NodePoolPlan, addons: Mapping[str, Any] | None = None, **fields: Any) -> PlatformRequest:
    spec = PlatformSpec.model_validate({"addons": addons or {}, **fields.pop("platform", {})})
    return PlatformRequest(**{"facts": facts(), "spec": spec, "pools": pools, "scheduler_addons": KUEUE, **fields})


def service(**fields: Any) -> ServicePlan:
    known = {
        "name": "serve",
        "pool": "train",
        "program": (),
        "env": {},
        "config": {},
        "ports": (8000,),
        "host": "127.0.0.1",
        "state_folder": "/data/serve",
        "model_folder": "/data/model",
        "follows_training": False,
        "drain_s": 20.0,
    }
    return ServicePlan(**{**known, **fields})
