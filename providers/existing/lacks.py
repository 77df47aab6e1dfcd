"""Judgement of a cluster that is there already: what a plan needs and it lacks, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from components.errors import Problem
from components.kubernetes.definitions import GROUPS_OF_CHARTS
from components.kubernetes.inventory import noted_addons
from components.plan.kubernetes import Owner
from components.plan.stack import StackPlan
from components.platform.catalog import ADDONS
from components.platform.versions import versions
from components.spec.explain import suggestion
from providers.existing.needs import (
    DYNAMIC_RESOURCES,
    addons,
    claims_devices,
    disk_claims,
    manifests,
    needed_kinds,
    runtime_classes,
)
from providers.existing.owners import software
from providers.existing.seen import Listing, default_class
from providers.existing.settings import ExistingSpec

Object = Mapping[str, Any]

Served = Callable[[str, str], bool]
"""True if the cluster serves a kind: apiVersion, kind."""
Versions = Callable[[str], Sequence[str]]
"""Versions that the cluster serves of an API group."""

RESOURCES = {
    "Namespace": "get namespaces",
    "ConfigMap": "get configmaps in the namespace penstock",
    "Deployment": "list deployments.apps",
    "StatefulSet": "list statefulsets.apps",
    "DaemonSet": "list daemonsets.apps",
    "CustomResourceDefinition": "list customresourcedefinitions.apiextensions.k8s.io",
    "StorageClass": "list storageclasses.storage.k8s.io",
    "RuntimeClass": "list runtimeclasses.node.k8s.io",
    "PersistentVolume": "list persistentvolumes",
}
"""Right to each kind that is looked at."""

TELLS_OWNERS = ("ConfigMap", "Deployment", "StatefulSet", "DaemonSet", "CustomResourceDefinition")
"""Kinds without which it is not known what runs on a cluster already, and what of that is penstock's."""

RELEASE = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
IN_TEMPLATES = frozenset(
    {"cert-manager", "keda", "kubeflow-trainer", "kueue", "rook-ceph", "slurm-operator", "volcano"}
)  # fmt: skip
"""Add-ons whose charts have their definitions among their templates. Helm takes over no object that another has made
(kubernetes-sigs/scheduler-plugins#375: "cannot be imported into the current release"); a definition in a chart's folder
`crds` it leaves as it is (Helm, "Custom Resource Definitions")."""
CHARTS = {"lws": "leader-worker-set", "gateway-helm": "gateway-api", "dra-driver-nvidia-gpu": "nvidia-dra-driver"}
"""Add-ons that are called otherwise than their charts."""
NO_CLASS = "-"
"""Word of charts for a claim that is bound by hand."""
MOST_NAMED = 3


def right_problems(plan: StackPlan, settings: ExistingSpec, listing: Listing) -> Iterator[Problem]:
    """Looks that the credentials have no right to, where the answer decides something."""
    decides = dict.fromkeys(TELLS_OWNERS, "what runs there already is not known, and would come a second time")
    if settings.cluster_id:
        decides["Namespace"] = "whether it is the cluster of existing.clusterId is not known"
    if any(True for _ in disk_claims(plan)) or (settings.volume and settings.volume.storage_class):
        decides["StorageClass"] = "whether the disks that the plan claims can be had is not known"
    if any(True for _ in runtime_classes(plan)):
        decides["RuntimeClass"] = "whether the runtime classes that pods name are there is not known"
    if settings.volume and settings.volume.claim:
        decides["PersistentVolume"] = f"the volume behind the claim {settings.volume.claim} is not known"
    for kind, error in listing.hidden.items():
        if kind in decides:
            message = f"{decides[kind]} ({error}); get these credentials the right to {RESOURCES[kind]}"
            yield Problem(path="existing.kubeconfig", message=message)


def kind_problems(plan: StackPlan, serves: Served, versions_of: Versions) -> Iterator[Problem]:
    """Kinds of the plan's objects that the cluster does not serve, and no add-on of the plan brings."""
    for (api_version, kind), path in needed_kinds(plan).items():
        if serves(api_version, kind):
            continue
        group = api_version.rpartition("/")[0]
        by = _software(group)
        if there := versions_of(group):
            message = (
                f"a {kind} of {api_version} is needed, and the cluster serves {group} as {', '.join(there)}; "
                f"upgrade {by}, which it has already"
            )
        else:
            message = (
                f"a {kind} of {api_version} is needed, and the cluster serves no {group}; install {by}, or leave it to "
                "penstock: take it out of existing.owners, and platform.addons.* that are false"
            )
        yield Problem(path=path, message=message)
    path = claims_devices(plan)
    if path and not versions_of(DYNAMIC_RESOURCES):
        message = (
            f"devices are claimed by dynamic resource allocation, and the cluster serves no {DYNAMIC_RESOURCES}; take "
            "Kubernetes 1.34, which serves it, or have the API server and kubelets run with DynamicResourceAllocation"
        )
        yield Problem(path=path, message=message)


def _software(group: str) -> str:
    """The software that brings an API group, at the version that the plan is made for."""
    for chart, groups in GROUPS_OF_CHARTS.items():
        name = CHARTS.get(chart, chart)
        if group in groups and name in versions():
            return f"{name} ({versions()[name].app_version} or newer)"
    return f"what serves {group}"


def field_problems(plan: StackPlan, listing: Listing) -> Iterator[Problem]:
    """Fields of the plan's objects that a definition lacks that no release renews: the API server drops them unsaid."""
    renewed = {name for addon in addons(plan) if addon.name in IN_TEMPLATES for name in addon.crds}
    definitions = {
        (one["spec"]["group"], _kind(one)): one
        for one in listing.definitions
        if "spec" in one and one["metadata"]["name"] not in renewed
    }
    told: dict[tuple[str, str], None] = {}
    for path, manifest in manifests(plan):
        group, _, version = manifest["apiVersion"].rpartition("/")
        definition = definitions.get((group, manifest["kind"]))
        schema = _schema(definition, version) if definition else None
        fields = list(dict.fromkeys(_unknown_fields(manifest, schema, ""))) if schema else []
        if not fields or told.setdefault((group, manifest["kind"]), None) or definition is None:
            continue
        told[group, manifest["kind"]] = None
        message = (
            f"the cluster's definition {definition['metadata']['name']} has no {', '.join(fields[:MOST_NAMED])}, which "
            f"the plan's {manifest['kind']} has and which would be dropped; upgrade {_software(group)}"
        )
        yield Problem(path=path, message=message)


def _schema(definition: Object, version: str) -> Object | None:
    found = next((one for one in definition["spec"]["versions"] if one["name"] == version), None)
    return (found.get("schema") or {}).get("openAPIV3Schema") if found else None


def _unknown_fields(value: Any, schema: Object, path: str) -> Iterator[str]:
    """Paths of the fields that pruning would drop (Kubernetes documentation, "Extend the Kubernetes API with
    CustomResourceDefinitions", field pruning)."""
    if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-embedded-resource"):
        return
    if isinstance(value, list | tuple):
        for one in value:
            yield from _unknown_fields(one, schema.get("items") or {}, path)
    if not isinstance(value, Mapping):
        return
    known, others = schema.get("properties"), schema.get("additionalProperties")
    for key, inner in value.items():
        if not path and key in ("apiVersion", "kind", "metadata"):
            continue
        here = f"{path}.{key}".lstrip(".")
        if known is not None and key in known:
            yield from _unknown_fields(inner, known[key], here)
        elif isinstance(others, Mapping):
            yield from _unknown_fields(inner, others, here)
        elif known is not None and not others:
            yield here


def leftover_problems(plan: StackPlan, listing: Listing) -> Iterator[Problem]:
    """Definitions of others in the way of an add-on's own: Helm refuses, or leaves older ones as they are."""
    own = noted_addons(listing.inventory)
    used = {(one["apiVersion"].rpartition("/")[0], one["kind"], one["apiVersion"]) for _, one in manifests(plan)}
    there = {one["metadata"]["name"]: one for one in listing.definitions}
    for addon in addons(plan):
        found = [there[name] for name in addon.crds if name in there and addon.name not in own]
        reasons = list(dict.fromkeys(filter(None, (_in_the_way(addon.name, one, used) for one in found))))
        if not reasons:
            continue
        names = ", ".join(one["metadata"]["name"] for one in found[:MOST_NAMED])
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        message = (
            f"the cluster has {names}{more} already: {reasons[0]}; remove these definitions with all their objects, or "
            f"keep them and switch {addon.name} off"
        )
        yield Problem(path=f"platform.addons.{addon.name}", message=message)


def _in_the_way(addon: str, definition: Object, used: AbstractSet[tuple[str, str, str]]) -> str:
    marks = definition["metadata"].get("annotations") or {}
    if release := marks.get(RELEASE):
        where = f"{marks.get(RELEASE_NAMESPACE, 'default')}/{release}"
        return f"they are of the Helm release {where}, from which Helm takes none over"
    if addon in IN_TEMPLATES:
        return f"Helm did not make them, and takes none over for the chart of {addon}"
    spec = definition.get("spec") or {}
    served = {f"{spec['group']}/{one['name']}" for one in spec.get("versions", ()) if one.get("served")}
    needed = {version for group, kind, version in used if spec and (group, kind) == (spec["group"], _kind(definition))}
    if needed - served:
        there, asked = ", ".join(sorted(served)), ", ".join(sorted(needed))
        return f"they serve {there}, the plan's are {asked}, and Helm leaves definitions that are there as they are"
    return ""


def _kind(definition: Object) -> str:
    return str(definition["spec"]["names"]["kind"])


def idle_problems(plan: StackPlan, settings: ExistingSpec, listing: Listing) -> Iterator[Problem]:
    """Software of others that the scheduler stands on, with definitions alone: jobs would wait for ever."""
    if plan.inside is None or "Deployment" in listing.hidden:
        return
    installed = {addon.name for addon in addons(plan)}
    running = {concern for found in software(listing.workloads) for concern in found.does}
    for name in plan.inside.scheduler.addons:
        for concern in ADDONS[name].DOES if name not in installed else ():
            owner = plan.inside.facts.owners.get(concern)
            if owner is None or owner.owner is not Owner.OTHERS or concern in running or concern in settings.owners:
                continue
            installs = (
                "remove its definitions, and penstock installs it"
                if name in IN_TEMPLATES
                else f"""have penstock install it with existing.owners: {{{concern.value}: ""}}"""
            )
            message = (
                f"it needs {name}, and {owner.reason}, but nothing that runs is {name}: jobs would wait for ever; "
                f"start it, or {installs}, or where it runs unseen name it: existing.owners: {{{concern.value}: NAME}}"
            )
            yield Problem(path="scheduler.kind", message=message)


def class_problems(plan: StackPlan, settings: ExistingSpec, listing: Listing) -> Iterator[Problem]:
    """Storage classes and runtime classes that pods of the plan need, and the cluster has not."""
    classes = [str(one["metadata"]["name"]) for one in listing.storage_classes]
    offered = f"it has {', '.join(classes) or 'none'}"
    for path, name in disk_claims(plan) if "StorageClass" not in listing.hidden else ():
        if not name and not default_class(listing):
            message = (
                f"is missing: a disk is claimed, and the cluster has no default storage class ({offered}); name one, "
                "or mark one with storageclass.kubernetes.io/is-default-class=true"
            )
            yield Problem(path=path, message=message)
        elif name not in ("", NO_CLASS, *classes):
            yield _no_class(path, name, classes)
    volume = settings.volume.storage_class if settings.volume else None
    if volume and "StorageClass" not in listing.hidden and volume not in classes:
        yield _no_class("existing.volume.storageClass", volume, classes)
    runtimes = [str(one["metadata"]["name"]) for one in listing.runtime_classes]
    for path, name in runtime_classes(plan) if "RuntimeClass" not in listing.hidden else ():
        if name not in runtimes:
            hint = suggestion(name, runtimes) or f"; it has {', '.join(runtimes) or 'none'}"
            message = f"{name!r} is not a runtime class of the cluster{hint}; make it, or name another"
            yield Problem(path=path, message=message)


def _no_class(path: str, name: str, classes: Sequence[str]) -> Problem:
    hint = suggestion(name, classes) or f"; it has {', '.join(classes) or 'none'}"
    return Problem(path=path, message=f"{name!r} is not a storage class of the cluster{hint}; make it, or name another")
