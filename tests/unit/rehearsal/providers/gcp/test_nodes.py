"""Nodes of pools: their number, labels, taints and what they offer."""

from typing import Any

import pytest

from providers.gcp.catalog import machines
from rehearsal.cloud.rules import SimulatedNodes
from rehearsal.field.allocatable import offered
from rehearsal.field.deployed import MachinePool
from rehearsal.providers.gcp.machines import accelerators, machine, size_of
from rehearsal.providers.gcp.node_marks import layers_of, memory_rows
from rehearsal.providers.gcp.nodes import cpu_m, nodes
from tests.unit.rehearsal.providers.gcp.project import NO_RESERVATION, RESERVATION, GcpProject

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
DRIVER = "gpuDriverInstallationConfig"
OWN_PLUGIN = "cloud.google.com/gke-no-default-nvidia-gpu-device-plugin"
SPECIFIC = {
    "consumeReservationType": "SPECIFIC_RESERVATION", "key": "compute.googleapis.com/reservation-name",
    "values": [RESERVATION],
}  # fmt: skip


def group(config: dict[str, Any] | None = None, **inputs: Any) -> SimulatedNodes:
    project = GcpProject()
    project.cluster()
    project.pool(config=config, **inputs)
    (found,) = nodes(project.cloud.account)
    return found


def test_counts_are_of_each_zone() -> None:
    assert group().count == 2
    assert group(nodeLocations=["us-central1-a", "us-central1-b"]).count == 4


def test_nodes_bear_gkes_labels_and_taints_beside_their_own() -> None:
    found = group({"labels": {"pool": "train"}, "taints": [{"key": "mine", "value": "x", "effect": "NO_EXECUTE"}]})
    expected = {
        "pool": "train", "cloud.google.com/gke-nodepool": "train", "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-spot": "true", "topology.kubernetes.io/zone": "us-central1-a",
        "topology.kubernetes.io/region": "us-central1", "node.kubernetes.io/instance-type": "g2-standard-48",
    }  # fmt: skip
    assert expected.items() <= found.labels.items()
    assert found.taints == ({"key": "mine", "value": "x", "effect": "NoExecute"}, GPU_TAINT)
    assert found.allocatable["nvidia.com/gpu"] == 4


@pytest.mark.parametrize(
    ("version", "labels", "offers"),
    [
        (None, {}, True),
        ("LATEST", {}, True),
        ("INSTALLATION_DISABLED", {}, False),
        ("DEFAULT", {OWN_PLUGIN: "true"}, False),
        ("INSTALLATION_DISABLED", {OWN_PLUGIN: "true"}, False),
    ],
)
def test_without_gkes_driver_no_device_is_offered(version: str | None, labels: dict[str, str], offers: bool) -> None:
    chips = {"type": "nvidia-l4", "count": 4, **({DRIVER: {"gpuDriverVersion": version}} if version else {})}
    found = group({"guestAccelerators": [chips], "labels": labels})
    assert ("nvidia.com/gpu" in found.allocatable) is offers


def test_a_slice_has_the_labels_and_taint_of_tpus_and_no_layers() -> None:
    found = group(
        {"machineType": "ct6e-standard-4t", "diskType": "hyperdisk-balanced"}, nodeCount=4,
        placementPolicy={"type": "COMPACT", "tpuTopology": "4x4"},
    )  # fmt: skip
    assert found.labels["cloud.google.com/gke-tpu-accelerator"] == "tpu-v6e-slice"
    assert found.labels["cloud.google.com/gke-tpu-topology"] == "4x4"
    assert found.taints == ({"key": "google.com/tpu", "value": "present", "effect": "NoSchedule"},)
    assert found.allocatable["google.com/tpu"] == 4
    assert not [key for key in found.labels if "gce-topology" in key]


def test_machines_that_are_placed_close_are_labelled_too() -> None:
    close = {"nodeConfig": {"machineType": "a4-highgpu-8g"}, "placementPolicy": {"type": "COMPACT"}}
    assert layers_of(close, machine("a4-highgpu-8g")) == 3
    assert layers_of({**close, "placementPolicy": {}}, machine("a4-highgpu-8g")) == 0


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        ({"machineType": "a4-highgpu-8g", "spot": None, "reservationAffinity": SPECIFIC}, 3),
        ({"machineType": "a4-highgpu-8g", "reservationAffinity": NO_RESERVATION}, 0),
        ({"machineType": "g2-standard-48", "spot": None, "reservationAffinity": SPECIFIC}, 0),
    ],
)
def test_only_dense_machines_are_labelled_with_layers_of_the_network(config: dict[str, Any], layers: int) -> None:
    found = group({key: value for key, value in config.items() if value is not None} | {"spot": config.get("spot")})
    assert len([key for key in found.labels if key.startswith("cloud.google.com/gce-topology-")]) == layers


def test_queued_nodes_are_tainted_and_arm_ones_too() -> None:
    queued = group(
        nodeCount=None, queuedProvisioning={"enabled": True}, autoscaling={"minNodeCount": 0, "maxNodeCount": 2}
    )
    assert queued.count == 0
    assert {"key": "cloud.google.com/gke-queued", "value": "true", "effect": "NoSchedule"} in queued.taints


@pytest.mark.parametrize("name", sorted(memory_rows()))
def test_a_node_offers_no_more_than_gkes_rules_leave(name: str) -> None:
    """The rules' column, within 0.3 % of the formula fitted to nodes that were printed."""
    gib, ask_gib = memory_rows()[name]
    found = offered("gcp", MachinePool(name="", machine_type=name), size_of(name))
    assert found
    assert abs(found.memory_ki / 1024**2 - gib) <= max(0.003 * gib, 0.15)
    assert ask_gib < gib


def test_huge_pages_leave_what_is_offered() -> None:
    plain = group()
    paged = group({"linuxNodeConfig": {"hugepagesConfig": {"hugepageSize2m": 4096}}})
    less = int(plain.allocatable["memory"][:-2]) - int(paged.allocatable["memory"][:-2])
    assert (less, paged.allocatable["hugepages-2Mi"]) == (8192 * 1024, "8192Mi")


@pytest.mark.parametrize(("vcpus", "left"), [(4, 3920), (8, 7910), (48, 47810), (208, 207410), (224, 223370)])
def test_processors_that_gke_leaves(vcpus: int, left: int) -> None:
    assert cpu_m(vcpus) == left


def test_the_rows_here_and_the_planners_agree_on_every_accelerator_machine() -> None:
    """Two readings of the same pages: what differs is wrong in one of them."""
    for name, mine in accelerators().items():
        theirs = machines().get(name)
        assert theirs, f"{name} has no row in providers/gcp"
        told = (theirs.cores, float(theirs.memory_gib), theirs.accelerator_count)
        assert told == (mine.vcpus, mine.memory_gib, mine.chips), name


def test_general_machines_are_known_by_their_names() -> None:
    small, big = machine("e2-standard-4"), machine("n2-highmem-16")
    assert small
    assert big
    assert (small.vcpus, small.memory_gib, big.vcpus, big.memory_gib) == (4, 16.0, 16, 128.0)
    assert machine("e9-standard-4") is None
