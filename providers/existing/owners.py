"""Owners of what is done on a cluster already, known by the images that run and the definitions that are there."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.kubernetes.inventory import noted
from components.kubernetes.ownership import OwnershipRow, ownership_tables
from components.plan.kubernetes import Concern, Owner, Ownership
from providers.existing.devices import ACCELERATORS, fabric_of_resource, is_slice

_TABLES = ownership_tables(Path(__file__).with_name("ownership.toml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """A workload that does something penstock could do too."""

    where: str
    """`Deployment monitoring/prometheus-operator`."""
    does: Mapping[Concern, OwnershipRow]


def software(workloads: Iterable[Mapping[str, Any]]) -> tuple[Software, ...]:
    """Row of the software that penstock knows."""
    return tuple(found for one in workloads for found in _known(one))


def inventory_of(manifest: Mapping[str, Any] | None) -> AbstractSet[Concern]:
    """Concerns that penstock itself takes care of on this cluster, by its own note."""
    return set(noted(manifest))


def owners_of(
    running: Iterable[Software], kinds: AbstractSet[str], devices: Iterable[str], own: AbstractSet[Concern]
) -> dict[Concern, Ownership]:
    """Concerns of others. All that penstock's note calls its own is not theirs, whatever evidence there is of it."""
    found: dict[Concern, Ownership] = {}
    for one in running:
        for concern, row in one.does.items():
            found.setdefault(concern, row.owned(Owner.OTHERS, one.where))
    for kind, rows in _TABLES["definition"].items():
        for concern, row in rows.items() if kind in kinds else ():
            found.setdefault(concern, row.owned(Owner.OTHERS, kind))
    for concern, name, resource in _offered(devices):
        found.setdefault(concern, Ownership(owner=Owner.OTHERS, by=name, reason=f"nodes offer {resource}"))
    return {concern: found[concern] for concern in Concern if concern in found and concern not in own}


def _known(workload: Mapping[str, Any]) -> Iterable[Software]:
    metadata, pod = workload["metadata"], workload["spec"]["template"]["spec"]
    images = [container["image"] for container in pod.get("containers", ())]
    where = f"{workload['kind']} {metadata.get('namespace', 'default')}/{metadata['name']}"
    for pattern, does in _TABLES["image"].items():
        if any(re.search(pattern, image) for image in images):
            yield Software(where=where, does=does)


def _offered(devices: Iterable[str]) -> Iterable[tuple[Concern, str, str]]:
    """Owner by evidence: a node that offers a device has a driver and a plugin for it, whoever brought them."""
    for resource in sorted(devices):
        if resource in ACCELERATORS or is_slice(resource):
            yield Concern.DRIVER, "the nodes", resource
            yield Concern.CONTAINER_TOOLKIT, "the nodes", resource
            yield Concern.DEVICE_PLUGIN, "the nodes", resource
        elif fabric_of_resource(resource):
            yield Concern.FABRIC_DEVICES, "the nodes", resource
