"""GKE: node pools, their sizes and what a change does to them."""

from collections.abc import Iterator
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.gcp.kinds.gke import PATIENCE_MIN, bad_labels, turn
from rehearsal.providers.gcp.kinds.parts import Form, each, number, project_of
from rehearsal.providers.gcp.legality import problems
from rehearsal.providers.gcp.machines import machine
from rehearsal.providers.gcp.names import CLUSTER, FIXED_OF_NETWORK, FIXED_OF_NODES, NODE_POOL, ROLLING, last
from rehearsal.providers.gcp.sizes import first_count

# Minutes until nodes are Ready: of a pool of processors, with GPUs and their driver, of a slice of TPUs, of none
# (VCI, XPK: a slice takes 5 to 10 minutes; GPU nodes 4 to 8 with driver).
CPU_MIN, GPU_MIN, TPU_MIN, EMPTY_MIN, GONE_MIN = 2.0, 6.0, 8.0, 0.5, 3.0


def _only(value: Any) -> Any:
    """The one member of what the provider has as a list, and the API by itself."""
    return value[0] if isinstance(value, list) and value else value


FORM = Form(
    moved={
        "nodeConfig": "config", "nodeLocations": "locations", "maxPodsPerNode": "maxPodsConstraint.maxPodsPerNode",
        "nodeDrainConfigs": "nodeDrainConfig", "maintenancePolicies": "maintenancePolicy",
        "config.guestAccelerators": "config.accelerators", "config.loggingVariant":
        "config.loggingConfig.variantConfig.variant",
        "config.gpudirectStrategy": "config.gpuDirectConfig.gpuDirectStrategy",
        "config.linuxNodeConfig.hugepagesConfig": "config.linuxNodeConfig.hugepages",
    },
    changed={
        "config.accelerators": each({"type": "acceleratorType", "count": "acceleratorCount"}),
        "maintenancePolicy": lambda value: {
            "exclusionUntilEndOfSupport": _only(_only(value).get("exclusionUntilEndOfSupports") or {})
        },
        "nodeDrainConfig": _only,
        "autoscaling": lambda value: {"enabled": True, **value},
        "config.kubeletConfig.insecureKubeletReadonlyPortEnabled": lambda value: value == "TRUE",
    },
    unsent=frozenset({"cluster", "nodeCount", "namePrefix", "ignoreNodeCountChanges", "operation"}),
)  # fmt: skip

# What a change does (GoogleCloudPlatform/magic-modules d577844, 2026-08-21: node_pool.go, node_config.go): ForceNew.
FIXED = frozenset(
    {
        "name", "namePrefix", "cluster", "location", "project", "initialNodeCount", "maxPodsPerNode",
        "placementPolicy", "queuedProvisioning",
    }
)  # fmt: skip
UPDATED = (*ROLLING, "labels", "taints", "tags", "resourceLabels")
ROLL_MIN = 6.0
"""Minutes of one node that is made anew (magic-modules: an update takes about as long as its nodes one by one)."""


def cluster_of(api: CloudApi, inputs: Inputs) -> Outputs:
    """The pool's cluster; empty where it is not known yet."""
    named = inputs.get("cluster")
    if is_unknown(named):
        return {}
    place = f"projects/{project_of(api, inputs)}/locations/{inputs.get('location')}/clusters/{last(named)}"
    return api.find(CLUSTER, place) or api.find(CLUSTER, str(named)) or {}


def _parent(api: CloudApi, inputs: Inputs) -> str:
    return f"projects/{project_of(api, inputs)}/locations/{inputs['location']}/clusters/{last(inputs['cluster'])}"


def _create(api: CloudApi, inputs: Inputs) -> Made:
    cluster = cluster_of(api, inputs)
    _refuse(api, inputs, cluster)
    parent, name = _parent(api, inputs), inputs["name"]
    count, body = first_count(inputs), FORM.body(inputs)
    body["initialNodeCount"] = count
    api.keep("container", "projects.locations.clusters.nodePools.create", {}, parent=parent, body={"nodePool": body})
    groups = [
        f"https://www.googleapis.com/compute/v1/projects/{project_of(api, inputs)}/zones/{zone}/instanceGroupManagers/"
        f"gke-{last(inputs['cluster'])}-{name}-{number(name)[:8]}-grp"
        for zone in zones_of(inputs, cluster)
    ]
    nodes = body.get("config") or {}
    return Made(
        id=f"{parent}/nodePools/{name}",
        outputs={
            "instanceGroupUrls": groups, "managedInstanceGroupUrls": groups, "operation": "",
            "version": inputs.get("version") or cluster.get("nodeVersion", ""),
            "initialNodeCount": inputs.get("initialNodeCount", count),
            "nodeLocations": list(zones_of(inputs, cluster)),
            "project": project_of(api, inputs),
            **({"nodeConfig": _filled(inputs["nodeConfig"])} if nodes else {}),
        },
    )  # fmt: skip


def _filled(nodes: Inputs) -> dict[str, Any]:
    """The nodes' configuration as GKE tells of it: with its own taint beside those that were given."""
    taints = [dict(one) for one in nodes.get("taints") or ()]
    found = machine(str(nodes.get("machineType", "")))
    own = []
    if found and found.device:
        own = [{"key": found.device, "value": "present", "effect": "NO_SCHEDULE"}]
    merged = [*taints, *(one for one in own if one["key"] not in {each_["key"] for each_ in taints})]
    return {**nodes, "effectiveTaints": merged}


def zones_of(inputs: Inputs, cluster: Outputs) -> tuple[str, ...]:
    """Zones of the pool's nodes: its own, else its cluster's, else all of a region's that are usual."""
    given = inputs.get("nodeLocations") or cluster.get("nodeLocations")
    if given and not is_unknown(given):
        return tuple(map(str, given))
    place = str(inputs.get("location", ""))
    return (place,) if place.count("-") == 2 else tuple(f"{place}-{letter}" for letter in "abc")


def _refuse(api: CloudApi, inputs: Inputs, cluster: Outputs) -> None:
    found = [*problems(api, inputs, cluster, zones_of(inputs, cluster)), *_labels(inputs)]
    if found:
        raise CloudApiError("Error 400", f"{'; '.join(found)}, badRequest")


def _labels(inputs: Inputs) -> Iterator[str]:
    yield from bad_labels((inputs.get("nodeConfig") or {}).get("resourceLabels"))


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    cluster = cluster_of(api, new)
    _refuse(api, new, cluster)
    methods = "projects.locations.clusters.nodePools"
    if new.get("autoscaling") != old.get("autoscaling"):
        body = FORM.body({"autoscaling": new.get("autoscaling") or {"enabled": False}})
        api.keep("container", f"{methods}.setAutoscaling", {}, name=id, body={"autoscaling": body["autoscaling"]})
    if new.get("management") != old.get("management"):
        body = {"management": new.get("management") or {}}
        api.keep("container", f"{methods}.setManagement", {}, name=id, body=body)
    if new.get("nodeCount") != old.get("nodeCount") and new.get("nodeCount") is not None:
        api.keep("container", f"{methods}.setSize", {}, name=id, body={"nodeCount": new["nodeCount"]})
    for body in _updates(old, new):
        api.keep("container", f"{methods}.update", {}, name=id, body=body)
    return {"nodeConfig": _filled(new["nodeConfig"])} if new.get("nodeConfig") else {}


def _updates(old: Outputs, new: Inputs) -> Iterator[dict[str, Any]]:
    """A request for each member that changed, as the provider makes them."""
    before, after = old.get("nodeConfig") or {}, new.get("nodeConfig") or {}
    for name in UPDATED:
        if before.get(name) != after.get(name) and after.get(name) is not None:
            sent = FORM.body({"nodeConfig": {name: after[name]}})["config"]
            if name in ("labels", "taints", "tags", "resourceLabels"):
                sent = {name: {name: after[name]}}
            yield sent
    for name, target in (("upgradeSettings", "upgradeSettings"), ("nodeLocations", "locations")):
        if new.get(name) is not None and old.get(name) != new[name]:
            yield {target: new[name]}
    if new.get("version") is not None and old.get("version") != new["version"]:
        yield {"nodeVersion": new["version"]}


def _replaces(old: Inputs, new: Inputs) -> bool:
    """Members of inputs that are not fixed as a whole."""
    return any(
        (old.get(holder) or {}).get(name) != (new.get(holder) or {}).get(name)
        for holder, names in (("nodeConfig", FIXED_OF_NODES), ("networkConfig", FIXED_OF_NETWORK))
        for name in names
    )


def _ready_min(inputs: Inputs) -> float:
    if not first_count(inputs):
        return EMPTY_MIN
    found = machine(str((inputs.get("nodeConfig") or {}).get("machineType", "")))
    return (TPU_MIN if found.is_tpu else GPU_MIN) if found and found.device else CPU_MIN


KINDS = (
    ResourceKind(
        token=NODE_POOL, create=_create, update=_update,
        delete=lambda api, id_, _outputs: _delete(api, id_), fixed=FIXED, replaces=_replaces,
        refers={
            "cluster": CLUSTER, "nodeConfig.serviceAccount": "gcp:serviceaccount/account:Account",
            "placementPolicy.policyName": "gcp:compute/resourcePolicy:ResourcePolicy",
            "networkConfig.additionalNodeNetworkConfigs.network": "gcp:compute/network:Network",
            "networkConfig.additionalNodeNetworkConfigs.subnetwork": "gcp:compute/subnetwork:Subnetwork",
        },
        own_name="name", longest_name=40, ready_after_min=_ready_min,
        deleted_after_min=lambda inputs: GONE_MIN if first_count(inputs) else EMPTY_MIN,
        turn=turn, turn_patience_min=PATIENCE_MIN, needs_ready=True,
    ),
)  # fmt: skip


def _delete(api: CloudApi, id: str) -> None:  # noqa: A002 (the engine's own word)
    api.keep("container", "projects.locations.clusters.nodePools.delete", {}, name=id)
