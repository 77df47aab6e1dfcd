"""Operations on what GCP has built, which penstock's plugin asks for: APIs, a drain, pools set to no nodes and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from components.errors import PenstockError
from providers.gcp.answering import await_answers
from providers.gcp.balancer import groups
from providers.gcp.drain import drain as drain_network
from providers.gcp.session import Google, GoogleError, session

DRAIN_INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "project": str, "region": str, "cluster": str, "network": str, "own": bool, "groups": list,
    "patienceS": (int, float), "identity": dict,
}  # fmt: skip
API_INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "project": str, "services": list, "patienceS": (int, float), "identity": dict,
}  # fmt: skip

GROUP_INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "project": str, "group": str, "patienceS": (int, float), "identity": dict,
}  # fmt: skip

Scaler = Mapping[str, str]
"""A node pool: `project`, `location`, `cluster`, `group`, `zone`, `least`, `most`, and the identity."""

_PATIENCE_S = 600.0
_MASKED = ("QUOTA", "STOCKOUT", "POOL_EXHAUSTED", "ENOUGH RESOURCES")
_EITHER = "Google tells a lack of quota and one of machines for each other: look at both, and at other zones"
"""GoogleCloudPlatform/ai-on-gke 849 (2024-10)."""
_IDENTITY = ("impersonate", "billing_project")


def await_apis(inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Returns when the APIs answer; PenstockError in Google's own words where one does not."""
    with _explained("the project's APIs do not answer"):
        google = session(**(inputs.get("identity") or {}))
        await_answers(google, inputs["project"], inputs["services"], say, float(inputs["patienceS"]))


def await_group(inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Returns when GKE has made a group of endpoints; PenstockError where it does not."""
    with _explained(f"{inputs['group']} could not be looked for"):
        groups.await_group(session(**(inputs.get("identity") or {})), inputs, say)


def release_group(inputs: Mapping[str, Any]) -> None:
    """PenstockError with the balancers that still use a group of endpoints, which then cannot go."""
    with _explained(f"users of {inputs['group']} could not be looked for"):
        groups.require_unused(session(**(inputs.get("identity") or {})), inputs)


def drain(inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Frees the network of what GKE made; PenstockError in Google's own words where it refuses."""
    with _explained(f"what GKE made for {inputs['cluster']} is still there"):
        drain_network(session(**(inputs.get("identity") or {})), inputs, say)


def scale_to_zero(scaler: Scaler) -> None:
    """Tells the pool to let its nodes go; PenstockError in Google's own words where it refuses."""
    with _explained(f"{scaler['group']} could not be set to no nodes"):
        google = _account(scaler)
        if scaler["least"] != scaler["most"]:
            _limit(google, scaler, least=0)
        _resize(google, scaler, 0)


def restore(scaler: Scaler, nodes: int) -> int:
    """Gives the pool its planned limits and size, and returns the size; PenstockError in Google's own words where it
    refuses. A pool with a range keeps more nodes that it has: they came for work, and nobody here knows which are idle.
    """
    least, most = int(scaler["least"]), int(scaler["most"])
    with _explained(f"{scaler['group']} could not be set to {nodes} nodes"):
        google = _account(scaler)
        size = nodes if least == most else min(max(nodes, _size(google, scaler)), most)
        if least != most:
            _limit(google, scaler, least=least)
        _resize(google, scaler, size)
    return size


def limit(scaler: Scaler) -> None:
    """Gives the pool its planned limits, and leaves its size alone where that lies within; PenstockError in Google's
    own words where it refuses.
    """
    least, most = int(scaler["least"]), int(scaler["most"])
    with _explained(f"{scaler['group']} could not be limited to {least} to {most} nodes"):
        google = _account(scaler)
        if least != most:
            _limit(google, scaler, least=least)
        size = _size(google, scaler)
        if not least <= size <= most:
            _resize(google, scaler, min(max(size, least), most))


def turn_to(scaler: Scaler, other: Scaler, missing: int) -> int:
    """Asks for the missing nodes of a pool in another; returns that one's size. PenstockError where Google refuses."""
    with _explained(f"{other['group']} could not stand in for {missing} nodes of {scaler['group']}"):
        google = _account(scaler)
        nodes = min(_size(google, other) + missing, int(other["most"]))
        _resize(google, other, nodes)
    return nodes


def shortage(scaler: Scaler) -> str:
    """The reason for which Google starts no machines for the pool, in its own words; empty where it gives none."""
    with _explained(f"Google was not asked why {scaler['group']} lacks nodes"):
        google = _account(scaler)
        pool = google.get("container", _path(scaler))
        found = [str(one.get("message", one.get("code", ""))) for one in pool.get("conditions", ())]
        for url in pool.get("instanceGroupUrls", ()):
            manager = url.partition("/projects/")[2].replace("/instanceGroups/", "/instanceGroupManagers/")
            errors = google.pages("compute", f"projects/{manager}/listErrors", "items", maxResults="5")
            found += [str(one.get("error", {}).get("message", "")) for one in errors]
        told = "; ".join(dict.fromkeys(filter(None, found)))
        return f"{told} ({_EITHER})" if any(word in told.upper() for word in _MASKED) else told


def _size(google: Google, scaler: Scaler) -> int:
    """The nodes that the pool is to have now, whoever has asked for them."""
    pool = google.get("container", _path(scaler))
    managers = [url.partition("/projects/")[2] for url in pool.get("instanceGroupUrls", ())]
    found = [
        google.get("compute", f"projects/{one.replace('/instanceGroups/', '/instanceGroupManagers/')}")
        for one in managers
    ]
    return sum(int(one.get("targetSize", 0)) for one in found)


def _resize(google: Google, scaler: Scaler, nodes: int) -> None:
    done = google.post("container", f"{_path(scaler)}:setSize", {"nodeCount": nodes})
    _await(google, scaler, done)


def _limit(google: Google, scaler: Scaler, *, least: int) -> None:
    """GKE's autoscaler goes by these."""
    scaling = {"enabled": True, "minNodeCount": least, "maxNodeCount": int(scaler["most"]), "locationPolicy": "ANY"}
    done = google.post("container", f"{_path(scaler)}:setAutoscaling", {"autoscaling": scaling})
    _await(google, scaler, done)


def _await(google: Google, scaler: Scaler, operation: Mapping[str, Any]) -> None:
    name = operation.get("name", "")
    if name:
        path = f"projects/{scaler['project']}/locations/{scaler['location']}/operations/{name}"
        google.await_operation("container", path, _PATIENCE_S)


def _path(scaler: Scaler) -> str:
    place = f"projects/{scaler['project']}/locations/{scaler['location']}/clusters/{scaler['cluster']}"
    return f"{place}/nodePools/{scaler['group']}"


def _account(scaler: Scaler) -> Google:
    return session(**{key: scaler[key] for key in _IDENTITY if key in scaler})


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except GoogleError as error:
        raise PenstockError(f"{what}: {error}") from error
