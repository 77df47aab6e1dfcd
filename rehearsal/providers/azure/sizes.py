"""Numbers of nodes of an AKS pool, and the kind of its machines, by the inputs of azure-native."""

from rehearsal.cloud.kind import Inputs

MACHINES = "VirtualMachines"


def kind_of_pool(inputs: Inputs) -> str:
    """AKS' own default is single machines since 2025-07 (Azure/AKS, changelog of 2025-07-20)."""
    return str(inputs.get("type") or MACHINES)


def first_count(inputs: Inputs) -> int:
    """Nodes that it is made with."""
    given = inputs.get("count")
    if isinstance(given, int | float):
        return int(given)
    return int(inputs.get("minCount") or 0) if inputs.get("enableAutoScaling") else 1


def most_count(inputs: Inputs) -> int:
    """The most nodes that it may have."""
    most = inputs.get("maxCount") if inputs.get("enableAutoScaling") else None
    return int(most or first_count(inputs))


def surge(inputs: Inputs) -> int:
    """Nodes that an upgrade starts before it takes one away: 1 where nothing is said (AKS, upgrade-aks-node-pools)."""
    text = str((inputs.get("upgradeSettings") or {}).get("maxSurge") or "1")
    if text.endswith("%"):
        return max(-(-most_count(inputs) * int(text[:-1]) // 100), 1)
    return int(text) if text.isdigit() else 1


def zones_of(inputs: Inputs) -> tuple[str, ...]:
    return tuple(map(str, inputs.get("availabilityZones") or ()))
