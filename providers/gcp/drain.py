"""Removal of what GKE leaves in a network when a cluster goes, so that the network can go too."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.errors import PenstockError
from providers.gcp.session import Google, GoogleError

_STEP_S = 10.0
CLUSTER_LABEL = "goog-k8s-cluster-name"
"""Of disks that claims of a cluster made (GKE, "Labels that GKE sets")."""
_KINDS = ("forwardingRules", "targetPools", "backendServices", "networkEndpointGroups")
"""In the order in which one holds the next."""
_PREFIXES = ("k8s-", "k8s1-", "k8s2-", "gke-", "gkegw1-", "gkemcg1-")
"""Of names that GKE's controllers give (kubernetes/ingress-gce, pkg/utils/namer; hashicorp/terraform-provider-google
5948)."""


def drain(google: Google, inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Deletes disks of the cluster's claims, and in a network of the stack's own what load balancers of the cluster
    left, firewall rules last. PenstockError names what is still there when the patience ends.
    """
    project, until = inputs["project"], time.monotonic() + float(inputs["patienceS"])
    while True:
        left = list(_left(google, inputs))
        if not left:
            return
        for path in left:
            if _delete(google, path):
                say(f"deleted {path.partition(f'projects/{project}/')[2]}, which GKE had left")
        if time.monotonic() >= until:
            raise PenstockError(f"still there: {', '.join(left)}; delete them and run destroy again")
        time.sleep(_STEP_S)


def _groups(google: Google, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Groups of endpoints of the stack's own name, which stay where the cluster went before GKE had removed them (GKE,
    "Container-native load balancing through standalone zonal NEGs")."""
    for group in google.pages("compute", f"projects/{inputs['project']}/aggregated/networkEndpointGroups", "items"):
        if group["name"] in inputs.get("groups", ()) and _is_in(group, inputs["network"]):
            yield _path_of(group)


def _left(google: Google, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Paths of all that is left, in the order in which it can go."""
    project = inputs["project"]
    for disk in google.pages("compute", f"projects/{project}/aggregated/disks", "items"):
        if disk.get("labels", {}).get(CLUSTER_LABEL) == inputs["cluster"] and not disk.get("users"):
            yield _path_of(disk)
    yield from _groups(google, inputs)
    if not inputs["own"]:
        return
    for kind in _KINDS:
        for found in google.pages("compute", f"projects/{project}/aggregated/{kind}", "items"):
            if _is_in(found, inputs["network"]) and found["name"].startswith(_PREFIXES):
                yield _path_of(found)
    for rule in google.pages("compute", f"projects/{project}/global/firewalls", "items"):
        if _is_in(rule, inputs["network"]) and rule["name"].startswith(_PREFIXES):
            yield _path_of(rule)


def _is_in(found: Mapping[str, Any], network: str) -> bool:
    return str(found.get("network", "")).endswith(f"/networks/{network}")


def _path_of(found: Mapping[str, Any]) -> str:
    return "projects/" + str(found["selfLink"]).partition("/projects/")[2]


def _delete(google: Google, path: str) -> bool:
    """True if it goes now; false where another thing still holds it, or it has gone by itself."""
    try:
        google.delete("compute", path)
    except GoogleError as error:
        if error.is_absent or error.reason == "resourceInUseByAnotherResource" or error.status == 400:
            return False
        raise
    return True
