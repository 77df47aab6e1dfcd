"""Needs of a plan that its cluster has to fulfil: kinds of objects, storage classes, runtime classes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.plan.kubernetes import AddonPlan, Concern, Manifest, Owner
from components.plan.stack import StackPlan
from components.platform.values import value_at

DYNAMIC_RESOURCES = "resource.k8s.io"
DYNAMIC_DRIVERS = ("nvidia-dra-driver",)
"""Add-ons that offer devices by dynamic resource allocation."""

MONITORS = ("monitoring.coreos.com/v1", "ServiceMonitor")
RUNTIME_KEYS = ("runtimeClassName", "runtimeClass")
RUNTIMES_OF_ADDONS = {"gpu-operator": "nvidia"}
"""Runtime classes that an add-on makes (NVIDIA GPU operator, values `operator.runtimeClass`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartClaim:
    """A disk that an add-on's chart claims."""

    addon: str
    switch: str
    """Value path that switches it on."""
    on: bool
    """As the chart has it where nobody says."""
    named: str
    """Value path of its storage class."""
    instead: str = ""
    """Value path of a claim of the user's in its place."""


CLAIMS = (
    ChartClaim(
        addon="slurm", switch="controller.persistence.enabled", on=True,
        named="controller.persistence.storageClassName", instead="controller.persistence.existingClaim",
    ),
    ChartClaim(
        addon="loki", switch="singleBinary.persistence.enabled", on=True,
        named="singleBinary.persistence.storageClass",
    ),
    ChartClaim(
        addon="nvsentinel", switch="global.mongodbStore.enabled", on=False,
        named="mongodb-store.mongodb.persistence.storageClass",
    ),
    ChartClaim(
        addon="kube-prometheus-stack", switch="prometheus.prometheusSpec.storageSpec.volumeClaimTemplate", on=False,
        named="prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName",
    ),
    ChartClaim(
        addon="kube-prometheus-stack", switch="alertmanager.alertmanagerSpec.storage.volumeClaimTemplate", on=False,
        named="alertmanager.alertmanagerSpec.storage.volumeClaimTemplate.spec.storageClassName",
    ),
    ChartClaim(
        addon="kube-prometheus-stack", switch="grafana.persistence.enabled", on=False,
        named="grafana.persistence.storageClassName",
    ),
)  # fmt: skip
"""Read of the charts at the versions of components/versions.toml (values.yaml of each)."""


def addons(plan: StackPlan) -> tuple[AddonPlan, ...]:
    return plan.inside.platform.addons if plan.inside else ()


def manifests(plan: StackPlan) -> Iterator[tuple[str, Manifest]]:
    """Every object that the plan itself hands in, with the key of the stack file that it comes from."""
    yield from (("training", one) for one in plan.job)
    yield from (("inference", one) for one in plan.service)
    if (inside := plan.inside) is None:
        return
    for addon in inside.platform.addons:
        yield from ((f"platform.addons.{addon.name}", one) for one in (*addon.manifests, *addon.objects))
    yield from (("scheduler.kind", one) for one in (*inside.scheduler.objects, *inside.scheduler.opening))
    if gate := inside.gate:
        pods = [gate.probe, *(pod for pool in gate.pools for pod in (pool.check, pool.probe))]
        yield from (("platform.gate", one) for one in (*gate.objects, *pods) if one is not None)


def needed_kinds(plan: StackPlan) -> dict[tuple[str, str], str]:
    """(apiVersion, kind) of what the plan's objects and its charts are, and that no add-on of the plan brings, with the
    key that it comes from."""
    brought = {name.partition(".")[2] for addon in addons(plan) for name in addon.crds}
    found: dict[tuple[str, str], str] = {}
    for path, one in manifests(plan):
        found.setdefault((one["apiVersion"], one["kind"]), path)
    facts = plan.inside.facts if plan.inside else None
    operator = facts.owners.get(Concern.PROMETHEUS_OPERATOR) if facts else None
    if operator is not None and operator.owner is Owner.OTHERS:
        for addon in addons(plan):
            if addon.release and _has_monitors(addon.release.values):
                found.setdefault(MONITORS, f"platform.addons.{addon.name}")
    return {key: path for key, path in found.items() if key[0].rpartition("/")[0] not in brought}


def _has_monitors(values: Any) -> bool:
    """True if some value switches a chart's ServiceMonitors or PodMonitors on."""
    if not isinstance(values, Mapping):
        return False
    for key, value in values.items():
        asked = value.get("enabled") if isinstance(value, Mapping) else value
        if asked is True and (key.lower().endswith(("servicemonitor", "podmonitor")) or key == "enablePrometheus"):
            return True
        if _has_monitors(value):
            return True
    return False


def claims_devices(plan: StackPlan) -> str:
    """The key by which something claims devices by dynamic resource allocation; "" where nothing does."""
    for addon in addons(plan):
        if addon.name in DYNAMIC_DRIVERS:
            return f"platform.addons.{addon.name}"
    for path, one in manifests(plan):
        if any(values_of(one, "resourceClaims")):
            return path
    return ""


def disk_claims(plan: StackPlan) -> Iterator[tuple[str, str]]:
    """For each disk that a chart or an object claims: the key that names its storage class, and the class named there.
    "" is the cluster's default one."""
    for addon in addons(plan):
        values = addon.release.values if addon.release else {}
        for row in CLAIMS:
            said = value_at(values, row.switch)
            is_on = row.on if said is None else bool(said)
            has_one = bool(row.instead and value_at(values, row.instead))
            if row.addon == addon.name and is_on and not has_one:
                yield f"platform.addons.{addon.name}.values.{row.named}", str(value_at(values, row.named) or "")
    for path, one in manifests(plan):
        claims = [one.get("spec")] if one["kind"] == "PersistentVolumeClaim" else []
        claims += [template.get("spec") for many in values_of(one, "volumeClaimTemplates") for template in many]
        yield from ((path, str(claim.get("storageClassName", ""))) for claim in claims if claim)


def runtime_classes(plan: StackPlan) -> Iterator[tuple[str, str]]:
    """Keys that name a runtime class, and its name; without those that an add-on of the plan makes."""
    made = {RUNTIMES_OF_ADDONS[addon.name] for addon in addons(plan) if addon.name in RUNTIMES_OF_ADDONS}
    trees = [(path, one) for path, one in manifests(plan)]
    trees += [(f"platform.addons.{one.name}", one.release.values) for one in addons(plan) if one.release]
    found = {(path, name) for path, tree in trees for key in RUNTIME_KEYS for name in values_of(tree, key)}
    return ((path, name) for path, name in sorted(found, key=str) if name and name not in made)


def values_of(tree: Any, key: str) -> Iterator[Any]:
    """Every value of that key, however deep."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if name == key:
                yield value
            yield from values_of(value, key)
    elif isinstance(tree, list | tuple):
        for one in tree:
            yield from values_of(one, key)
