"""Legality of an AKS node pool: what the service refuses and no type forbids, in its own words where they are known.

Each rule has its source. None is taken from the planner: a wrong belief of its is contradicted here.
"""

import re
from collections.abc import Iterator
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import Inputs, Outputs
from rehearsal.providers.azure.machines import NO_RESERVATION, VirtualMachine, machine
from rehearsal.providers.azure.sizes import MACHINES, kind_of_pool, zones_of

NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
TAINT = re.compile(r"[a-zA-Z0-9./_-]+(?:=[a-zA-Z0-9._-]*)?:(?:NoSchedule|PreferNoSchedule|NoExecute)")
ZONELESS = frozenset(("westus", "northcentralus", "westcentralus", "ukwest", "canadaeast", "australiasoutheast"))
"""Regions without availability zones (Azure, "Azure regions list", 2026)."""
MOST_INFINIBAND, MOST_NODES = 100, 1000
OWN_MARKS = "kubernetes.azure.com/"


def problems(inputs: Inputs, cluster: Outputs, location: str) -> Iterator[CloudApiError]:
    """All that AKS refuses of the pool."""
    name, size = inputs.get("agentPoolName") or inputs.get("name"), inputs.get("vmSize")
    if not is_unknown(name) and NAME.fullmatch(str(name)) is None:
        message = f"The value of parameter agentPoolProfile.name is invalid: {name}. Lower case letters and digits, 12"
        yield CloudApiError("InvalidParameter", f"{message} at most, a letter first.")
    found = None if is_unknown(size) else machine(str(size))
    if found is None:
        if not is_unknown(size):
            message = f"The VM size of {size} is not allowed in your subscription in location '{location}'."
            yield CloudApiError("BadRequest", message)
        return
    yield from _zones(inputs, found, location)
    yield from _counts(inputs, found)
    yield from _disks(inputs, found)
    yield from _market(inputs, found)
    yield from _marks(inputs)
    yield from _upgrades(inputs)
    yield from _versions(inputs, cluster)
    if inputs.get("gpuInstanceProfile") and not found.has_mig:
        message = f"GPUInstanceProfile is not supported for VM size {found.name}."
        yield CloudApiError("GPUInstanceProfileNotSupported", message)


def _zones(inputs: Inputs, found: VirtualMachine, location: str) -> Iterator[CloudApiError]:
    """AKS#1444; a single placement group lies in one zone (azure-compute-docs, setup-infiniband)."""
    zones = zones_of(inputs)
    if zones and location in ZONELESS:
        yield CloudApiError("AvailabilityZoneNotSupported", f"The zone(s) '{','.join(zones)}' for resource in location "
                            f"'{location}' is not supported: the region has no availability zones.")  # fmt: skip
    if bad := [one for one in zones if one not in ("1", "2", "3")]:
        message = f"The requested size for resource is currently not available in location '{location}' zones"
        yield CloudApiError("SkuNotAvailable", f"{message} '{','.join(bad)}'.")
    if zones and kind_of_pool(inputs) == MACHINES:
        message = "availabilityZones is not supported on a pool of type VirtualMachines."
        yield CloudApiError("InvalidParameter", message)
    if found.infiniband and len(zones) > 1:
        message = f"{found.name} is placed in a single placement group, which lies in one zone."
        yield CloudApiError("InvalidParameter", message)


def _counts(inputs: Inputs, found: VirtualMachine) -> Iterator[CloudApiError]:
    """pulumi-azure-native 2943; azure-compute-docs, setup-infiniband: 100 nodes of a partition."""
    count, scaled = inputs.get("count"), inputs.get("enableAutoScaling")
    if count is None:
        message = "Required parameter properties.count is missing (null)."
        yield CloudApiError("InvalidParameter", message)
        return
    least, most = inputs.get("minCount"), inputs.get("maxCount")
    if scaled and (least is None or most is None):
        yield CloudApiError("InvalidParameter", "minCount and maxCount are required with enableAutoScaling.")
    elif not scaled and (least is not None or most is not None):
        yield CloudApiError("InvalidParameter", "minCount and maxCount must not be set without enableAutoScaling.")
    numbers = [one for one in (count, least, most) if isinstance(one, int | float)]
    if scaled and len(numbers) == 3 and not numbers[1] <= numbers[0] <= numbers[2]:
        message = f"count {count} is not between minCount {least} and maxCount {most}."
        yield CloudApiError("InvalidParameter", message)
    limit = MOST_INFINIBAND if found.infiniband else MOST_NODES
    if numbers and max(numbers) > limit:
        message = f"The scale set of {found.name} takes {limit} instances at most."
        yield CloudApiError("InvalidParameter", message)
    if inputs.get("mode") == "System" and numbers and min(numbers) < 1:
        yield CloudApiError("InvalidParameter", "A system node pool must have at least one node.")


def _disks(inputs: Inputs, found: VirtualMachine) -> Iterator[CloudApiError]:
    """AKS, concepts-storage and cluster-autoscaler: an ephemeral root disk lies on the temporary disk."""
    kind, size = inputs.get("osDiskType"), inputs.get("osDiskSizeGB")
    if kind == "Ephemeral" and not is_unknown(size) and int(size or 128) > found.temp_gib:
        message = f"The virtual machine size {found.name} has a temp disk size of {found.temp_gib} GB, but the OS disk"
        yield CloudApiError("VMTemporaryDiskIsNotLargeEnough", f"{message} requires {size or 128} GB.")
    if kind == "Ephemeral" and inputs.get("scaleDownMode") == "Deallocate":
        message = "Scale down mode Deallocate is not supported with ephemeral OS disks."
        yield CloudApiError("InvalidParameter", message)
    pods = inputs.get("maxPods")
    if pods is not None and not is_unknown(pods) and not 10 <= int(pods) <= 250:
        yield CloudApiError("InvalidParameter", f"maxPods {pods} is not between 10 and 250.")


def _market(inputs: Inputs, found: VirtualMachine) -> Iterator[CloudApiError]:
    """AKS, spot-node-pool; azure-compute-docs, capacity-reservation-overview."""
    spot = inputs.get("scaleSetPriority") == "Spot"
    if spot and inputs.get("mode") == "System":
        yield CloudApiError("InvalidParameter", "A Spot node pool cannot be a system node pool.")
    if not spot and (inputs.get("scaleSetEvictionPolicy") or inputs.get("spotMaxPrice") is not None):
        message = "scaleSetEvictionPolicy and spotMaxPrice are taken of Spot node pools alone."
        yield CloudApiError("InvalidParameter", message)
    if inputs.get("capacityReservationGroupID") and (spot or NO_RESERVATION.match(found.name)):
        message = f"Capacity reservation is not supported for {'Spot' if spot else found.name}."
        yield CloudApiError("CapacityReservationNotSupported", message)


def _marks(inputs: Inputs) -> Iterator[CloudApiError]:
    """AKS, use-labels and use-node-taints."""
    for key in inputs.get("nodeLabels") or {}:
        if str(key).startswith(OWN_MARKS):
            message = f"Label key {key} is invalid: the prefix {OWN_MARKS} is reserved for AKS."
            yield CloudApiError("InvalidParameter", message)
    for one in inputs.get("nodeTaints") or ():
        if not is_unknown(one) and TAINT.fullmatch(str(one)) is None:
            yield CloudApiError("InvalidParameter", f"Taint {one} is invalid: key=value:effect is expected.")


def _upgrades(inputs: Inputs) -> Iterator[CloudApiError]:
    """AKS, upgrade-aks-node-pools-rolling: 0 and 0 is no way, and none of a system pool may be missing."""
    settings = inputs.get("upgradeSettings") or {}
    surge, away = str(settings.get("maxSurge", "")), str(settings.get("maxUnavailable", "") or "0")
    if surge in ("0", "0%") and away in ("0", "0%"):
        yield CloudApiError("InvalidParameter", "maxSurge and maxUnavailable cannot both be 0.")
    if inputs.get("mode") == "System" and away not in ("0", "0%"):
        yield CloudApiError("InvalidParameter", "maxUnavailable is not supported on system node pools.")


def _versions(inputs: Inputs, cluster: Outputs) -> Iterator[CloudApiError]:
    """AKS, use-multiple-node-pools: never newer than the control plane, and two minor versions older at most."""
    own, above = minor(inputs.get("orchestratorVersion")), minor(cluster.get("currentKubernetesVersion"))
    if own is None or above is None:
        return
    if own > above:
        message = f"Node pool version {inputs['orchestratorVersion']} is greater than the control plane's."
        yield CloudApiError("NodePoolMcVersionIncompatible", message)
    elif above - own > 2:
        message = f"Node pool version {inputs['orchestratorVersion']} is more than two minor versions behind the"
        yield CloudApiError("NodePoolMcVersionIncompatible", f"{message} control plane.")


def minor(version: Any) -> int | None:
    """36 of 1.36.2; None of what names none."""
    found = re.match(r"1\.(\d+)", str(version or ""))
    return int(found[1]) if found and not is_unknown(version) else None
