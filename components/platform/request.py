"""Input of the platform's plan, and the answer of one add-on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from components.kubernetes.devices import AMD, NEURON, NVIDIA, TPU
from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import AddonPlan, Concern, KubernetesFacts, Manifest, Owner, Ownership, ReleasePlan
from components.plan.work import ServicePlan
from components.platform.values import at, merged, value_at
from components.platform.versions import Version, versions
from components.spec.platform import AddonSpec, KeptBy, PlatformSpec

TAGS = ("tag", "_version")
"""Ends of value paths that hold no image but its tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRequest:
    """All that decides which add-ons a cluster gets."""

    facts: KubernetesFacts
    spec: PlatformSpec = field(default_factory=PlatformSpec)
    pools: tuple[NodePoolPlan, ...] = ()
    scheduler_addons: tuple[str, ...] = ()
    """Add-ons that the scheduler consists of or stands on."""
    queues_have_nodes: bool = False
    """True if some queue is given nodes of its own, rather than a share by weight."""
    start_timeout_s: int = 900
    """Seconds that an admitted gang has to get all its pods ready."""
    service: ServicePlan | None = None

    def devices(self) -> frozenset[str]:
        """Device resources that some pool has."""
        return frozenset(device for pool in self.pools for device in pool.binding.devices)

    def fabric_devices(self) -> tuple[str, ...]:
        """Those that are no accelerators."""
        return tuple(sorted(self.devices() - {NVIDIA, AMD, NEURON, TPU}))

    def rdma_devices(self) -> tuple[str, ...]:
        """Names that the network operator's plugin is to give."""
        return tuple(device for device in self.fabric_devices() if device.startswith("rdma/"))

    def has_accelerators(self) -> bool:
        return any(pool.machine.accelerator is not None for pool in self.pools)

    def has_compute_domains(self) -> bool:
        """True if a pool's accelerators form one NVLink domain over several machines."""
        return any(pool.machine.compute_domain for pool in self.pools)

    def has_claims(self) -> bool:
        """True if pods of some pool claim devices by dynamic resource allocation."""
        return self.has_compute_domains() or any(pool.binding.resource_claims for pool in self.pools)

    def owner(self, concern: Concern) -> Ownership | None:
        """Owner that does it already; None where nobody does."""
        return self.facts.owners.get(concern)

    def owned(self, concerns: Iterable[Concern]) -> tuple[tuple[Concern, Ownership], ...]:
        return tuple((concern, owner) for concern in concerns if (owner := self.owner(concern)) is not None)

    def asked(self, addon: str) -> AddonSpec:
        return self.spec.addons.get(addon, AddonSpec())

    def driver_is_operators(self) -> bool:
        return self.owner(Concern.DRIVER) is None

    def monitors(self) -> bool:
        """True if there will be a Prometheus operator, whose kinds charts may then use.

        The user's word alone: what decides it otherwise is the same for every add-on that asks.
        """
        if (asked := self.asked("kube-prometheus-stack").enabled) is not None:
            return asked
        if self.owner(Concern.PROMETHEUS_OPERATOR) is not None:
            return True
        if self.spec.metrics is KeptBy.CLOUD:
            return True
        return self.has_accelerators() and "kube-prometheus-stack" not in self.facts.refused_addons

    def monitoring(self) -> tuple[str, ...]:
        """Needs of an add-on whose chart makes monitors: the kind must be there before the chart is installed."""
        return ("kube-prometheus-stack",) if self.monitors() else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonVerdict:
    """Default of an add-on when the user says nothing, with its reason."""

    on: bool
    reason: str


def on(reason: str) -> AddonVerdict:
    return AddonVerdict(on=True, reason=reason)


def off(reason: str) -> AddonVerdict:
    return AddonVerdict(on=False, reason=reason)


class Addon(Protocol):
    """One add-on. Implemented by a module of components/platform/addons."""

    NAME: str
    DOES: tuple[Concern, ...]
    """Concerns that at most one software may take care of, and this one does."""

    def verdict(self, request: PlatformRequest) -> AddonVerdict: ...

    def plan(self, request: PlatformRequest) -> AddonPlan:
        """Contents of the add-on on this cluster."""
        ...


def release(name: str, request: PlatformRequest, values: Mapping[str, Any], timeout_s: int = 600) -> ReleasePlan:
    """The add-on's chart at its version, with our values, the cloud's, then the user's."""
    row = versions()[name]
    mirror = request.spec.registry_mirror
    known = _moved(row, request.facts.addon_values.get(name, {}), mirror)
    layers = [_images(row, mirror), values, known]
    return ReleasePlan(
        chart=row.chart,
        repository=row.repository,
        version=row.version,
        values=merged(*layers, request.asked(name).values),
        timeout_s=timeout_s,
    )


def mirrored(image: str, mirror: str | None) -> str:
    """The image's whole name behind the mirror's, its registry included, so that no two can meet there."""
    return f"{mirror.rstrip('/')}/{image}" if mirror else image


def selected(request: PlatformRequest, *paths: str) -> dict[str, Any]:
    """The system nodes' labels at those value paths; nothing where a cluster has none for controllers alone."""
    if not request.facts.system_selector:
        return {}
    return merged(*(at(path, dict(request.facts.system_selector)) for path in paths))


def object_of(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    labels = dict(OWN_LABELS)
    return {"apiVersion": api_version, "kind": kind, "metadata": {**metadata, "labels": labels}, **fields}


def taken(request: PlatformRequest, concern: Concern) -> AddonVerdict | None:
    """Off, as somebody else does it; None where nobody does."""
    owner = request.owner(concern)
    if owner is None or owner.owner is Owner.PENSTOCK:
        return None
    return off(f"{owner.by} does it: {owner.reason}")


def same_software(request: PlatformRequest, concern: Concern, name: str) -> AddonVerdict | None:
    """Off, as the very software stands already and is used as it is; None where another does, or nobody."""
    owner = request.owner(concern)
    return taken(request, concern) if owner is not None and name.lower() in owner.by.lower() else None


def _moved(row: Version, values: Mapping[str, Any], mirror: str | None) -> Mapping[str, Any]:
    """The cloud's values, with the images among them behind the mirror too: a region's own registry."""
    found = {path: value_at(values, path) for path in row.images}
    moved = (at(path, mirrored(image, mirror)) for path, image in found.items() if isinstance(image, str))
    return merged(values, *moved) if mirror else values


def _images(row: Version, mirror: str | None) -> dict[str, Any]:
    if not mirror and not row.pin_images:
        return {}
    return merged(
        *(at(path, image if path.endswith(TAGS) else mirrored(image, mirror)) for path, image in row.images.items())
    )
