"""Programs of penstock's that end by themselves, as a simulated node runs them; told by a container's command.

No bandwidth is simulated: nodes that are well move a tenth more than the floor that the check is told, and a node that
is slow its share of that. The forms of evidence are those of workloads/fabric_check.
"""

import json
import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rehearsal.field.pods import quantity
from rehearsal.kubernetes.nodes import BANDWIDTH, DRIVER, MODULES, VOLUME

Body = Mapping[str, Any]
MARGIN = 1.1
TCP_GBPS = 1.2
"""Of 10 Gbit/s."""
SLOW_SHARE = 0.7
"""Share of the median below which the check names a node (workloads/fabric_check)."""
ACCELERATORS = ("nvidia.com/", "aws.amazon.com/neuron", "google.com/tpu", "amd.com/")

OF_NETWORKS = ("networking.gke.io/interfaces", "k8s.v1.cni.cncf.io/networks")
"""Annotations by which a pod gets interfaces beside the first (GKE, multi-network support for pods; Multus)."""

_MODULE, _DRIVER = re.compile(r"over_tcp\('(\w+)'\)"), re.compile(r"driver_below\('([\d.]+)'\)")

Ending = tuple[int, str]
"""Exit code, and what is left in the termination message."""


def is_probe(container: Body) -> bool:
    """True if it writes to the volume once."""
    return any("write_probe" in word for word in container.get("command") or ())


def is_check(container: Body) -> bool:
    """True if it measures the fabric together with the other pods of its job."""
    return list(container.get("command") or ())[:3] == ["python", "-m", "workloads.fabric_check"]


def is_preparation(container: Body) -> bool:
    """True if it makes text into tokens, and then ends."""
    return list(container.get("command") or ())[:3] == ["python", "-m", "workloads.prepare"]


def probed(container: Body, node: Body) -> Ending:
    """End of a probe on the node: bad where the volume is, where a module that it looks for is not in use, or where the
    driver is older than it asks.
    """
    why, command = _state(node, VOLUME), " ".join(container.get("command") or ())
    asked, least, driver = _MODULE.search(command), _DRIVER.search(command), _state(node, DRIVER)
    if not why and asked and asked[1] not in _state(node, MODULES).split():
        why = f"the file system is reached over TCP: the kernel module {asked[1]} is not loaded"
    if not why and least and driver and _number(driver) < _number(least[1]):
        why = f"its NVIDIA driver is {driver}, and its accelerators need {least[1]}"
    return (1, why) if why else (0, "")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def checked(pod: Body, nodes: Sequence[Body]) -> Ending:
    """End of the check on all of these nodes, on each the same. `pod` is any of the job's."""
    command = pod["spec"]["containers"][0]["command"]
    told = json.loads(command[command.index("--spec") + 1])
    names = [node["metadata"]["name"] for node in nodes]
    shares = {name: float(_state(node, BANDWIDTH) or 1) for name, node in zip(names, nodes, strict=True)}
    fabric = bool(told["fabric"]) and _on_fabric(pod)
    speed = max(told["floorGbps"] * MARGIN, TCP_GBPS) if fabric or not told["fabric"] else TCP_GBPS
    speeds = {name: round(speed * share, 3) for name, share in shares.items()}
    slow = [name for name, found in speeds.items() if found < SLOW_SHARE * median(speeds.values())]
    unwritable = {name: why for name, node in zip(names, nodes, strict=True) if (why := _state(node, VOLUME))}
    reasons = [f"{name}: {why}" for name, why in unwritable.items()]
    reasons += [f"{name} moves {speeds[name]:g} GB/s, less than the others" for name in slow]
    if told["fabric"] and not fabric:
        reasons, slow = [*reasons, "data went over Socket in place of the fabric"], names
    reached = min(speeds.values())
    if reached < told["floorGbps"] and not reasons:
        reasons = [f"{reached:g} GB/s, below the floor of {told['floorGbps']:g}"]
    evidence = {
        "state": "fail" if reasons else "pass",
        "reason": "; ".join(reasons) or f"{reached:g} GB/s over {len(nodes)} nodes",
        "slowNodes": list(dict.fromkeys([*slow, *unwritable])),
        "busbwGbps": reached, "floorGbps": told["floorGbps"], "transport": "fabric" if fabric else "Socket",
        "nodes": len(nodes), "ranks": len(nodes) * told["ranksPerNode"], "sweep": [], "probe": speeds,
    }  # fmt: skip
    return (1 if reasons else 0, json.dumps(evidence))


def _on_fabric(pod: Body) -> bool:
    """True if the pod has a way to its node's fabric interfaces: a device, a claim, a network, or the node's own."""
    spec = pod["spec"]
    container = spec["containers"][0]
    limits = (container.get("resources") or {}).get("limits") or {}
    devices = [name for name, count in limits.items() if "/" in name and quantity(count) > 0]
    security = container.get("securityContext") or {}
    return (
        any(not name.startswith(ACCELERATORS) for name in devices)
        or any(name in (pod["metadata"].get("annotations") or {}) for name in OF_NETWORKS)
        or bool(spec.get("resourceClaims"))
        or bool(spec.get("hostNetwork"))
        or bool(security.get("privileged"))
    )


def _state(node: Body, name: str) -> str:
    return str((node["metadata"].get("annotations") or {}).get(name, ""))
