"""Needs of a plan that its cluster does not fulfil: each told with its remedy, all at once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.errors import Problem
from components.kubernetes.inventory import inventory
from providers.existing.lacks import (
    class_problems,
    field_problems,
    idle_problems,
    kind_problems,
    leftover_problems,
    right_problems,
)
from providers.existing.needs import disk_claims, needed_kinds
from providers.existing.seen import seen_in
from tests.unit.providers.existing.existing_cases import (
    definition,
    existing_plan,
    listing,
    planned,
    storage_class,
)

THEIRS = {"owners": {"JobSet controller": "ours", "job queues": "our Kueue"}}


def told(problems: Iterator[Problem]) -> list[str]:
    found = list(problems)
    assert all(problem.stops for problem in found)
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("addon", "values", "path"),
    [
        ("loki", {}, "loki.values.singleBinary.persistence.storageClass"),
        (
            "kube-prometheus-stack",
            {"prometheus": {"prometheusSpec": {"storageSpec": {"volumeClaimTemplate": {"spec": {}}}}}},
            "kube-prometheus-stack.values.prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName",
        ),
    ],
)  # fmt: skip
def test_a_disk_without_a_class_needs_a_default_one(addon: str, values: dict[str, Any], path: str) -> None:
    plan = planned(platform={"addons": {addon: {"enabled": True, "values": values}}})
    settings = existing_plan(plan).settings
    (message,) = told(class_problems(plan, settings, listing(storage_classes=[storage_class("fast")])))
    assert message.startswith(f"platform.addons.{path}: is missing: a disk is claimed, and the cluster has no default")
    assert "(it has fast); name one" in message
    assert not told(class_problems(plan, settings, listing(storage_classes=[storage_class("fast", default=True)])))
    if addon == "loki":
        named = {"singleBinary": {"persistence": {"storageClass": "fast"}}}
        plan = planned(platform={"addons": {"loki": {"enabled": True, "values": named}}})
        assert not told(class_problems(plan, settings, listing(storage_classes=[storage_class("fast")])))
        (message,) = told(class_problems(plan, settings, listing(storage_classes=[storage_class("fest")])))
        assert "'fast' is not a storage class of the cluster; did you mean 'fest'?" in message


def test_slurms_controller_claims_a_disk_unless_it_is_given_one() -> None:
    persistence: dict[str, Any] = {}
    slurm = {"slurm": {"values": {"controller": {"persistence": persistence}}}}
    keys: dict[str, Any] = {"scheduler": {"kind": "slurm"}, "platform": {"addons": slurm}, "training": None}
    claim = "platform.addons.slurm.values.controller.persistence.storageClassName"
    assert list(disk_claims(planned(**keys))) == [(claim, "")]
    persistence["existingClaim"] = "mine"
    assert not list(disk_claims(planned(**keys)))
    persistence |= {"existingClaim": "", "enabled": False}
    assert not list(disk_claims(planned(**keys)))


def test_a_volumes_class_is_judged_where_the_plan_was_made_unseen() -> None:
    plan = planned(existing={"volume": {"storageClass": "shared", "sizeGib": 10}})
    settings = existing_plan(plan).settings
    (message,) = told(class_problems(plan, settings, listing()))
    assert message.startswith(
        "existing.volume.storageClass: 'shared' is not a storage class of the cluster; it has none"
    )
    assert not told(class_problems(plan, settings, listing(storage_classes=[storage_class("shared")])))


def test_a_runtime_class_that_pods_name_has_to_be_there() -> None:
    values = {"runtimeClassName": "nvidia"}
    plan = planned(platform={"addons": {"dcgm-exporter": {"enabled": True, "values": values}}})
    settings = existing_plan(plan).settings
    (message,) = told(class_problems(plan, settings, listing(runtime_classes=[{"metadata": {"name": "gvisor"}}])))
    assert message.startswith(
        "platform.addons.dcgm-exporter: 'nvidia' is not a runtime class of the cluster; it has gv"
    )
    assert not told(class_problems(plan, settings, listing(runtime_classes=[{"metadata": {"name": "nvidia"}}])))


def test_kinds_of_others_software_have_to_be_served() -> None:
    plan = planned(existing=THEIRS)
    served = {"jobset.x-k8s.io": ("v1alpha1",)}

    def serves(api_version: str, kind: str) -> bool:
        return "x-k8s.io" not in api_version

    found = told(kind_problems(plan, serves, lambda group: served.get(group, ())))
    (jobset,) = [message for message in found if "a JobSet of" in message]
    assert jobset.startswith("training: a JobSet of jobset.x-k8s.io/v1alpha2 is needed, and the cluster serves")
    assert "as v1alpha1; upgrade jobset (" in jobset
    (queue,) = [message for message in found if "a ClusterQueue of" in message]
    assert "the cluster serves no kueue.x-k8s.io; install kueue (" in queue
    assert "take it out of existing.owners" in queue
    assert not told(kind_problems(plan, lambda *_: True, lambda _: ("v1",)))


KUBERNETES_OWN = (
    *("", "apps", "autoscaling", "batch", "policy"),
    *("apiextensions.k8s.io", "networking.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io"),
)


@pytest.mark.parametrize("kind", ["kueue", "trainer", "volcano", "kai", "kuberay", "mpi"])
def test_what_the_add_ons_of_a_plan_bring_need_not_be_served(kind: str) -> None:
    service = {
        "image": "r.example/penstock:1", "model": {"path": "/data/m"}, "route": {},
        "autoscaling": {"minReplicas": 0, "maxReplicas": 2},
    }  # fmt: skip
    training = {} if kind != "mpi" else {"training": None}
    needed = needed_kinds(planned(scheduler={"kind": kind}, inference=service, **training))
    assert not [one for one in needed if one[0].rpartition("/")[0] not in KUBERNETES_OWN]


def test_monitors_of_charts_need_the_operators_kinds() -> None:
    plan = planned(existing={"owners": {"Prometheus operator": "ours"}})
    found = told(kind_problems(plan, lambda version, _: "coreos" not in version, lambda _: ()))
    assert any("a ServiceMonitor of monitoring.coreos.com/v1 is needed" in message for message in found)


def test_claimed_devices_need_dynamic_resource_allocation() -> None:
    pods = {"train": {"resourceClaims": [{"name": "nics", "template": "eight"}]}}
    plan = planned(existing={"pods": pods})
    (message,) = told(kind_problems(plan, lambda *_: True, lambda _: ()))
    assert "the cluster serves no resource.k8s.io; take Kubernetes 1.34" in message
    assert not told(kind_problems(plan, lambda *_: True, lambda _: ("v1",)))
    assert not told(kind_problems(planned(), lambda *_: True, lambda _: ()))


def test_a_field_that_an_older_definition_drops_is_told() -> None:
    plan = planned(existing=THEIRS)
    jobset = definition("jobsets.jobset.x-k8s.io", "JobSet", "v1alpha2")
    assert not told(field_problems(plan, listing(definitions=[jobset])))
    spec = {"type": "object", "properties": {"replicatedJobs": {"x-kubernetes-preserve-unknown-fields": True}}}
    jobset["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {"type": "object", "properties": {"spec": spec}}
    (message,) = told(field_problems(plan, listing(definitions=[jobset])))
    assert message.startswith("training: the cluster's definition jobsets.jobset.x-k8s.io has no spec.")
    assert "which would be dropped; upgrade jobset (" in message
    whole = {"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}}
    jobset["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = whole
    assert not told(field_problems(plan, listing(definitions=[jobset])))


RELEASE = {"meta.helm.sh/release-name": "keda", "meta.helm.sh/release-namespace": "scaling"}


@pytest.mark.parametrize(
    ("addon", "found", "words"),
    [
        ("keda", definition("scaledobjects.keda.sh", "ScaledObject", "v1alpha1", **RELEASE), "release scaling/keda"),
        ("keda", definition("scaledobjects.keda.sh", "ScaledObject", "v1alpha1"), "Helm did not make them, and"),
        ("kuberay-operator", definition("rayjobs.ray.io", "RayJob", "v1alpha1"), "serve ray.io/v1alpha1, the plan"),
        ("kuberay-operator", definition("rayjobs.ray.io", "RayJob", "v1"), ""),
    ],
)  # fmt: skip
def test_definitions_in_the_way_of_a_chart_are_told(addon: str, found: dict[str, Any], words: str) -> None:
    scheduler = {"kind": "kuberay"} if addon == "kuberay-operator" else {}
    plan = planned(platform={"addons": {addon: True}}, scheduler=scheduler)
    messages = told(leftover_problems(plan, listing(definitions=[found])))
    assert bool(messages) == bool(words)
    for message in messages:
        assert message.startswith(f"platform.addons.{addon}: the cluster has {found['metadata']['name']} already: ")
        assert words in message
    assert plan.inside is not None
    own = inventory("mine", plan.inside.platform)
    assert not told(leftover_problems(plan, listing(definitions=[found], inventory=own)))


def test_definitions_without_a_controller_are_no_scheduler() -> None:
    found = [definition("jobsets.jobset.x-k8s.io", "JobSet", "v1alpha2")]
    plan = planned()
    settings = existing_plan(plan).settings
    assert plan.inside is not None
    owners = seen_in(listing(definitions=found)).owners
    facts = replace(plan.inside.facts, owners=owners)
    platform = replace(
        plan.inside.platform, addons=tuple(one for one in plan.inside.platform.addons if one.name != "jobset")
    )
    seen = replace(plan, inside=replace(plan.inside, facts=facts, platform=platform))
    (message,) = told(idle_problems(seen, settings, listing(definitions=found)))
    assert message.startswith(
        "scheduler.kind: it needs jobset, and the cluster has jobsets.jobset.x-k8s.io, but nothing"
    )
    assert """have penstock install it with existing.owners: {JobSet controller: ""}""" in message
    pod = {"spec": {"containers": [{"image": "registry.k8s.io/jobset/jobset:v0.12.0"}]}}
    runs = {"kind": "Deployment", "metadata": {"name": "jobset"}, "spec": {"template": pod}}
    assert not told(idle_problems(seen, settings, listing(definitions=found, workloads=[runs])))
    stated = settings.model_copy(update={"owners": {next(iter(owners)): "runs elsewhere"}})
    assert not told(idle_problems(seen, stated, listing(definitions=found)))
    assert not told(idle_problems(seen, settings, listing(definitions=found, hidden={"Deployment": "no"})))


def test_a_right_that_is_missing_is_told_where_its_answer_decides() -> None:
    hidden = dict.fromkeys(("StorageClass", "RuntimeClass", "PersistentVolume", "Namespace", "DaemonSet"), "forbidden")
    plan = planned()
    settings = existing_plan(plan).settings
    (message,) = told(right_problems(plan, settings, listing(hidden=hidden)))
    assert message.startswith(
        "existing.kubeconfig: what runs there already is not known, and would come a second time (f"
    )
    assert message.endswith("get these credentials the right to list daemonsets.apps")
    loki = {"addons": {"loki": True, "dcgm-exporter": {"enabled": True, "values": {"runtimeClassName": "nvidia"}}}}
    more = planned(platform=loki, existing={"clusterId": "12345678", "volume": {"claim": "a/b"}})
    found = told(right_problems(more, existing_plan(more).settings, listing(hidden=hidden)))
    assert len(found) == 5
    assert not told(class_problems(more, existing_plan(more).settings, listing(hidden=hidden))), "unseen is not missing"
