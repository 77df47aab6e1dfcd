"""Daemon sets of others: which come onto a node, and what they leave of it to workloads."""

from typing import Any

import pytest

from components.estimate.nodes import Room, daemons_beside
from components.kubernetes.inventory import inventory
from components.plan.kubernetes import AddonPlan, Concern, PlatformPlan
from components.spec.cluster import NodePoolSpec
from providers.existing.daemons import asked_on, others_daemons, untolerated
from providers.existing.machines import nodes_of
from providers.existing.seen import seen_in
from providers.existing.settings import ExistingSpec
from tests.unit.providers.existing.existing_cases import listing

NODE: dict[str, Any] = {
    "metadata": {"name": "a", "labels": {"node.kubernetes.io/instance-type": "box", "disk": "fast", "size": "7"}},
    "spec": {"taints": [{"key": "team", "value": "ml", "effect": "NoSchedule"}]},
    "status": {
        "capacity": {"cpu": "32", "memory": "128Gi"},
        "allocatable": {"cpu": "31", "memory": "120Gi"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}
EVERYWHERE = [{"operator": "Exists"}]


def daemon(
    cpu: str = "2", memory: str = "3Gi", *, namespace: str = "infra", image: str = "r.example/agent:1", **pod: Any
) -> dict[str, Any]:
    container = {"name": "main", "image": image, "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    spec = {"containers": [container], "tolerations": EVERYWHERE} | pod
    return {
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": namespace},
        "spec": {"template": {"spec": spec}},
    }


def required(*expressions: dict[str, Any]) -> dict[str, Any]:
    terms = [{"matchExpressions": list(expressions)}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


@pytest.mark.parametrize(
    ("pod", "lands"),
    [
        ({}, True),
        ({"tolerations": []}, False),
        ({"tolerations": [{"key": "team", "value": "ml", "effect": "NoSchedule"}]}, True),
        ({"tolerations": [{"key": "team", "value": "web", "effect": "NoSchedule"}]}, False),
        ({"tolerations": [{"key": "team", "operator": "Exists", "effect": "NoExecute"}]}, False),
        ({"nodeSelector": {"disk": "fast"}}, True),
        ({"nodeSelector": {"disk": "slow"}}, False),
        ({"affinity": required({"key": "disk", "operator": "In", "values": ["fast", "fastest"]})}, True),
        ({"affinity": required({"key": "disk", "operator": "NotIn", "values": ["fast"]})}, False),
        ({"affinity": required({"key": "gpu", "operator": "Exists"})}, False),
        ({"affinity": required({"key": "gpu", "operator": "DoesNotExist"})}, True),
        ({"affinity": required({"key": "size", "operator": "Gt", "values": ["6"]})}, True),
        ({"affinity": required({"key": "size", "operator": "Lt", "values": ["7"]})}, False),
        ({"affinity": required()}, False),
    ],
)
def test_a_daemon_set_counts_on_the_nodes_that_it_comes_onto(pod: dict[str, Any], lands: bool) -> None:
    assert asked_on(NODE, [daemon(**pod)]) == (Room(cores=2, memory_gib=3) if lands else Room(cores=0, memory_gib=0))


def test_requests_are_counted_as_the_scheduler_does() -> None:
    sidecar = {"name": "s", "image": "x", "restartPolicy": "Always", "resources": {"limits": {"cpu": "1"}}}
    first = {"name": "i", "image": "x", "resources": {"requests": {"cpu": "10", "memory": "1Gi"}}}
    found = asked_on(NODE, [daemon(initContainers=[sidecar, first], overhead={"cpu": "500m"}), daemon("100m", "1Gi")])
    assert found == Room(cores=10.6, memory_gib=4)


def test_daemon_sets_of_penstocks_own_are_not_counted_as_others() -> None:
    addons = (
        AddonPlan(name="node-feature-discovery", namespace="x", release=None, does=(Concern.NODE_FEATURES,)),
        AddonPlan(name="efa-device-plugin", namespace="kube-system", release=None, does=(Concern.FABRIC_DEVICES,)),
    )
    note = inventory("mine", PlatformPlan(addons=addons, owners={}, decisions=()))
    plugin = daemon(namespace="kube-system", image="r.example/aws-efa-k8s-device-plugin:v1")
    proxy = daemon(namespace="kube-system", image="r.example/kube-proxy:v1")
    own = daemon(namespace="node-feature-discovery")
    assert others_daemons([plugin, proxy, own], note) == (proxy,)
    assert others_daemons([plugin, proxy, own], None) == (plugin, proxy, own)


def test_a_pools_room_is_what_its_daemons_leave() -> None:
    pool = NodePoolSpec(name="train", machine_type="box", count=1)
    heavy = seen_in(listing(nodes=[NODE], workloads=[daemon("6", "20Gi")]))
    assert nodes_of(pool, ExistingSpec(), heavy, "").daemons == Room(cores=6.5, memory_gib=21)
    hidden = seen_in(listing(nodes=[NODE], workloads=[daemon("6", "20Gi")], hidden={"DaemonSet": "forbidden"}))
    assert nodes_of(pool, ExistingSpec(), hidden, "").daemons == Room(cores=0.5, memory_gib=1)


def test_a_small_daemon_set_that_comes_changes_no_job() -> None:
    assert daemons_beside(Room(cores=0, memory_gib=0)) == daemons_beside(Room(cores=0.2, memory_gib=0.4))


def test_taints_that_keep_pods_off() -> None:
    taints = [
        {"key": "a", "effect": "PreferNoSchedule"},
        {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
        {"key": "b", "effect": "NoExecute"},
    ]
    assert untolerated(taints, ()) == [taints[2]]
    assert not untolerated(taints, [{"key": "b", "operator": "Exists"}])
