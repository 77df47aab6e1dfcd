"""Karpenter in the simulated Kubernetes: a machine for a pod that waits, and none left when its NodePool goes."""

from typing import Any

from rehearsal.kubernetes import karpenter
from rehearsal.kubernetes.admission import CHART
from rehearsal.kubernetes.objects import Objects

POD: dict[str, Any] = {
    "nodeSelector": {"pool": "work"},
    "containers": [{"name": "web", "resources": {"requests": {"cpu": "2"}}}],
}


def node_pool(name: str = "work", weight: int = 0, **labels: str) -> dict[str, Any]:
    wanted = {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}
    template = {
        "metadata": {"labels": {"pool": "work", **labels}},
        "spec": {"nodeClassRef": {"name": name}, "requirements": [wanted]},
    }
    return {
        "kind": "NodePool",
        "metadata": {"name": name},
        "spec": {"template": template, "limits": {"nodes": "1"}, "weight": weight},
    }


def controller(available: str = "True") -> dict[str, Any]:
    status = {"conditions": [{"type": "Available", "status": available}]}
    return {
        "kind": "Deployment",
        "metadata": {"name": "karpenter", "namespace": "kube-system", "labels": {CHART: "karpenter"}},
        "status": status,
    }


class Simple(Objects):
    """Objects in memory."""

    def __init__(self, **bodies: dict[str, Any]) -> None:
        self._there = {key.replace("__", "|"): body for key, body in bodies.items()}

    def all(self) -> list[tuple[str, dict[str, Any]]]:
        return list(self._there.items())

    def add(self, key: str, body: dict[str, Any]) -> None:
        body["metadata"].setdefault("uid", key)
        self._there[key] = body


def there(available: str = "True", *pools: dict[str, Any]) -> Simple:
    found = Simple()
    found.add("apps|Deployment|kube-system|karpenter", controller(available) | {"spec": {}})
    for pool in pools or (node_pool(),):
        found.add(f"{karpenter.POOLS}|{pool['metadata']['name']}", pool)
    return found


def names(objects: Simple) -> list[str]:
    return [key.rpartition("|")[2] for key, _ in objects.all() if key.startswith("|Node|")]


def test_a_pod_that_no_node_takes_gets_a_machine_with_the_labels_of_its_pool() -> None:
    objects = there()
    karpenter.start(objects, POD)
    assert names(objects) == ["work-1"]
    assert len(list(karpenter.claims_of(objects, "work"))) == 1


def test_no_machine_starts_beyond_the_limit_or_for_pods_of_another_pool_or_without_the_controller() -> None:
    objects = there()
    karpenter.start(objects, POD)
    karpenter.start(objects, POD)
    assert names(objects) == ["work-1"]
    other = there()
    karpenter.start(other, {**POD, "nodeSelector": {"pool": "gang"}})
    assert names(other) == []
    silent = there("False")
    karpenter.start(silent, POD)
    assert names(silent) == []


def test_the_heaviest_pool_comes_first() -> None:
    objects = there("True", node_pool("spare"), node_pool("spot", 50))
    karpenter.start(objects, POD)
    assert names(objects) == ["spot-1"]
