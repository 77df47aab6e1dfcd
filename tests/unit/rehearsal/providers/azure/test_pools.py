"""Node pools: each rule of AKS by one pool that breaks it, beside those that do not; and what changes do to a pool."""

import re
from typing import Any

import pytest

from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.azure import names
from tests.unit.rehearsal.providers.azure.subscription import GROUP, H100, T4, Subscription

SPOT: dict[str, Any] = {
    "vmSize": T4, "scaleSetPriority": "Spot", "scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1.0,
    "osDiskSizeGB": 128, "availabilityZones": None, "upgradeSettings": None,
}  # fmt: skip
SCALED: dict[str, Any] = {**SPOT, "enableAutoScaling": True, "minCount": 1, "maxCount": 4, "count": 1}


@pytest.fixture(scope="module")
def there() -> Subscription:
    made = Subscription()
    made.cluster()
    return made


@pytest.mark.parametrize(
    "inputs",
    [{}, SPOT, SCALED, {"availabilityZones": None}, {"count": 100}, {"count": 0},
     {"vmSize": "Standard_NC40ads_H100_v5", "gpuInstanceProfile": "MIG1g"},
     {"orchestratorVersion": "1.34"}, {"vmSize": "Standard_E8ds_v5", "osDiskSizeGB": 128},
     {"gpuProfile": {"driver": "None"}}],
)  # fmt: skip
def test_a_legal_pool_is_made(inputs: dict[str, Any]) -> None:
    made = Subscription()
    made.cluster()
    assert made.pool(**inputs).outputs["type"] == "Microsoft.ContainerService/managedClusters/agentPools"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"vmSize": "Standard_ND96_H100"}, "The VM size of Standard_ND96_H100 is not allowed in your subscription"),
        ({"availabilityZones": ["1", "2"]}, "placed in a single placement group, which lies in one zone"),
        ({"availabilityZones": ["4"]}, "SkuNotAvailable"),
        ({"type": None}, "availabilityZones is not supported on a pool of type VirtualMachines"),
        ({"type": "VirtualMachines"}, "availabilityZones is not supported on a pool of type VirtualMachines"),
        ({"count": 101}, "takes 100 instances at most"),
        ({"count": None}, "Required parameter properties.count is missing (null)"),
        ({**SCALED, "maxCount": None}, "minCount and maxCount are required with enableAutoScaling"),
        ({**SCALED, "count": 7}, "count 7 is not between minCount 1 and maxCount 4"),
        ({"minCount": 1}, "must not be set without enableAutoScaling"),
        ({"mode": "System", "count": 0, "upgradeSettings": None}, "must have at least one node"),
        ({"vmSize": T4, "osDiskSizeGB": 512}, "temp disk size of 180 GB, but the OS disk requires 512 GB"),
        ({"scaleDownMode": "Deallocate"}, "Deallocate is not supported with ephemeral OS disks"),
        ({"maxPods": 300}, "maxPods 300 is not between 10 and 250"),
        ({**SPOT, "mode": "System"}, "A Spot node pool cannot be a system node pool"),
        ({"spotMaxPrice": 2.0}, "taken of Spot node pools alone"),
        ({"nodeLabels": {"kubernetes.azure.com/x": "y"}}, "reserved for AKS"),
        ({"nodeTaints": ["nvidia.com/gpu=present"]}, "Taint nvidia.com/gpu=present is invalid"),
        ({"upgradeSettings": {"maxSurge": "0"}}, "maxSurge and maxUnavailable cannot both be 0"),
        ({"mode": "System"}, "maxUnavailable is not supported on system node pools"),
        ({"orchestratorVersion": "1.36"}, "is greater than the control plane's"),
        ({"orchestratorVersion": "1.32"}, "more than two minor versions behind"),
        ({"vmSize": T4, "osDiskSizeGB": 128, "gpuInstanceProfile": "MIG1g"}, "GPUInstanceProfile is not supported"),
        ({"osSKU": "Ubuntu2404"}, "osSKU: 'Ubuntu2404' is not one of AzureLinux"),
        ({"gpuProfile": {"managementMode": "Managed"}}, "gpuProfile.managementMode is unknown"),
        ({"osDiskSizeGB": "512"}, "osDiskSizeGB: '512' is not a whole number"),
    ],
)  # fmt: skip
def test_what_aks_refuses(there: Subscription, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(CloudApiError, match=re.escape(message)):
        there.pool(**inputs)
    assert not [one for one in there.cloud.account.objects() if one.token == names.POOL]


@pytest.mark.parametrize("name", ["Train", "1train", "train-a", "trainingpool12"])
def test_names_of_pools(there: Subscription, name: str) -> None:
    with pytest.raises(CloudApiError, match=r"agentPoolProfile\.name is invalid"):
        there.pool(name)


def test_a_region_without_zones_takes_none() -> None:
    made = Subscription()
    made.cluster(location="westus")
    with pytest.raises(CloudApiError, match="AvailabilityZoneNotSupported"):
        made.pool()
    assert made.pool(availabilityZones=None)


def test_what_the_service_fills_in() -> None:
    made = Subscription()
    made.cluster()
    told = made.pool(osDiskType=None, osDiskSizeGB=None, maxPods=None, osSKU=None, mode=None).outputs
    assert told["osDiskType"] == "Ephemeral"
    assert (told["maxPods"], told["mode"], told["scaleDownMode"]) == (250, "User", "Delete")
    spot = made.pool("spot", **SPOT).outputs
    assert "kubernetes.azure.com/scalesetpriority=spot:NoSchedule" in spot["nodeTaints"]
    assert spot["nodeLabels"]["kubernetes.azure.com/scalesetpriority"] == "spot"


@pytest.mark.parametrize(
    ("name", "value"),
    [("osDiskSizeGB", 256), ("maxPods", 60), ("availabilityZones", ["2"]), ("gpuProfile", {"driver": "None"}),
     ("linuxOSConfig", {"swapFileSizeMB": 10}), ("enableUltraSSD", True)],
)  # fmt: skip
def test_what_previews_as_an_update_and_is_refused(name: str, value: Any) -> None:
    made = Subscription()
    made.cluster()
    pool = made.pool()
    assert name not in made.cloud.difference(names.POOL, pool.id, pool.inputs, {**pool.inputs, name: value}).replacing
    with pytest.raises(CloudApiError, match="PropertyChangeNotAllowed: Changing property 'properties"):
        made.change(pool, **{name: value})


def test_what_replaces_and_what_is_changed_in_its_place() -> None:
    made = Subscription()
    made.cluster()
    pool = made.pool()
    asked = made.cloud.difference(names.POOL, pool.id, pool.inputs, {**pool.inputs, "vmSize": T4})
    assert asked.replacing == ("vmSize",)
    assert asked.delete_first
    made.change(pool, count=3, nodeLabels={"a": "b"})
    assert pool.outputs["count"] == 3


def test_a_put_takes_away_what_it_does_not_name() -> None:
    made = Subscription()
    made.cluster()
    pool = made.pool(nodeLabels={"ours": "1"})
    made.cloud.change_from_outside(pool, {"tags": {"policy": "theirs"}})
    made.change(pool, nodeLabels={"ours": "2"}, tags=None)
    assert not pool.outputs.get("tags")


def test_a_pool_keeps_its_version_until_its_own_put() -> None:
    made = Subscription()
    cluster = made.cluster(kubernetesVersion="1.34")
    pool = made.pool(orchestratorVersion=None)
    assert pool.outputs["currentOrchestratorVersion"] == "1.34"
    made.change(cluster, kubernetesVersion="1.35")
    assert pool.outputs["currentOrchestratorVersion"] == "1.34"
    made.change(pool, count=3)
    assert pool.outputs["currentOrchestratorVersion"] == "1.34"
    made.change(pool, orchestratorVersion="1.35")
    assert pool.outputs["currentOrchestratorVersion"] == "1.35"


def test_a_pool_of_the_clusters_own_request_is_there_already(there: Subscription) -> None:
    with pytest.raises(CloudApiError, match="cannot create already existing resource"):
        there.pool("system")


def test_a_subnet_that_is_full() -> None:
    made = Subscription()
    cluster = made.cluster()
    subnet = cluster.inputs["agentPoolProfiles"][0]["vnetSubnetID"]
    made.make(
        names.SUBNET, "subnetName", "small", virtualNetworkName="net", addressPrefix="10.224.20.0/28",
        natGateway={"id": "x"},
    )  # fmt: skip
    made.cloud.clock.wait(3.0)
    small = subnet.replace("/nodes", "/small")
    with pytest.raises(CloudApiError, match="Pre-allocated IPs 12 exceeds IPs available 11"):
        made.pool(vnetSubnetID=small, count=12)
    assert made.pool(vnetSubnetID=small, count=11)


def test_a_reservation_takes_no_nd_and_needs_a_right() -> None:
    made = Subscription()
    made.cluster()
    group = made.make(names.RESERVATIONS, "capacityReservationGroupName", "kept")
    parent = {"capacityReservationGroupName": "kept"}
    with pytest.raises(CloudApiError, match="is not supported for capacity reservations"):
        made.make(names.RESERVATION, "capacityReservationName", "a", sku={"name": H100, "capacity": 2}, **parent)
    one = made.make(names.RESERVATION, "capacityReservationName", "a", sku={"name": T4, "capacity": 2}, **parent)
    kept: dict[str, Any] = {"capacityReservationGroupID": group.id}
    with pytest.raises(CloudApiError, match=f"Capacity reservation is not supported for {H100}"):
        made.pool(**kept)
    with pytest.raises(CloudApiError, match="capacityReservationGroups/deploy/action"):
        made.pool(vmSize=T4, osDiskSizeGB=128, **kept)
    with pytest.raises(CloudApiError, match="has reservations: they are deleted first"):
        made.delete(group)
    made.delete(one)
    made.delete(group)


def test_a_pool_lies_in_its_cluster() -> None:
    made = Subscription()
    made.group()
    with pytest.raises(CloudApiError, match="The ManagedCluster 'aks' was not found"):
        made.pool()
    cluster = made.cluster()
    assert made.pool().id == f"{cluster.id}/agentPools/train"
    made.delete(cluster)
    assert not [one for one in made.cloud.account.objects() if one.token == names.POOL]
    assert made.cloud.account.find(names.GROUP, GROUP)
