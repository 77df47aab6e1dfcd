"""Small plain deployments for the field rules. Nothing in them is a real cloud's."""

from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, InstalledChart, MachinePool
from rehearsal.field.facts import FieldFacts

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists"}


def pool(name: str = "train", **more: Any) -> MachinePool:
    """Two p5.48xlarge, tainted, labelled by their name."""
    given: dict[str, Any] = {
        "machine_type": "p5.48xlarge",
        "labels": {"pool": name},
        "taints": (GPU_TAINT,),
        "minimum": 2,
        "desired": 2,
        "maximum": 2,
        "devices": {"nvidia.com/gpu": 8},
    }
    return MachinePool(name=name, **{**given, **more})


def job(name: str = "trainer-0a1b2c3d", **more: Any) -> dict[str, Any]:
    """A Job whose pod runs on `train`."""
    resources = {"requests": {"memory": "1800Gi", "cpu": "180", "nvidia.com/gpu": "8"} | more.pop("requests", {})}
    spec = {
        "nodeSelector": {"pool": "train"},
        "tolerations": [GPU_TOLERATION],
        "containers": [{"name": "main", "image": more.pop("image", "python:3.12"), "resources": resources}],
        **more,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": spec}},
    }


def built(token: str, name: str, inputs: dict[str, Any] | None = None, **more: Any) -> BuiltResource:
    return BuiltResource(token=token, name=name, id=more.pop("id", name), inputs=inputs or {}, **more)


def chart(name: str, **values: Any) -> InstalledChart:
    return InstalledChart(chart=name, values=values)


def deployment(facts: FieldFacts | None = None, **parts: Any) -> Deployment:
    return Deployment(facts=facts or FieldFacts(nodes="aws"), **parts)
