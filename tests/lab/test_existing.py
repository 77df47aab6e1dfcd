"""The preflight against a real API server: a cluster that lacks each thing, and one that has all.

Each remedy that is told is carried out, and the next look finds nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from components.estimate.nodes import Room
from components.kubernetes.api import KubernetesApi
from components.kubernetes.definitions import custom_kinds
from components.plan.kubernetes import NAMESPACE
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from lab.lab import Lab
from providers import clouds
from providers.existing import preflight
from providers.existing.discovery import read_listing
from providers.existing.seen import is_usable, seen_in
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.lab.test_control_plane import eventually

TAINT = {"key": "team", "value": "ml", "effect": "NoSchedule"}
DEFINITIONS = "apiextensions.k8s.io/v1"
RELEASE = {"meta.helm.sh/release-name": "keda", "meta.helm.sh/release-namespace": "scaling"}


def stack(kubeconfig: Path, **pool: Any) -> StackPlan:
    """A stack on the lab's wired nodes, planned from its file alone, that needs what a bare cluster lacks."""
    addons = {
        "loki": True,
        "keda": True,
        "dcgm-exporter": {"enabled": True, "values": {"runtimeClassName": "nvidia"}},
    }
    config = {
        "cluster": {"cloud": "existing", "nodePools": [{"name": "wired", "machineType": "box", "count": 4, **pool}]},
        "existing": {
            "kubeconfig": str(kubeconfig),
            "version": "1.36",
            "machines": {"box": {"cores": 8, "memoryGib": 32}},
            "volume": {"storageClass": "shared", "sizeGib": 1},
            "owners": {"JobSet controller": "ours", "job queues": "our Kueue", "Prometheus operator": "ours"},
        },
        "storage": {"volume": {"onDestroy": "delete"}},
        "platform": {"addons": addons},
        "training": {
            "image": "registry.example/penstock:1",
            "nodes": 2,
            "model": {"layers": 2, "width": 64, "heads": 4, "kvHeads": 2, "vocabulary": 512, "context": 64},
        },
    }
    keyed = {f"penstock:{key}": value for key, value in config.items()}
    return plan_stack(parse_stack(keyed, "Pulumi.x.yaml", clouds()), "mine", NOW)


@contextmanager
def made(api: KubernetesApi, body: dict[str, Any]) -> Iterator[None]:
    api.create(body)
    try:
        yield
    finally:
        api.delete(body["apiVersion"], body["kind"], body["metadata"]["name"], propagation="Background")
        there = partial(api.get, body["apiVersion"], body["kind"], body["metadata"]["name"])
        eventually(lambda: there() is None, f"{body['metadata']['name']} is gone")


@contextmanager
def tainted(api: KubernetesApi, names: list[str], taints: list[dict[str, str]]) -> Iterator[None]:
    def change(marks: list[dict[str, str]]) -> None:
        for name in names:
            api.patch({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": marks}})

    change(taints)
    try:
        yield
    finally:
        change([])


def storage_class(name: str, *, default: bool = False) -> dict[str, Any]:
    marks = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name, **marks},
        "provisioner": "example.org/none",
    }  # fmt: skip


def definition(
    name: str, kind: str, *versions: str, namespaced: bool = True, marks: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    plural, _, group = name.partition(".")
    served = [
        {"name": one, "served": True, "storage": one == versions[0], "schema": schema}
        for one in versions
    ]  # fmt: skip
    return {
        "apiVersion": DEFINITIONS,
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test", **marks},
        },
        "spec": {
            "group": group,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": served,
        },
    }


def of_others() -> list[dict[str, Any]]:
    """Definitions of the software that the stack says others run, at the versions of the plan."""
    groups = ("jobset.x-k8s.io", "kueue.x-k8s.io")
    kinds = {one.definition: one for one in custom_kinds().values() if one.group in groups}
    found = [definition(name, one.kind, one.version, namespaced=one.namespaced) for name, one in kinds.items()]
    return [*found, definition("servicemonitors.monitoring.coreos.com", "ServiceMonitor", "v1")]


def told(plan: StackPlan) -> list[str]:
    return [str(problem) for problem in preflight(plan)]


def _become_well(api: KubernetesApi, pool: str) -> None:
    """Waits until all nodes of a pool are Ready, as long as the machine takes that other labs share."""

    def unwell() -> list[str]:
        nodes = api.list("v1", "Node", labels=f"penstock.dev/pool={pool}")
        return [one["metadata"]["name"] for one in nodes if not is_usable(one)]

    eventually(lambda: not unwell(), f"{pool} has nodes that are well", within_s=400.0)


def _without_penstock(api: KubernetesApi) -> None:
    """Takes away the namespace that other tests leave on the shared lab, which would be told as somebody else's."""
    if api.get("v1", "Namespace", NAMESPACE):
        api.delete("v1", "Namespace", NAMESPACE)
        eventually(lambda: api.get("v1", "Namespace", NAMESPACE) is None, "the namespace's end")


@pytest.mark.timeout(600)
def test_a_cluster_that_lacks_each_thing_is_told_all_at_once_and_each_remedy_helps(
    lab: Lab, api: KubernetesApi
) -> None:
    nodes = [one["metadata"]["name"] for one in api.list("v1", "Node", labels="penstock.dev/pool=wired")]
    plan = stack(lab.kubeconfig)
    _without_penstock(api)
    with ExitStack() as standing:
        kedas = definition("scaledobjects.keda.sh", "ScaledObject", "v1alpha1", marks=RELEASE)
        with tainted(api, nodes[:2], [TAINT]), made(api, kedas):
            found = told(plan)
            expected = [
                "cluster.nodePools.wired.taints: 4 nodes, but wired-0, wired-1 have team=ml:NoSchedule",
                "platform.addons.loki.values.singleBinary.persistence.storageClass: is missing: a disk is claimed",
                "existing.volume.storageClass: 'shared' is not a storage class of the cluster; it has none",
                "platform.addons.dcgm-exporter: 'nvidia' is not a runtime class of the cluster; it has none",
                "training: a JobSet of jobset.x-k8s.io/v1alpha2 is needed, and the cluster serves no jobset.x-k8s.io",
                "scheduler.kind: a ClusterQueue of kueue.x-k8s.io/v1beta2 is needed",
                "a ServiceMonitor of monitoring.coreos.com/v1 is needed, and the cluster serves no monitoring.coreos",
                "platform.addons.keda: the cluster has scaledobjects.keda.sh already: they are of the",
            ]
            for words in expected:
                assert any(words in message for message in found), (words, found)
            known = (*expected, "kueue.x-k8s.io/v1beta2 is needed")

            def others() -> list[str]:
                return [one for one in told(plan) if not any(words in one for words in known)]

            _become_well(api, "wired")
            assert others() == []
            assert not [one for one in told(stack(lab.kubeconfig, taints=[TAINT])) if "nodePools.wired.taints" in one]
        standing.enter_context(made(api, storage_class("fast", default=True)))
        standing.enter_context(made(api, storage_class("shared")))
        runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}}
        standing.enter_context(made(api, {**runtime, "handler": "nvidia"}))
        for body in of_others():
            standing.enter_context(made(api, body))
        eventually(lambda: told(plan) == [], "a cluster that has it all")


@pytest.mark.timeout(300)
def test_an_older_version_and_fields_that_would_be_dropped_are_told(lab: Lab, api: KubernetesApi) -> None:
    plan = stack(lab.kubeconfig)
    old = definition("jobsets.jobset.x-k8s.io", "JobSet", "v1alpha1")
    with made(api, old):
        eventually(
            lambda: any("serves jobset.x-k8s.io as v1alpha1; upgrade jobset" in one for one in told(plan)), "old"
        )
    bare = definition("jobsets.jobset.x-k8s.io", "JobSet", "v1alpha2")
    spec = {"type": "object", "properties": {"suspend": {"type": "boolean"}}}
    bare["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {"type": "object", "properties": {"spec": spec}}
    with made(api, bare):
        eventually(lambda: any("has no spec." in one and "dropped" in one for one in told(plan)), "dropped fields")
        job = plan.job[-1]
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        kept = api.create(dict(job), dry_run=True)
        assert "replicatedJobs" in job["spec"]
        assert "replicatedJobs" not in kept["spec"], "the API server takes it, and says nothing"


@pytest.mark.timeout(300)
def test_rights_to_look_that_are_missing_are_told_and_not_taken_for_nothing_there(
    lab: Lab, api: KubernetesApi, tmp_path: Path
) -> None:
    rules = [
        {"apiGroups": [""], "resources": ["nodes", "namespaces", "configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": ["list"]},
    ]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "looks-little"}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "looks-little"}}
    binding = {
        **role,
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "looks-little"},
        "subjects": [{"kind": "ServiceAccount", "name": "looks-little", "namespace": "default"}],
    }
    with made(api, {**role, "rules": rules}), made(api, account), made(api, binding):
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = "/api/v1/namespaces/default/serviceaccounts/looks-little/token"
        token = api.call("POST", path, body=request)["status"]["token"]
        kubeconfig = as_user(lab, tmp_path, token)
        found = told(stack(kubeconfig))
    for kind in ("daemonsets.apps", "customresourcedefinitions", "storageclasses", "runtimeclasses"):
        (message,) = [one for one in found if f"the right to list {kind}" in one]
        assert message.startswith(("existing.kubeconfig: whether", "existing.kubeconfig: what runs"))
        assert "looks-little" in message, "the server's own words"
    assert not [one for one in found if "is not a" in one or "is missing: a disk" in one], "unseen is not missing"


def as_user(lab: Lab, folder: Path, token: str) -> Path:
    """The lab's kubeconfig with another's token."""
    content = yaml.safe_load(lab.kubeconfig.read_text())
    content["users"] = [{"name": one["name"], "user": {"token": token}} for one in content["users"]]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.timeout(300)
def test_requests_of_daemon_sets_are_those_of_the_pods_that_really_come(api: KubernetesApi) -> None:
    requests = {"cpu": "1500m", "memory": "2Gi"}
    container = {"name": "main", "image": "registry.example/a:1", "resources": {"requests": requests}}
    pod = {
        "metadata": {"labels": {"app": "counted"}},
        "spec": {
            "containers": [container],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "penstock.dev/pool", "operator": "In", "values": ["kwok", "wired"]}]}
            ]}}},
        },
    }  # fmt: skip
    body = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "counted", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "counted"}}, "template": pod},
    }
    before = {node.name: node.daemons for node in seen_in(read_listing(api)).nodes}
    with tainted(api, ["wired-0"], [TAINT]), made(api, body):
        nodes = seen_in(read_listing(api)).nodes
        expected = {node.name for node in nodes if node.daemons != before[node.name]}
        assert {node.daemons for node in nodes if node.name in expected} == {Room(cores=1.5, memory_gib=2)}
        eventually(lambda: _bound(api) == expected, f"a pod on each of {sorted(expected)}")
        assert "wired-0" not in expected
        assert "kwok-0" in expected


def _bound(api: KubernetesApi) -> set[str]:
    pods = api.list("v1", "Pod", "default", labels="app=counted")
    return {pod["spec"].get("nodeName", "") for pod in pods} - {""}
