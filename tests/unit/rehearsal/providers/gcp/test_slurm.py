"""Cluster Director's simulated service: what it refuses, what it tells, and what a change does."""

import copy
from typing import Any

import pytest

from rehearsal.cloud.account import Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.gcp.capacity import demand
from rehearsal.providers.gcp.names import BUCKET, DIRECTOR, FILESTORE
from rehearsal.providers.gcp.prices import price
from tests.unit.rehearsal.providers.gcp.project import PROJECT, REGION, RESERVATION, ZONE, GcpProject

DISK = {"sizeGb": "100", "type": "pd-balanced"}
HOME = [{"id": "home", "localMount": "/home"}]
GPUS = {"machineType": "a3-ultragpu-8g", "zone": ZONE}


class Site(GcpProject):
    """A project with what a cluster is made in."""

    def __init__(self, **faults: Any) -> None:
        super().__init__(standing=True, **faults)
        self.net = self.network()
        self.subnet = self.subnetwork(self.net)
        self.filestore = self.make(
            FILESTORE, "home", location=ZONE, tier="ZONAL", fileShares={"name": "shared", "capacityGb": 1024},
            networks=[{"network": self.net.id, "modes": ["MODE_IPV4"], "connectMode": "DIRECT_PEERING"}],
        )  # fmt: skip

    def inputs(self) -> dict[str, Any]:
        """Of one with a node set of two machines."""
        there = {"network": self.net.id, "subnetwork": self.subnet.id}
        return {
            "clusterId": "tiny", "location": REGION, "project": PROJECT,
            "networkResources": [{"id": "network", "config": {"existingNetwork": there}}],
            "storageResources": [{"id": "home", "config": {"existingFilestore": {"filestore": self.filestore.id}}}],
            "computeResources": [
                {"id": "cpu", "config": {"newOnDemandInstances": {"machineType": "n2-standard-2", "zone": ZONE}}}
            ],
            "orchestrator": {"slurm": {
                "loginNodes": {"count": "1", "machineType": "n2-standard-4", "zone": ZONE, "bootDisk": dict(DISK),
                               "storageConfigs": HOME},
                "nodeSets": [{"id": "cpu", "computeId": "cpu", "staticNodeCount": "2", "storageConfigs": HOME,
                              "computeInstance": {"bootDisk": dict(DISK)}}],
                "partitions": [{"id": "work", "nodeSetIds": ["cpu"]}], "defaultPartition": "work",
            }},
        }  # fmt: skip

    def cluster_of(self, inputs: dict[str, Any]) -> Object:
        return self.cloud.create(DIRECTOR, "tiny", inputs, region=REGION)


def at(inputs: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """The inputs with another value at the place, whose steps are separated by spaces; None takes it away."""
    found = copy.deepcopy(inputs)
    here: Any = found
    *steps, final = place.split(" ")
    for step in steps:
        here = here[int(step)] if isinstance(here, list) else here[step]
    if value is None:
        del here[int(final) if isinstance(here, list) else final]
    else:
        here[int(final) if isinstance(here, list) else final] = value
    return found


def test_a_cluster_comes_with_its_login_nodes_and_holds_what_it_stands_in() -> None:
    site = Site()
    made = site.cluster_of(site.inputs())
    login = made.outputs["orchestrator"]["slurm"]["loginNodes"]
    assert login["instances"] == [{"instance": f"projects/{PROJECT}/zones/{ZONE}/instances/tiny-login-001"}]
    assert made.id == f"projects/{PROJECT}/locations/{REGION}/clusters/tiny"
    for held in (site.filestore, site.subnet):
        with pytest.raises(CloudApiError):
            site.delete(held)
    site.delete(made)
    site.delete(site.filestore)


COMPUTE, SLURM = "computeResources 0 config", "orchestrator slurm"


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("clusterId", "gcp-slurm", "1 to 10 lowercase letters and numbers"),
        ("networkResources", [], "exactly one value"),
        (COMPUTE, {"newSpotInstances": GPUS, "newOnDemandInstances": GPUS}, "one of its members set, and has 2"),
        (COMPUTE, {"newOnDemandInstances": GPUS}, "newOnDemandInstances is not supported for machine type a3-ultra"),
        (COMPUTE, {"newSpotInstances": {"machineType": "g2-standard-24", "zone": ZONE}}, "g2-standard-24 is not supp"),
        (COMPUTE, {"newFlexStartInstances": {"machineType": "n2-standard-2", "zone": ZONE, "maxDuration": "60s"}},
         "newFlexStartInstances is not supported"),
        (COMPUTE, {"newFlexStartInstances": {**GPUS, "maxDuration": "604801s"}}, "is no time to 604800s"),
        (COMPUTE, {"newReservedInstances": {"reservation": RESERVATION}}, "is not projects/P/zones/Z"),
        (COMPUTE, {"newReservedInstances": {"reservation": f"projects/{PROJECT}/zones/{ZONE}/reservations/gone"}},
         "not found"),
        (COMPUTE, {"newSpotInstances": GPUS}, "pd-balanced disk type cannot be used by a3-ultragpu-8g"),
        (COMPUTE, {"newOnDemandInstances": {"machineType": "n2-standard-2", "zone": "us-central1-b"}}, "must match"),
        (COMPUTE, {"newOnDemandInstances": {"machineType": "n2-standard-2", "zone": "us-east1-b"}}, "same region"),
        (f"{SLURM} loginNodes machineType", "e2-standard-4", "must be an N2 standard machine type"),
        (f"{SLURM} loginNodes machineType", "n2-standard-48", "with 32 or fewer vCPUs"),
        (f"{SLURM} loginNodes bootDisk", {**DISK, "sizeGb": "5"}, "at least 10"),
        (f"{SLURM} loginNodes storageConfigs 0 id", "other", "'other' must match a key in storageResources"),
        (f"{SLURM} nodeSets 0 computeId", "gpu", "'gpu' must match a key in computeResources"),
        (f"{SLURM} partitions 0 nodeSetIds", ["gpu"], "nodeSetIds must match SlurmNodeSet.id"),
        (f"{SLURM} defaultPartition", "other", "must match the id of one of the partitions"),
        (f"{SLURM} loginNodes count", None, "count"),
        (f"{SLURM} loginNodes serviceAccount", "a@b", "serviceAccount"),
    ],
)  # fmt: skip
def test_what_the_service_or_its_description_forbids_is_refused(place: str, value: Any, words: str) -> None:
    site = Site()
    with pytest.raises(CloudApiError) as refused:
        site.cluster_of(at(site.inputs(), place, value))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (f"{SLURM} nodeSets 0 staticNodeCount", "3"),
        (f"{SLURM} loginNodes count", "2"),
        (f"{SLURM} loginNodes machineType", "n2-standard-8"),
        ("labels", {"team": "a"}),
    ],
)
def test_sizes_and_labels_change_in_place(place: str, value: Any) -> None:
    site = Site()
    made = site.cluster_of({**site.inputs(), "labels": {}})
    site.change(made, **at({**site.inputs(), "labels": {}}, place, value))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (f"{COMPUTE} newOnDemandInstances machineType", "n2-standard-4", "computeResources.cpu.config is immutable"),
        (f"{SLURM} nodeSets 0 computeInstance bootDisk sizeGb", "200", "nodeSets.cpu.computeInstance.bootDisk is immu"),
        (f"{SLURM} loginNodes bootDisk sizeGb", "200", "loginNodes.bootDisk is immutable"),
    ],
)
def test_what_is_immutable_is_not_changed_under_its_own_id(place: str, value: Any, words: str) -> None:
    site = Site()
    made = site.cluster_of(site.inputs())
    with pytest.raises(CloudApiError) as refused:
        site.change(made, **at(site.inputs(), place, value))
    assert words in str(refused.value)


def test_other_machines_come_under_another_id() -> None:
    site = Site()
    made = site.cluster_of(site.inputs())
    other = at(site.inputs(), f"{COMPUTE} newOnDemandInstances machineType", "n2-standard-4")
    for place in ("computeResources 0 id", f"{SLURM} nodeSets 0 computeId", f"{SLURM} nodeSets 0 id"):
        other = at(other, place, "cputwo")
    other = at(other, f"{SLURM} partitions 0 nodeSetIds", ["cputwo"])
    assert site.change(made, **other).id == made.id


def test_machines_of_a_reservation_that_stands_there_are_taken() -> None:
    site = Site()
    held = {"newReservedInstances": {"reservation": f"projects/{PROJECT}/zones/{ZONE}/reservations/big"}}
    site.cluster_of(at(site.inputs(), COMPUTE, held))


def test_two_partitions_need_a_default() -> None:
    site = Site()
    two = [{"id": "work", "nodeSetIds": ["cpu"]}, {"id": "night", "nodeSetIds": ["cpu"]}]
    inputs = at(at(site.inputs(), f"{SLURM} partitions", two), f"{SLURM} defaultPartition", None)
    with pytest.raises(CloudApiError, match="defaultPartition None must match"):
        site.cluster_of(inputs)


def test_a_store_that_is_not_there_is_refused() -> None:
    site = Site()
    gone = [{"id": "home", "config": {"existingBucket": {"bucket": "none"}}}]
    with pytest.raises(CloudApiError):
        site.cluster_of(at(site.inputs(), "storageResources", gone))
    site.make(BUCKET, "data", location="US")
    site.cluster_of(at(site.inputs(), "storageResources 0 config", {"existingBucket": {"bucket": "data"}}))


def test_login_nodes_are_asked_for_and_static_nodes_have_a_price() -> None:
    """A node set whose machines are not to be had does not fail its cluster."""
    site = Site()
    asked = demand(site.cloud.account, DIRECTOR, site.inputs())
    assert asked is not None
    assert (asked.machine_types, asked.count, asked.zones) == (("n2-standard-4",), 1, (ZONE,))
    made = site.cluster_of(site.inputs())
    cost = price(site.cloud.account, made)
    assert cost is not None
    assert float(cost) == pytest.approx(0.194236 + 2 * 0.097118)
    gpus = at(site.inputs(), COMPUTE, {"newSpotInstances": GPUS})
    unknown = Object(
        token=DIRECTOR, id="x", called="x", region=REGION, inputs=gpus, outputs={}, status=made.status
    )  # fmt: skip
    assert price(site.cloud.account, unknown) is None
