"""Stacks on a cluster that is there already, and the listings of such clusters."""

from typing import Any

from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers import clouds
from providers.existing.plan import ExistingPlan
from providers.existing.seen import Listing
from stacks.plan import plan_stack
from tests.clock import NOW

TRAINING = {
    "image": "registry.example/penstock:1",
    "nodes": 2,
    "ranksPerNode": 2,
    "model": {"layers": 2, "width": 64, "heads": 4, "kvHeads": 2, "vocabulary": 512, "context": 64},
}


def planned(*, existing: dict[str, Any] | None = None, pool: dict[str, Any] | None = None, **keys: Any) -> StackPlan:
    """A run on two machines without accelerators, planned from the file alone."""
    settings = {
        "kubeconfig": "/nowhere/kubeconfig",
        "version": "1.36",
        "machines": {"box": {"cores": 8, "memoryGib": 32}},
        "volume": {"nfs": {"server": "nfs.example", "path": "/export"}, "mountPath": "/data"},
    } | (existing or {})
    pools = [{"name": "train", "machineType": "box", "count": 2} | (pool or {})]
    config = {"cluster": {"cloud": "existing", "nodePools": pools}, "existing": settings, "training": TRAINING} | keys
    given = {f"penstock:{key}": value for key, value in config.items() if value is not None}
    return plan_stack(parse_stack(given, "x", clouds()), "mine", NOW)


def existing_plan(plan: StackPlan) -> ExistingPlan:
    assert isinstance(plan.cluster, ExistingPlan)
    return plan.cluster


def listing(**parts: Any) -> Listing:
    told: dict[str, Any] = {
        "version": {"gitVersion": "v1.36.1"},
        "kube_system": {"metadata": {"uid": "u"}},
        "nodes": (),
    }
    return Listing(**told | parts)


def storage_class(name: str, *, default: bool = False) -> dict[str, Any]:
    marks = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"metadata": {"name": name, "annotations": marks}}


def definition(name: str, kind: str, *versions: str, **marks: str) -> dict[str, Any]:
    """A definition whose kind takes any field."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = [{"name": one, "served": True, "schema": schema} for one in versions]
    spec = {"group": name.partition(".")[2], "names": {"kind": kind}, "versions": served}
    return {"metadata": {"name": name, "annotations": marks}, "spec": spec}
