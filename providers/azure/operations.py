"""Operations on what Azure has built, which penstock's plugin asks for: rights that are known, groups that hold nobody
else's, pools set to no nodes and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from components.errors import PenstockError
from providers.azure.api_versions import CONTAINER_SERVICE
from providers.azure.drain import drain as drain_groups
from providers.azure.session import Azure, AzureError, failure_of, session
from providers.azure.settling import await_rights

DRAIN_INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "subscription": str, "stack": str, "groups": list, "patienceS": (int, float),
}  # fmt: skip
API_INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "subscription": str, "assignments": list, "patienceS": (int, float),
}  # fmt: skip

Scaler = Mapping[str, str]
"""A node pool: `subscription`, `group`, `cluster`, `pool`, `least` and `most`."""

_PATIENCE_S = 1800.0
"""Machines with InfiniBand take half an hour to come."""
_READ_ONLY = (
    "currentOrchestratorVersion", "eTag", "nodeImageVersion", "powerState", "provisioningState", "status",
)  # fmt: skip
"""Fields that a pool tells of itself, and takes from nobody."""


def await_apis(inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Returns when the rights are known; PenstockError in Azure's own words where they are not to be seen."""
    with _explained("the rights that were given are not to be seen"):
        await_rights(session(), inputs["assignments"], say, float(inputs["patienceS"]))


def drain(inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Refuses to go on while a group holds what the stack did not make; PenstockError names it."""
    with _explained(f"the groups of {inputs['stack']} could not be looked at"):
        drain_groups(session(), inputs, say)


def scale_to_zero(scaler: Scaler) -> None:
    """Tells the pool to let its nodes go; PenstockError in Azure's own words where it refuses."""
    with _explained(f"{scaler['pool']} could not be set to no nodes"):
        _change(session(), scaler, {"count": 0, "enableAutoScaling": False, "minCount": None, "maxCount": None})


def restore(scaler: Scaler, nodes: int) -> int:
    """Gives the pool its planned limits and size, and returns the size; PenstockError in Azure's own words where it
    refuses. A pool with a range keeps more nodes that it has.
    """
    least, most = int(scaler["least"]), int(scaler["most"])
    with _explained(f"{scaler['pool']} could not be set to {nodes} nodes"):
        azure = session()
        size = nodes if least == most else min(max(nodes, _size(azure, scaler)), most)
        _change(azure, scaler, {"count": size, **_limits(scaler)})
    return size


def limit(scaler: Scaler) -> None:
    """Gives the pool its planned limits, and leaves its size alone where that lies within; PenstockError in Azure's own
    words where it refuses.
    """
    least, most = int(scaler["least"]), int(scaler["most"])
    with _explained(f"{scaler['pool']} could not be limited to {least} to {most} nodes"):
        azure = session()
        size = _size(azure, scaler)
        _change(azure, scaler, {"count": min(max(size, least), most), **_limits(scaler)})


def turn_to(scaler: Scaler, other: Scaler, missing: int) -> int:
    """Asks for the missing nodes of a pool in another; returns that one's size. PenstockError where Azure refuses."""
    with _explained(f"{other['pool']} could not stand in for {missing} nodes of {scaler['pool']}"):
        azure = session()
        nodes = min(_size(azure, other) + missing, int(other["most"]))
        _change(azure, other, {"count": nodes})
    return nodes


def shortage(scaler: Scaler) -> str:
    """The reason for which Azure starts no machines for the pool, in its own words; empty where it gives none."""
    with _explained(f"Azure was not asked why {scaler['pool']} lacks nodes"):
        return failure_of(session().get(_path(scaler), CONTAINER_SERVICE))


def _limits(scaler: Scaler) -> Mapping[str, Any]:
    least, most = int(scaler["least"]), int(scaler["most"])
    if least == most:
        return {"enableAutoScaling": False, "minCount": None, "maxCount": None}
    return {"enableAutoScaling": True, "minCount": least, "maxCount": most}


def _size(azure: Azure, scaler: Scaler) -> int:
    """The nodes that the pool is to have now, whoever has asked for them."""
    return int(azure.get(_path(scaler), CONTAINER_SERVICE).get("properties", {}).get("count") or 0)


def _change(azure: Azure, scaler: Scaler, changes: Mapping[str, Any]) -> None:
    """The pool's whole description with these changes: a request takes away what it leaves out. Nothing is asked where
    the pool has them already, as each request is an operation of the whole cluster. One that failed for want of
    machines is changed like any other.
    """
    there = azure.await_state(_path(scaler), CONTAINER_SERVICE, _PATIENCE_S, failed_too=True)
    found = there["properties"]
    if found.get("provisioningState") != "Failed" and all(found.get(key) == value for key, value in changes.items()):
        return
    kept = {key: value for key, value in found.items() if key not in _READ_ONLY}
    body = {key: value for key, value in {**kept, **changes}.items() if value is not None}
    azure.put_when_free(_path(scaler), CONTAINER_SERVICE, {"properties": body}, _PATIENCE_S)
    azure.await_state(_path(scaler), CONTAINER_SERVICE, _PATIENCE_S)


def _path(scaler: Scaler) -> str:
    place = f"/subscriptions/{scaler['subscription']}/resourceGroups/{scaler['group']}"
    cluster = f"{place}/providers/Microsoft.ContainerService/managedClusters/{scaler['cluster']}"
    return f"{cluster}/agentPools/{scaler['pool']}"


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        raise PenstockError(f"{what}: {error}") from error
