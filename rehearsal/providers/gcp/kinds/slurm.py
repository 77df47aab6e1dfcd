"""Cluster Director: a Slurm cluster as one resource, with its login nodes, compute resources and node sets.

Sources: Cluster Director API v1 (discovery document, revision 20261021), whose description marks as immutable a compute
resource, a boot disk, and the way to a network or a store; magic-modules 053a8044 (2026), hypercomputecluster, and its
acceptance tests; Cluster Director, "Supported compute resources", "Obtain capacity" (2026-11).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.gcp.kinds.gke import bad_labels
from rehearsal.providers.gcp.kinds.parts import Form, project_of
from rehearsal.providers.gcp.machines import machine
from rehearsal.providers.gcp.names import BUCKET, DIRECTOR, FILESTORE, LUSTRE, NETWORK, RESERVATION, SUBNETWORK, last

READY_MIN, GONE_MIN = 20.0, 10.0
"""The provider waits two hours at most; a first cluster with a login node is told to take minutes. Nobody here has
seen one: these are guesses."""
LONGEST_RUN_S, LEAST_DISK_GB = 604800, 10
LOGIN_CORES = 32
MARKETS: Mapping[str, frozenset[str]] = {
    "a3-megagpu-8g": frozenset({"newReservedInstances", "newFlexStartInstances", "newSpotInstances"}),
    "a3-ultragpu-8g": frozenset({"newReservedInstances", "newFlexStartInstances", "newSpotInstances"}),
    "a4-highgpu-8g": frozenset({"newReservedInstances", "newFlexStartInstances", "newSpotInstances"}),
    "a4x-highgpu-4g": frozenset({"newReservedInstances"}),
    "a4x-maxgpu-4g-metal": frozenset({"newReservedInstances"}),
}
OF_PROCESSORS = frozenset({"newOnDemandInstances", "newSpotInstances"})
"""Ways in which machines with GPUs are had, and those of N2; a reservation brings its own machine type."""
_N2 = re.compile(r"n2-(standard|highmem|highcpu)-\d+")
_ID, _CLUSTER = re.compile(r"[a-z][a-z0-9-]{0,62}"), re.compile(r"[a-z][a-z0-9]{0,9}")
_RESERVATION = re.compile(r"projects/[^/]+/zones/(?P<zone>[^/]+)/reservations/[^/]+")
_MAPS = ("computeResources", "networkResources", "storageResources")
_OF_SERVICE = frozenset({"networks", "filestores", "lustres", "buckets"})
"""Members that the service alone fills in."""
_FORM = Form(unsent=frozenset({"clusterId"}))


def _create(api: CloudApi, inputs: Inputs) -> Made:
    _refuse(inputs)
    place = f"projects/{project_of(api, inputs)}/locations/{inputs['location']}"
    api.keep(
        "hypercomputecluster", "projects.locations.clusters.create", {}, parent=place, clusterId=inputs["clusterId"],
        body=_body(inputs),
    )  # fmt: skip
    name = f"{place}/clusters/{inputs['clusterId']}"
    times = {"createTime": "", "updateTime": "", "reconciling": False}
    return Made(id=name, outputs={"name": name, "project": project_of(api, inputs), **times, **_told(api, inputs)})


def _told(api: CloudApi, inputs: Inputs) -> dict[str, Any]:
    """The inputs with what the service adds inside them: login nodes' machines, and what was imported."""
    found: dict[str, Any] = {}
    slurm = (inputs.get("orchestrator") or {}).get("slurm")
    if slurm and not is_unknown(slurm):
        login = slurm["loginNodes"]
        place = f"projects/{project_of(api, inputs)}/zones/{login['zone']}/instances"
        machines = [
            {"instance": f"{place}/{inputs['clusterId']}-login-{index:03}"}
            for index in range(1, int(login["count"]) + 1)
        ]
        found["orchestrator"] = {"slurm": {**slurm, "loginNodes": {**login, "instances": machines}}}
    networks = []
    for one in inputs.get("networkResources") or ():
        there = (one.get("config") or {}).get("existingNetwork") or {}
        networks.append({**one, "networks": [dict(there)]})
    return {**found, "networkResources": networks}


def _body(inputs: Inputs) -> dict[str, Any]:
    """As the API takes it: lists with ids are maps by those ids."""
    body = _FORM.body(inputs)
    for name in _MAPS:
        if isinstance(body.get(name), list):
            body[name] = {
                one["id"]: {key: part for key, part in one.items() if key != "id" and key not in _OF_SERVICE}
                for one in body[name]
            }
    login = ((body.get("orchestrator") or {}).get("slurm") or {}).get("loginNodes")
    if isinstance(login, dict):
        login.pop("instances", None)
    return body


def _refuse(inputs: Inputs) -> None:
    found = list(problems(inputs))
    if found:
        raise CloudApiError("Error 400", f"{'; '.join(found)}, INVALID_ARGUMENT")


def problems(inputs: Inputs) -> Iterator[str]:
    """All that Cluster Director refuses and its types allow."""
    name = inputs.get("clusterId")
    if not is_unknown(name) and not _CLUSTER.fullmatch(str(name)):
        yield f"clusterId {name!r} must start with a lowercase letter, of 1 to 10 lowercase letters and numbers"
    yield from bad_labels(inputs.get("labels"))
    if len(inputs.get("networkResources") or ()) != 1:
        yield "networkResources must contain exactly one value"
    for holder in _MAPS:
        yield from _ones(inputs, holder)
    yield from _compute(inputs)
    slurm = (inputs.get("orchestrator") or {}).get("slurm") or {}
    if slurm:
        yield from _login(slurm)
        yield from _sets(inputs, slurm)
    yield from _zones(inputs, slurm)


def _ones(inputs: Inputs, holder: str) -> Iterator[str]:
    """Ids, each once, and exactly one way to have each."""
    ids = [str(one.get("id")) for one in inputs.get(holder) or ()]
    for one in sorted({one for one in ids if ids.count(one) > 1}):
        yield f"{holder}: {one} is given twice"
    for one in inputs.get(holder) or ():
        if not _ID.fullmatch(str(one.get("id"))):
            yield f"{holder}: key {one.get('id')!r} must conform to RFC-1034 (lower-case, at most 63 characters)"
        config = {key: part for key, part in (one.get("config") or {}).items() if part is not None}
        if len(config) != 1:
            yield f"{holder}.{one.get('id')}.config must have exactly one of its members set, and has {len(config)}"


def _compute(inputs: Inputs) -> Iterator[str]:
    for one in inputs.get("computeResources") or ():
        for kind, asked in (one.get("config") or {}).items():
            if not asked:
                continue
            yield from _market(one["id"], kind, str(asked.get("machineType", "")))
            path = str(asked.get("reservation", ""))
            if kind == "newReservedInstances" and not _RESERVATION.fullmatch(path):
                yield f"computeResources.{one['id']}: reservation {path!r} is not projects/P/zones/Z/reservations/R"
            seconds = re.fullmatch(r"(\d+)s", str(asked.get("maxDuration", "1s")))
            if seconds is None or int(seconds[1]) > LONGEST_RUN_S:
                told = asked.get("maxDuration")
                yield f"computeResources.{one['id']}: maxDuration {told} is no time to {LONGEST_RUN_S}s"


def _market(name: str, kind: str, machine_type: str) -> Iterator[str]:
    if kind == "newReservedInstances":
        return
    known = MARKETS.get(machine_type)
    if known is None and not _N2.fullmatch(machine_type):
        yield f"computeResources.{name}: machine type {machine_type} is not supported"
    elif kind not in (known or OF_PROCESSORS):
        yield f"computeResources.{name}: {kind} is not supported for machine type {machine_type}"


def _login(slurm: Inputs) -> Iterator[str]:
    login = slurm.get("loginNodes") or {}
    name = str(login.get("machineType", ""))
    found = machine(name)
    if not name.startswith("n2-standard-") or found is None or found.vcpus > LOGIN_CORES:
        yield f"loginNodes.machineType {name} must be an N2 standard machine type with {LOGIN_CORES} or fewer vCPUs"
    yield from _disk("loginNodes", login.get("bootDisk"), name)


def _disk(where: str, disk: Any, machine_type: str) -> Iterator[str]:
    if not disk:
        return
    if int(disk["sizeGb"]) < LEAST_DISK_GB:
        yield f"{where}.bootDisk.sizeGb must be at least {LEAST_DISK_GB}"
    found, kind = machine(machine_type), last(disk["type"])
    if found is not None and kind not in found.disks:
        yield f"{where}: {kind} disk type cannot be used by {machine_type} machine type"


def _sets(inputs: Inputs, slurm: Inputs) -> Iterator[str]:
    computes = {str(one["id"]): one.get("config") or {} for one in inputs.get("computeResources") or ()}
    stores = {str(one["id"]) for one in inputs.get("storageResources") or ()}
    sets = slurm.get("nodeSets") or ()
    for one in sets:
        where, used = f"nodeSets.{one['id']}", str(one.get("computeId"))
        if used not in computes:
            yield f"{where}: computeId {used!r} must match a key in computeResources"
        types = [str(part.get("machineType", "")) for part in computes.get(used, {}).values() if part]
        yield from _disk(where, (one.get("computeInstance") or {}).get("bootDisk"), next(iter(types), ""))
        yield from bad_labels((one.get("computeInstance") or {}).get("labels"))
    for holder in (slurm.get("loginNodes") or {}, *sets):
        for mount in holder.get("storageConfigs") or ():
            if mount["id"] not in stores:
                yield f"storageConfigs: {mount['id']!r} must match a key in storageResources"
    names = {str(one["id"]) for one in sets}
    partitions = {str(one["id"]): one.get("nodeSetIds") or () for one in slurm.get("partitions") or ()}
    for partition, members in partitions.items():
        if not members or not set(map(str, members)) <= names:
            yield f"partitions.{partition}: nodeSetIds must match SlurmNodeSet.id"
    default = slurm.get("defaultPartition")
    if (default is None and len(partitions) > 1) or (default is not None and default not in partitions):
        yield f"defaultPartition {default!r} must match the id of one of the partitions"


def zones_of(inputs: Inputs) -> Iterator[str]:
    """Zones of login nodes, compute resources and imported file systems."""
    for one in inputs.get("computeResources") or ():
        for asked in (one.get("config") or {}).values():
            found = _RESERVATION.fullmatch(str((asked or {}).get("reservation", "")))
            if found or (asked or {}).get("zone"):
                yield found["zone"] if found else str(asked["zone"])
    for one in inputs.get("storageResources") or ():
        for asked in (one.get("config") or {}).values():
            for value in (asked or {}).values():
                if not is_unknown(value) and (place := re.search(r"/locations/([a-z0-9-]+)/instances/", str(value))):
                    yield place[1]


def running(inputs: Inputs) -> Iterator[tuple[str, int]]:
    """Machine types of login nodes and of nodes that always run, with their numbers; of a reservation it is empty."""
    slurm = (inputs.get("orchestrator") or {}).get("slurm") or {}
    if login := slurm.get("loginNodes"):
        yield str(login["machineType"]), int(login["count"])
    types = {
        str(one["id"]): str(asked.get("machineType", ""))
        for one in inputs.get("computeResources") or ()
        for asked in (one.get("config") or {}).values()
        if asked
    }
    for one in slurm.get("nodeSets") or ():
        if count := int(one.get("staticNodeCount") or 0):
            yield types.get(str(one.get("computeId")), ""), count


def _zones(inputs: Inputs, slurm: Inputs) -> Iterator[str]:
    login = (slurm.get("loginNodes") or {}).get("zone")
    zones = sorted({*zones_of(inputs), *([str(login)] if login else [])})
    if len(zones) > 1:
        yield f"zones of a cluster's resources must match: {', '.join(zones)}"
    region = inputs.get("location")
    for zone in zones:
        if not is_unknown(region) and zone.rpartition("-")[0] != region:
            yield f"zone {zone} must be in the same region as the cluster, {region}"


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    _refuse(new)
    before, after = _body({name: old.get(name) for name in new}), _body(new)
    for message in _immutable(before, after):
        raise CloudApiError("Error 400", f"{message}, INVALID_ARGUMENT")
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    api.keep(
        "hypercomputecluster", "projects.locations.clusters.patch", {}, name=id, updateMask=",".join(changed),
        body=changed,
    )  # fmt: skip
    return _told(api, new)


def _immutable(before: Inputs, after: Inputs) -> Iterator[str]:
    """Of what has the same id: the way to have it, and the disk that it starts from."""
    for holder in _MAPS:
        for name, one in (after.get(holder) or {}).items():
            if name in (before.get(holder) or {}) and before[holder][name].get("config") != one.get("config"):
                yield f"{holder}.{name}.config is immutable"
    old, new = ((one.get("orchestrator") or {}).get("slurm") or {} for one in (before, after))
    if old.get("loginNodes") and old["loginNodes"].get("bootDisk") != (new.get("loginNodes") or {}).get("bootDisk"):
        yield "loginNodes.bootDisk is immutable"
    disks = {one["id"]: (one.get("computeInstance") or {}).get("bootDisk") for one in old.get("nodeSets") or ()}
    for one in new.get("nodeSets") or ():
        if one["id"] in disks and disks[one["id"]] != (one.get("computeInstance") or {}).get("bootDisk"):
            yield f"nodeSets.{one['id']}.computeInstance.bootDisk is immutable"


def _replaces(old: Inputs, new: Inputs) -> bool:
    """The zone of login nodes alone is one that the provider marks so."""
    zones = [((one.get("orchestrator") or {}).get("slurm") or {}).get("loginNodes") or {} for one in (old, new)]
    return bool(zones[0].get("zone") != zones[1].get("zone"))


KINDS = (
    ResourceKind(
        token=DIRECTOR, create=_create, update=_update,
        delete=lambda api, id_, _outputs: _delete(api, id_),
        fixed=frozenset({"clusterId", "location", "project"}), replaces=_replaces,
        refers={
            "networkResources.config.existingNetwork.network": NETWORK,
            "networkResources.config.existingNetwork.subnetwork": SUBNETWORK,
            "computeResources.config.newReservedInstances.reservation": RESERVATION,
            "storageResources.config.existingFilestore.filestore": FILESTORE,
            "storageResources.config.existingLustre.lustre": LUSTRE,
            "storageResources.config.existingBucket.bucket": BUCKET,
        },
        own_name="clusterId", longest_name=10, ready_after_min=lambda _: READY_MIN,
        deleted_after_min=lambda _: GONE_MIN, needs_ready=True,
    ),
)  # fmt: skip


def _delete(api: CloudApi, id: str) -> None:  # noqa: A002 (the engine's own word)
    api.keep("hypercomputecluster", "projects.locations.clusters.delete", {}, name=id)
