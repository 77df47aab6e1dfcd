"""The simulated Kubernetes by its REST API, as penstock's own client speaks it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from components.kubernetes.api import ApiError, KubernetesApi
from components.kubernetes.kubeconfig import Access
from components.loopback import LOOPBACK
from lab.releases import read_ask
from rehearsal.cloud.pace import simulated_pace
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.kubernetes.releases import RecordedReleases

Body = dict[str, Any]


@pytest.fixture
def kubernetes() -> Iterator[SimulatedKubernetes]:
    found = SimulatedKubernetes()
    with found.serving():
        yield found


@pytest.fixture
def api(kubernetes: SimulatedKubernetes) -> Iterator[KubernetesApi]:
    with KubernetesApi(kubernetes.access) as found:
        yield found


@pytest.mark.parametrize("exempted", ["*", ".amazonaws.com"])
def test_no_exemption_of_the_users_leads_past_the_cluster(
    kubernetes: SimulatedKubernetes, monkeypatch: pytest.MonkeyPatch, exempted: str
) -> None:
    monkeypatch.setenv("no_proxy", exempted)
    monkeypatch.setenv("NO_PROXY", exempted)
    env = {**os.environ, **kubernetes.env}
    assert env["https_proxy"] == env["HTTPS_PROXY"] == kubernetes.access.server
    assert env["no_proxy"] == env["NO_PROXY"] == ",".join(LOOPBACK)


def config_map(**data: str) -> Body:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}, "data": data}


def deployment(image: str = "web:1", **pod: Any) -> Body:
    labels = {"app": "web"}
    spec = {"containers": [{"name": "web", "image": image}], **pod}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }  # fmt: skip


def queue(**spec: Any) -> Body:
    return {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": "q"}, "spec": spec}


def install(kubernetes: SimulatedKubernetes, chart: str) -> RecordedReleases:
    releases = RecordedReleases(kubernetes, simulated_pace(kubernetes.clock))
    given = {"name": chart, "chart": chart, "namespace": "system", "createNamespace": True, "timeout": 60}
    with kubernetes.clock.working():
        releases.install(read_ask(given))
    return releases


def later(kubernetes: SimulatedKubernetes, minutes: float = 1.0) -> None:
    with kubernetes.clock.working():
        kubernetes.clock.wait(minutes)


def test_who_has_no_token_is_not_let_in(kubernetes: SimulatedKubernetes) -> None:
    access = Access(server=kubernetes.access.server, token="guessed")  # noqa: S106 (a wrong one)
    with KubernetesApi(access) as stranger, pytest.raises(ApiError) as told:
        stranger.version()
    assert told.value.status == 401


def test_another_managers_field_is_a_conflict_unless_forced_and_dropped_fields_go(api: KubernetesApi) -> None:
    api.apply(config_map(a="1", b="1"), manager="one")
    with pytest.raises(ApiError, match=r'conflict with "one": \.data\.a'):
        api.apply(config_map(a="2"), manager="two")
    api.apply(config_map(a="2"), manager="two", force=True)
    assert api.apply(config_map(b="1"), manager="one")["data"] == {"a": "2", "b": "1"}
    assert api.apply(config_map(c="1"), manager="one")["data"] == {"a": "2", "c": "1"}


def test_a_dry_run_judges_and_stores_nothing(api: KubernetesApi) -> None:
    assert api.apply(config_map(a="1"), dry_run=True)["data"] == {"a": "1"}
    assert api.get("v1", "ConfigMap", "a", "default") is None


def test_an_unchanged_apply_is_no_new_version(api: KubernetesApi) -> None:
    first = api.apply(config_map(a="1"))
    assert api.apply(config_map(a="1"))["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (deployment(containerz=[]), "spec.template.spec.containerz: unknown field"),
        ({**deployment(), "spec": {"template": {}}}, "spec.selector: required value"),
        (deployment(image=3), "spec.template.spec.containers[0].image: 3 is not of type"),  # type: ignore[arg-type]
    ],
)
def test_core_kinds_are_judged_strictly(api: KubernetesApi, wrong: Body, said: str) -> None:
    with pytest.raises(ApiError) as told:
        api.create(wrong)
    assert told.value.status == 422
    assert said in str(told.value)


def test_a_custom_kind_needs_its_definition_and_obeys_it(kubernetes: SimulatedKubernetes, api: KubernetesApi) -> None:
    with pytest.raises(ApiError) as told:
        api.create(queue())
    assert told.value.status == 404
    kubernetes.add_nodes("system", 1, {}, (), {})
    install(kubernetes, "kueue")
    with pytest.raises(ApiError, match=r"spec\.queueingStrategy: 'Sometimes' is not one of"):
        api.create(queue(queueingStrategy="Sometimes"))
    with pytest.raises(ApiError, match=r"spec\.cohortt: unknown field"):
        api.create(queue(cohortt="a"))
    assert api.create(queue(namespaceSelector={}))["metadata"]["finalizers"]


def test_a_webhook_answers_only_when_its_controller_runs(kubernetes: SimulatedKubernetes, api: KubernetesApi) -> None:
    kubernetes.add_nodes("system", 1, {}, (), {})
    install(kubernetes, "kueue")
    kubernetes.change_from_outside("apps|Deployment|system|kueue", {"status.conditions": []})
    with pytest.raises(ApiError, match="failed calling webhook"):
        api.create(queue())


def test_an_object_whose_controller_went_first_is_held_by_its_finalizer(
    kubernetes: SimulatedKubernetes, api: KubernetesApi
) -> None:
    kubernetes.add_nodes("system", 1, {}, (), {})
    releases = install(kubernetes, "kueue")
    api.create(queue())
    releases.uninstall("kueue", "system", timeout_s=60)
    api.delete("kueue.x-k8s.io/v1beta2", "ClusterQueue", "q")
    later(kubernetes)
    held = api.get("kueue.x-k8s.io/v1beta2", "ClusterQueue", "q")
    assert held
    assert held["metadata"]["deletionTimestamp"]


def flavor(taint: str, name: str = "a") -> Body:
    spec = {"nodeLabels": {"pool": "a"}, "topologyName": "t", "tolerations": [{"key": taint, "operator": "Exists"}]}
    return {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": {"name": name}, "spec": spec}


def test_a_flavor_with_a_topology_is_never_changed_and_stays_while_a_queue_has_it(
    kubernetes: SimulatedKubernetes, api: KubernetesApi
) -> None:
    kubernetes.add_nodes("system", 1, {}, (), {})
    install(kubernetes, "kueue")

    def queue_of(name: str) -> Body:
        quota = {"name": name, "resources": [{"name": "cpu", "nominalQuota": "1"}]}
        return queue(resourceGroups=[{"coveredResources": ["cpu"], "flavors": [quota]}])

    def flavors() -> list[str]:
        later(kubernetes)
        return [one["metadata"]["name"] for one in api.list("kueue.x-k8s.io/v1beta2", "ResourceFlavor")]

    api.apply(flavor("x"))
    with pytest.raises(ApiError, match=r"spec\.tolerations: Invalid value: field is immutable"):
        api.apply(flavor("y"))
    api.apply(queue_of("a"))
    api.delete("kueue.x-k8s.io/v1beta2", "ResourceFlavor", "a")
    assert flavors() == ["a"]
    api.apply(flavor("y", "b"))
    api.apply(queue_of("b"))
    assert flavors() == ["b"]


def test_a_claim_grows_only_where_its_class_lets_it(api: KubernetesApi) -> None:
    def claim(gib: int, storage_class: str = "") -> Body:
        spec = {
            "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": f"{gib}Gi"}},
            "storageClassName": storage_class,
        }  # fmt: skip
        metadata = {"name": f"of-{storage_class or 'none'}", "namespace": "default"}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}

    def storage(*, grows: bool) -> Body:
        metadata = {"name": "grows" if grows else "fixed"}
        own = {"provisioner": "x", "allowVolumeExpansion": grows, "volumeBindingMode": "WaitForFirstConsumer"}
        return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, **own}

    for grows in (True, False):
        api.apply(storage(grows=grows))
    for name in ("", "fixed", "grows"):
        api.apply(claim(2, name))
    api.apply(claim(3, "grows"))
    for gib, name, why in ((3, "", "never grows"), (3, "fixed", "does not let"), (2, "grows", "never shrinks")):
        with pytest.raises(ApiError, match=why):
            api.apply(claim(gib, name))


def test_a_deployment_waits_for_a_node_that_suits_it(kubernetes: SimulatedKubernetes, api: KubernetesApi) -> None:
    def available() -> int:
        found = api.get("apps/v1", "Deployment", "web", "default")
        assert found
        return int(found.get("status", {}).get("availableReplicas", 0))

    taint = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    kubernetes.add_nodes("other", 1, {"tier": "data"}, (), {})
    api.create(deployment(nodeSelector={"tier": "web"}))
    later(kubernetes)
    assert available() == 0
    kubernetes.add_nodes("tainted", 1, {"tier": "web"}, (taint,), {})
    later(kubernetes)
    assert available() == 0
    kubernetes.add_nodes("system", 1, {"tier": "web"}, (), {})
    later(kubernetes)
    assert available() == 1


def test_a_namespace_takes_all_that_is_in_it(kubernetes: SimulatedKubernetes, api: KubernetesApi) -> None:
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml"}})
    assert api.get("v1", "ServiceAccount", "default", "ml")
    body = config_map(a="1")
    body["metadata"]["namespace"] = "ml"
    api.create(body)
    assert kubernetes.leftovers() == ("Namespace ml", "ConfigMap ml/a")
    api.delete("v1", "Namespace", "ml")
    with pytest.raises(ApiError, match="being terminated"):
        api.create({**body, "metadata": {"name": "late", "namespace": "ml"}})
    later(kubernetes)
    assert api.get("v1", "Namespace", "ml") is None
    assert kubernetes.leftovers() == ()


def test_who_asks_twice_from_outside_has_waited(kubernetes: SimulatedKubernetes) -> None:
    with KubernetesApi(kubernetes.outside_access) as outside:
        kubernetes.add_nodes("system", 1, {}, (), {})
        outside.create(deployment())
        for _ in range(20):
            found = outside.get("apps/v1", "Deployment", "web", "default")
            if found and found.get("status", {}).get("availableReplicas"):
                return
    pytest.fail("simulated time stood still")


def test_what_happens_is_watched(kubernetes: SimulatedKubernetes, api: KubernetesApi) -> None:
    api.create(config_map(a="1"))
    seen = []
    for event, body in api.watch("v1", "ConfigMap", "default", fields="metadata.name=a", timeout_s=5):
        seen.append((event, body["data"]["a"]))
        if event == "ADDED":
            kubernetes.change_from_outside("|ConfigMap|default|a", {"data.a": "2"})
        elif event == "MODIFIED":
            kubernetes.delete_from_outside("|ConfigMap|default|a")
        else:
            break
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_another_process_finds_the_cluster_as_it_was(tmp_path: Any) -> None:
    first = SimulatedKubernetes(tmp_path)
    with first.serving(), KubernetesApi(first.access) as api:
        api.create(config_map(a="1"))
    first.close()
    second = SimulatedKubernetes(tmp_path)
    with second.serving(), KubernetesApi(second.access) as api:
        found = api.get("v1", "ConfigMap", "a", "default")
    assert found
    assert found["data"] == {"a": "1"}
