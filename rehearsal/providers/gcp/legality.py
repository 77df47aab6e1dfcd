"""Legality of a GKE node pool: what the service refuses and no description forbids, in Google's words where known.

Each rule has its source. None is taken from the planner: a wrong belief of its is contradicted here.
"""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs
from rehearsal.providers.gcp.machines import Machine, machine
from rehearsal.providers.gcp.names import NETWORK, POLICY, SPECIFIC, SUBNETWORK, last
from rehearsal.providers.gcp.sizes import first_count, most_count
from rehearsal.providers.gcp.words import bare

NO_RESERVATION = "NO_RESERVATION"
LONGEST_RUN_S = 604800
_RUN = re.compile(r"(\d+)s")
_RESERVATION = re.compile(
    r"projects/[^/]+/reservations/[^/]+(?:/reservationBlocks/[^/]+(?:/reservationSubBlocks/[^/]+)?)?"
)
_CLASSIC_DRIVER = "cloud.google.com/gke-no-default-nvidia-gpu-device-plugin"
DRANET_LABEL = "cloud.google.com/gke-networking-dra-driver"
# Shapes of slices in two dimensions (XPK, system_characteristics.py; Google Cloud, "TPUs in GKE").
FLAT = frozenset({"1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16"})
FLAT_LABELS = ("tpu-v5-lite-podslice", "tpu-v6e-slice")
CUBES = {"tpu-v4-podslice": 64, "tpu-v5p-slice": 140, "tpu7x": 144}
"""Most cubes of 64 chips of a slice in three dimensions (XPK; cluster-toolkit, pkg/config/hardware.go)."""
SMALL_CUBES = frozenset({"2x2x1", "2x2x2", "2x2x4", "2x4x4"})
MOST_COMPACT = {"a2": 150, "a3": 96, "a4": 1500}
"""Most nodes of a compact placement (GKE's cluster autoscaler, machinetypes; cluster-toolkit)."""


def problems(api: CloudApi, inputs: Inputs, cluster: Outputs, zones: tuple[str, ...]) -> Iterator[str]:
    """All that GKE refuses of the pool."""
    nodes = inputs.get("nodeConfig") or {}
    name = nodes.get("machineType", "e2-medium")
    if is_unknown(name):
        return
    found = machine(str(name))
    if found is None:
        yield f"Invalid machine type {name} in zone {', '.join(zones)}"
        return
    yield from _disks(nodes, found)
    yield from _capacity(inputs, nodes, cluster)
    yield from _accelerators(nodes, found)
    yield from _networks(api, inputs, nodes, found, cluster, zones)
    yield from _placement(api, inputs, found)
    if found.is_tpu:
        yield from _slice(inputs, found)
    yield from _upgrades(inputs, cluster)


def _disks(nodes: Inputs, found: Machine) -> Iterator[str]:
    """GKE's cluster autoscaler, machinetypes: the disks that each machine starts from (NVIDIA/aicr 2338)."""
    disk = nodes.get("diskType") or (nodes.get("bootDisk") or {}).get("diskType")
    if disk and not is_unknown(disk) and disk not in found.disks:
        yield f"{disk} disk type cannot be used by {found.name} machine type"


def _capacity(inputs: Inputs, nodes: Inputs, cluster: Outputs) -> Iterator[str]:
    """One way of getting machines alone (Google Cloud, "About consumption options"; cluster-toolkit, preconditions)."""
    affinity = nodes.get("reservationAffinity") or {}
    consumed = affinity.get("consumeReservationType", "")
    queued = (inputs.get("queuedProvisioning") or {}).get("enabled", False)
    flex, spot, run = nodes.get("flexStart"), nodes.get("spot"), nodes.get("maxRunDuration")
    ways = [
        name for name, given in (("spot", spot), ("flex start", flex), ("a reservation", consumed == SPECIFIC)) if given
    ]
    if len(ways) > 1:
        yield f"{' and '.join(ways)} exclude each other"
    for given, word in ((queued, "Queued_provisioning"), (flex, "Flex_start"), (spot, "Spot")):
        if given and consumed != NO_RESERVATION:  # terraform-provider-google 18341
            yield f"{word} requires reservation affinity to be set to none"
    values = affinity.get("values") or ()
    if consumed == SPECIFIC:
        yield from _reservation(affinity, values)
    if flex or queued:
        yield from _awaited(inputs, run, queued=queued)
    if flex and (inputs.get("management") or {}).get("autoRepair", True):
        yield "Flex-start node pools do not support auto-repair: set management.autoRepair to false"
    if queued and _channel(cluster) == "" and (inputs.get("management") or {}).get("autoUpgrade", True):
        yield "queued provisioning of GPUs needs management.autoUpgrade false"


def _reservation(affinity: Inputs, values: Iterable[Any]) -> Iterator[str]:
    if affinity.get("key") != "compute.googleapis.com/reservation-name":
        yield "reservationAffinity.key must be compute.googleapis.com/reservation-name"
    for one in values:
        if not is_unknown(one) and _RESERVATION.fullmatch(str(one)) is None:  # cluster-toolkit 5043
            yield f'reservation "{one}" not found for node pool: name it projects/P/reservations/R'
    if not tuple(values):
        yield "reservationAffinity names no reservation"


def _awaited(inputs: Inputs, run: Any, *, queued: bool) -> Iterator[str]:
    """Google Cloud, "About flex-start" (2026): nodes come by the autoscaler, for seven days at most."""
    scaling = inputs.get("autoscaling") or {}
    seconds = _RUN.fullmatch(str(run or ""))
    if not queued and (seconds is None or int(seconds[1]) > LONGEST_RUN_S):
        yield f"maxRunDuration {run!r} is not a number of seconds up to {LONGEST_RUN_S}s"
    if not scaling:
        yield "flex start and queued provisioning need autoscaling"
    if any(scaling.get(name) for name in ("minNodeCount", "totalMinNodeCount")) or first_count(inputs):
        yield "flex start and queued provisioning begin with no node: the least is 0"
    if not queued and scaling and scaling.get("locationPolicy") != "ANY":
        yield "flex start needs the location policy ANY"
    if inputs.get("upgradeSettings"):
        yield "upgradeSettings: nodes that are flexibly started are not upgraded by surge or blue-green"


def _accelerators(nodes: Inputs, found: Machine) -> Iterator[str]:
    """As many as the machine has; and one of the two legal ways to a driver (NVIDIA/aicr 2047, 2044, 1716)."""
    given = [one for one in nodes.get("guestAccelerators") or () if not is_unknown(one)]
    if found.is_tpu and given:
        yield "guestAccelerators: a TPU machine has none"
    if found.is_tpu or not found.chips:
        return
    for one in given:
        if one.get("type") != found.label:
            yield f"Accelerator type {one.get('type')!r} is not that of {found.name}, {found.label}"
        if not is_unknown(one.get("count")) and int(one.get("count") or 0) != found.chips:
            yield f"Accelerator count {one.get('count')} is not that of {found.name}, {found.chips}"


def driver_of(nodes: Inputs) -> str:
    """Word of the driver: DEFAULT where nothing is said, as GKE fills it in from 1.30 on."""
    for one in nodes.get("guestAccelerators") or ():
        installed = (one.get("gpuDriverInstallationConfig") or {}).get("gpuDriverVersion")
        if installed:
            return str(installed)
    return "DEFAULT"


def has_driver(nodes: Inputs) -> bool:
    """True where nodes come up with GPUs that pods can ask for: GKE installs the driver, and its plugin offers them.

    With the label that takes the plugin away, the driver's installer is gone too; without a driver, nothing is offered.
    """
    own = str((nodes.get("labels") or {}).get(_CLASSIC_DRIVER, "")) == "true"
    return driver_of(nodes) != "INSTALLATION_DISABLED" and not own


def _networks(
    api: CloudApi, inputs: Inputs, nodes: Inputs, found: Machine, cluster: Outputs, zones: tuple[str, ...]
) -> Iterator[str]:
    """Networks of the fabric (cluster-toolkit, examples of each machine; NVIDIA/aicr 1662: a ninth one of A3 Mega)."""
    config = inputs.get("networkConfig") or {}
    further, profile = config.get("additionalNodeNetworkConfigs") or (), config.get("acceleratorNetworkProfile")
    label = (nodes.get("labels") or {}).get(DRANET_LABEL)
    if profile and further:
        yield "acceleratorNetworkProfile and additionalNodeNetworkConfigs are mutually exclusive"
    if profile and str(label) != "true":
        yield f"acceleratorNetworkProfile needs the node label {DRANET_LABEL}: true"
    if (further or profile) and cluster and not cluster.get("enableMultiNetworking") and not profile:
        yield "additional node networks need a cluster with multi-networking"
    if not further:
        return
    if found.networks == 0 and found.chips and not found.is_tpu:
        yield f"{found.name} takes no further network: it has one interface"
    elif found.networks and len(further) != found.networks:
        yield f"{found.name} takes exactly {found.networks} further networks, and {len(further)} are given"
    yield from _fabric(api, further, found, zones)


def _fabric(api: CloudApi, further: Iterable[Inputs], found: Machine, zones: tuple[str, ...]) -> Iterator[str]:
    rdma = 0
    for one in further:
        network = api.find(NETWORK, bare(str(one.get("network"))))
        if network is None:
            return  # not known yet
        profile = last(network.get("networkProfile") or "")
        rdma += bool(profile)
        if profile and zones != (profile.removesuffix("-vpc-roce").removesuffix("-vpc-roce-metal"),):
            there = ", ".join(zones)
            yield f"the network {network.get('name')} is of the zone of its profile {profile}, and the pool of {there}"
        subnet = api.find(SUBNETWORK, bare(str(one.get("subnetwork"))))
        if subnet and last(subnet.get("network")) != last(network.get("name")):
            yield f"the subnetwork {subnet.get('name')} is not one of {network.get('name')}"
    if found.rdma and rdma != found.rdma:
        yield f"{found.name} has {found.rdma} RDMA interfaces, and {rdma} networks are of an RDMA profile"


def _placement(api: CloudApi, inputs: Inputs, found: Machine) -> Iterator[str]:
    """Placement policies (cluster-toolkit, gke-node-pool; XPK bc2b49ae: none of one's own beside a reservation)."""
    policy = inputs.get("placementPolicy") or {}
    nodes = inputs.get("nodeConfig") or {}
    settings = inputs.get("upgradeSettings") or {}
    if policy.get("type") == "COMPACT" and settings.get("strategy") == "BLUE_GREEN":
        yield "compact placement excludes the upgrade strategy BLUE_GREEN"
    family = found.name.partition("-")[0].rstrip("x")
    if policy.get("type") == "COMPACT" and not found.is_tpu and most_count(inputs) > MOST_COMPACT.get(family, 1500):
        yield f"a compact placement of {found.name} has {MOST_COMPACT[family]} nodes at most"
    specific = (nodes.get("reservationAffinity") or {}).get("consumeReservationType") == SPECIFIC
    if specific and policy and not policy.get("policyName") and not found.is_tpu:
        yield "Invalid value for field 'resource.reservationAffinity': its own placement policy beside a reservation"
    if (inputs.get("queuedProvisioning") or {}).get("enabled") and policy and not found.is_tpu:
        yield "queued provisioning of GPUs takes no compact placement"
    if found.name.startswith("a4x-") and found.label == "nvidia-gb200" and not _named_topology(api, policy, "1x72"):
        yield "a4x-highgpu-4g needs a workload policy with the accelerator topology 1x72"
    if found.name.startswith("a4x-") and most_count(inputs) > 18:
        yield f"an NVLink domain of {found.name} has 18 nodes, and the pool {most_count(inputs)}"


def _named_topology(api: CloudApi, policy: Inputs, wanted: str) -> bool:
    named = policy.get("policyName")
    if named is None or is_unknown(named):
        return named is not None
    found = api.find(POLICY, bare(str(named)))
    return found is None or (found.get("workloadPolicy") or {}).get("acceleratorTopology") == wanted


def chips_of(topology: str) -> int:
    return math.prod(int(part) for part in topology.split("x"))


def _slice(inputs: Inputs, found: Machine) -> Iterator[str]:
    """A slice is its pool: all of it, at once, of a legal shape (Google Cloud, "TPUs in GKE"; VCI 545)."""
    policy, scaling = inputs.get("placementPolicy") or {}, inputs.get("autoscaling") or {}
    topology = policy.get("tpuTopology")
    if topology is None or is_unknown(topology):
        if policy.get("policyName") is None and most_count(inputs) > 1 and found.label == "tpu7x":
            yield "a slice of several tpu7x nodes needs a workload policy"
        return
    if not _is_legal(str(topology), found.label):
        yield f"TPU topology {topology} is not one of {found.label}"
        return
    hosts = chips_of(str(topology)) // found.chips
    if hosts <= 1:
        return
    if scaling.get("totalMaxNodeCount"):
        yield f"Maximum node count 0 is not a valid size of TPU pod slice with topology {topology}"
    elif scaling and int(scaling.get("maxNodeCount") or 0) != hosts:
        most = scaling.get("maxNodeCount")
        yield f"Maximum node count {most} is not a valid size of TPU pod slice with topology {topology}: {hosts}"
    elif not scaling and first_count(inputs) != hosts:
        yield f"Node count {first_count(inputs)} is not a valid size of TPU pod slice with topology {topology}: {hosts}"
    elif first_count(inputs) not in (0, hosts):
        yield f"a slice is there whole or not at all: 0 or {hosts} nodes, and {first_count(inputs)} are asked for"
    if scaling and scaling.get("locationPolicy") != "ANY":
        yield "an autoscaled slice of several nodes needs the location policy ANY"


def _is_legal(topology: str, label: str) -> bool:
    if label in FLAT_LABELS:
        return topology in FLAT
    if re.fullmatch(r"\d+x\d+x\d+", topology) is None:
        return False
    sides = [int(one) for one in topology.split("x")]
    fours = all(side % 4 == 0 and side <= 256 for side in sides)
    sorted_enough = label == "tpu-v4-podslice" or sides == sorted(sides)
    cubes = math.prod(side // 4 for side in sides)
    return topology in SMALL_CUBES or topology == "1x1x1" or (fours and sorted_enough and cubes <= CUBES[label])


def _upgrades(inputs: Inputs, cluster: Outputs) -> Iterator[str]:
    """terraform-google-modules/terraform-google-kubernetes-engine 682; no channel block is REGULAR."""
    given, channel = inputs.get("management") or {}, _channel(cluster)
    if cluster and channel and given.get("autoUpgrade") is False:
        yield f"Auto_upgrade cannot be false when release_channel {channel} is set."
    settings = inputs.get("upgradeSettings") or {}
    strategy = settings.get("strategy", "SURGE")
    if strategy not in ("SURGE", "BLUE_GREEN"):  # magic-modules, node_pool.go:465
        yield f'expected upgrade_settings.0.strategy to be one of ["SURGE" "BLUE_GREEN"], got {strategy}'
    surge, away = settings.get("maxSurge"), settings.get("maxUnavailable")
    if strategy == "SURGE" and surge == 0 and away == 0:
        yield "maxSurge and maxUnavailable cannot both be 0"


def _channel(cluster: Outputs) -> str:
    """Its release channel, "" without one."""
    if not cluster:
        return ""
    channel = str((cluster.get("releaseChannel") or {}).get("channel", "REGULAR"))
    return "" if channel == "UNSPECIFIED" else channel
