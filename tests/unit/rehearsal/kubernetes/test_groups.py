"""Groups of pods in the simulated Kubernetes: ready where there are nodes for a whole one, and found by their first."""

from typing import Any

import pytest

from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.kubernetes.settling import group_set, service

Body = dict[str, Any]
KEY, SERVICE = "leaderworkerset.x-k8s.io|LeaderWorkerSet|ml|serve", "|Service|ml|serve"


def groups(size: int) -> Body:
    pod = {"containers": [{"name": "a", "resources": {"requests": {"nvidia.com/gpu": "8"}}}]}
    templates = {
        f"{role}Template": {"metadata": {"labels": {"role": role}}, "spec": pod} for role in ("leader", "worker")
    }
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": "serve", "namespace": "ml"},
        "spec": {"replicas": 1, "leaderWorkerTemplate": {"size": size, **templates}},
    }


def found_by(role: str, *, size: int, nodes: int) -> int:
    """Addresses behind a Service that selects this role's pods."""
    kubernetes = SimulatedKubernetes()
    objects = kubernetes.objects
    kubernetes.add_nodes("serve", nodes, {}, (), {"cpu": "8", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "8"})
    meta = {"name": "serve", "namespace": "ml"}
    objects.add(
        SERVICE, {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": {"role": role}}}
    )
    objects.add(KEY, groups(size))
    for key, settle in ((KEY, group_set), (SERVICE, service)):
        body = objects.at(key)
        assert body is not None
        settle(objects, key, body)
    slices = [body for key, body in objects.all() if key.startswith("discovery.k8s.io|EndpointSlice|ml|")]
    return sum(len(one["endpoints"]) for one in slices)


@pytest.mark.parametrize(("size", "nodes", "expected"), [(2, 2, 1), (2, 1, 0), (1, 1, 1)])
def test_a_group_is_ready_where_there_is_a_node_for_each_of_its_pods(size: int, nodes: int, expected: int) -> None:
    assert found_by("leader", size=size, nodes=nodes) == expected


def test_a_service_finds_no_other_pod_than_the_first() -> None:
    assert found_by("worker", size=2, nodes=2) == 0
