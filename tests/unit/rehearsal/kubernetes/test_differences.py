"""Changes that update an object, and those that need another one in its place."""

from typing import Any

import pytest

from engine.provider.values import Unknown
from rehearsal.providers.kubernetes.differences import Difference, difference

Body = dict[str, Any]


def deployment(**spec: Any) -> Body:
    whole = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "ml"},
        "spec": whole,
    }


def compared(old: Body, new: Body, *, live: Body | None = None, **settings: Any) -> Difference:
    return difference(live or old, old, new, is_patch=False, settings=settings, namespaced=True)


def test_what_the_server_filled_in_is_no_difference() -> None:
    live = deployment(revisionHistoryLimit=10, strategy={"type": "RollingUpdate"})
    assert not compared(deployment(), deployment(), live=live).changes


def test_a_field_of_ours_that_drifted_is_one() -> None:
    assert compared(deployment(), deployment(), live=deployment(replicas=5)).changes == {"spec.replicas": "update"}


def test_an_amount_written_in_another_way_is_the_same_and_another_amount_is_not() -> None:
    def body(cpu: str) -> Body:
        return deployment(template={"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}})

    assert not compared(body("0.5"), body("0.5"), live=body("500m")).changes
    assert list(compared(body("0.5"), body("0.6"), live=body("500m")).changes) == [
        "spec.template.spec.containers[0].resources.requests.cpu"
    ]


def test_what_is_not_known_yet_is_a_difference() -> None:
    assert compared(deployment(), deployment(replicas=Unknown())).changes == {"spec.replicas": "update"}


@pytest.mark.parametrize(
    ("kind", "old", "new", "replaces"),
    [
        ("apps/v1 Deployment", {"spec": {"selector": {"a": "b"}}}, {"spec": {"selector": {"a": "c"}}}, True),
        ("apps/v1 Deployment", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, False),
        ("batch/v1 Job", {"spec": {"template": {"a": 1}}}, {"spec": {"template": {"a": 2}}}, True),
        ("batch/v1 Job", {"spec": {"suspend": True}}, {"spec": {"suspend": False}}, False),
        ("v1 Pod", {"spec": {"nodeName": "a"}}, {"spec": {"nodeName": "b"}}, True),
        ("v1 Pod", {"spec": {"tolerations": []}}, {"spec": {"tolerations": [{"key": "a"}]}}, False),
        ("v1 Secret", {"stringData": {"a": "b"}}, {"stringData": {"a": "c"}}, True),
        ("v1 ConfigMap", {"data": {"a": "b"}}, {"data": {"a": "c"}}, True),
        ("v1 Service", {"spec": {"clusterIP": "10.96.0.7"}}, {"spec": {"clusterIP": "None"}}, True),
        ("v1 Service", {"spec": {"ports": [{"port": 1}]}}, {"spec": {"ports": [{"port": 2}]}}, False),
        ("storage.k8s.io/v1 StorageClass", {"parameters": {"a": "1"}}, {"parameters": {"a": "2"}}, True),
        ("kueue.x-k8s.io/v1beta2 ClusterQueue", {"spec": {"cohortName": "a"}}, {"spec": {"cohortName": "b"}}, False),
    ],
)
def test_a_fixed_field_needs_another_object(kind: str, old: Body, new: Body, replaces: bool) -> None:
    api_version, word = kind.split()
    head = {"apiVersion": api_version, "kind": word, "metadata": {"name": "a"}}
    found = compared({**head, **old}, {**head, **new})
    assert found.changes
    assert bool(found.replaces) is replaces
    assert found.delete_first is replaces  # its name is its own, so the old one has to go first


def test_a_config_map_changes_in_place_where_the_provider_says_so() -> None:
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    found = compared({**head, "data": {"a": "b"}}, {**head, "data": {"a": "c"}}, enableConfigMapMutable=True)
    assert found.changes
    assert not found.replaces


def test_another_name_or_namespace_is_another_object_made_beside_it() -> None:
    moved = deployment()
    moved["metadata"] = {"name": "web", "namespace": "other"}
    found = compared(deployment(), moved)
    assert found.replaces == ("metadata.namespace",)
    assert not found.delete_first
