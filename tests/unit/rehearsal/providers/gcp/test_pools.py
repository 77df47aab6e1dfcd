"""Node pools that GKE refuses: each rule by one pool that breaks it, beside one that does not."""

import re
from typing import Any

import pytest

from rehearsal.cloud.errors import CloudApiError
from tests.unit.rehearsal.providers.gcp.project import NO_RESERVATION, RESERVATION, ZONE, GcpProject

SPECIFIC = {
    "consumeReservationType": "SPECIFIC_RESERVATION", "key": "compute.googleapis.com/reservation-name",
    "values": [RESERVATION],
}  # fmt: skip
TPU = {"machineType": "ct6e-standard-4t", "spot": None, "diskType": "hyperdisk-balanced"}
FLEX = {
    "machineType": "g2-standard-48", "spot": None, "flexStart": True, "maxRunDuration": "604800s",
    "reservationAffinity": NO_RESERVATION,
}  # fmt: skip
SCALED: dict[str, Any] = {
    "nodeCount": None, "autoscaling": {"minNodeCount": 0, "maxNodeCount": 2, "locationPolicy": "ANY"},
    "management": {"autoRepair": False, "autoUpgrade": True},
}  # fmt: skip
SLICE: dict[str, Any] = {"placementPolicy": {"type": "COMPACT", "tpuTopology": "4x4"}, "nodeCount": 4}
L4 = {"type": "nvidia-l4", "count": 4}


@pytest.fixture(scope="module")
def project() -> GcpProject:
    made = GcpProject()
    made.cluster()
    return made


@pytest.mark.parametrize(
    ("config", "inputs"),
    [
        ({}, {}),
        ({"guestAccelerators": [L4]}, {}),
        ({"spot": None, "reservationAffinity": SPECIFIC}, {}),
        (
            {"spot": None, "reservationAffinity": {**SPECIFIC, "values": [f"{RESERVATION}/reservationBlocks/b"]}},
            {},
        ),
        (FLEX, SCALED),
        (TPU, SLICE),
        (TPU, {**SCALED, **SLICE, "nodeCount": None, "autoscaling": {**SCALED["autoscaling"], "maxNodeCount": 4}}),
        ({**TPU, "machineType": "tpu7x-standard-4t"}, {"placementPolicy": {"tpuTopology": "4x4x8"}, "nodeCount": 32}),
    ],
)
def test_a_legal_pool_is_made(config: dict[str, Any], inputs: dict[str, Any]) -> None:
    project = GcpProject()
    project.cloud.account._existing.add(f"{RESERVATION}/reservationBlocks/b")
    project.cluster()
    assert project.pool(config=config, **inputs).outputs["version"]


@pytest.mark.parametrize(
    ("config", "inputs", "message"),
    [
        ({"machineType": "g2-standard-5"}, {}, f"Invalid machine type g2-standard-5 in zone {ZONE}"),
        (
            {"machineType": "a4-highgpu-8g", "diskType": "pd-ssd"},
            {},
            "pd-ssd disk type cannot be used by a4-highgpu-8g",
        ),
        ({"diskType": "hyperdisk-balanced"}, {}, "hyperdisk-balanced disk type cannot be used by g2-standard-48"),
        ({"reservationAffinity": None}, {}, "Spot requires reservation affinity to be set to none"),
        ({**FLEX, "reservationAffinity": None}, SCALED, "Flex_start requires reservation affinity to be set to none"),
        ({**FLEX, "spot": True}, SCALED, "spot and flex start exclude each other"),
        ({**FLEX, "maxRunDuration": "700000s"}, SCALED, "maxRunDuration '700000s' is not a number of seconds up to"),
        (FLEX, {"management": {"autoRepair": False}}, "need autoscaling"),
        (FLEX, {**SCALED, "autoscaling": {**SCALED["autoscaling"], "minNodeCount": 1}}, "the least is 0"),
        (FLEX, {**SCALED, "autoscaling": {"maxNodeCount": 2}}, "flex start needs the location policy ANY"),
        (FLEX, {**SCALED, "upgradeSettings": {"maxSurge": 1}}, "not upgraded by surge or blue-green"),
        (FLEX, {**SCALED, "management": {"autoRepair": True}}, "do not support auto-repair"),
        (
            {"spot": None, "reservationAffinity": None},
            {**SCALED, "queuedProvisioning": {"enabled": True}},
            "Queued_provisioning requires reservation affinity to be set to none",
        ),
        (
            {"spot": None, "reservationAffinity": {**SPECIFIC, "values": ["big"]}},
            {},
            'reservation "big" not found for node pool: name it projects/P/reservations/R',
        ),
        (
            {"spot": None, "reservationAffinity": {**SPECIFIC, "key": "name"}},
            {},
            "reservationAffinity.key must be compute.googleapis.com/reservation-name",
        ),
        (
            {"spot": None, "reservationAffinity": SPECIFIC},
            {"placementPolicy": {"type": "COMPACT"}},
            "its own placement policy beside a reservation",
        ),
        ({"guestAccelerators": [{**L4, "count": 2}]}, {}, "Accelerator count 2 is not that of g2-standard-48, 4"),
        ({"guestAccelerators": [{**L4, "type": "l4"}]}, {}, "Accelerator type 'l4' is not that of g2-standard-48"),
        ({"machineType": "a3-ultragpu-8g"}, {"networkConfig": {"additionalNodeNetworkConfigs": [{}]}}, "exactly 9"),
        ({}, {"networkConfig": {"additionalNodeNetworkConfigs": [{}]}}, "takes no further network"),
        (
            {},
            {"networkConfig": {"acceleratorNetworkProfile": "auto"}},
            "acceleratorNetworkProfile needs the node label cloud.google.com/gke-networking-dra-driver",
        ),
        (
            {},
            {"placementPolicy": {"type": "COMPACT"}, "upgradeSettings": {"strategy": "BLUE_GREEN"}},
            "compact placement excludes the upgrade strategy BLUE_GREEN",
        ),
        ({"machineType": "a4x-highgpu-4g"}, {}, "needs a workload policy with the accelerator topology 1x72"),
        ({"machineType": "a4x-highgpu-4g"}, {"nodeCount": 19}, "an NVLink domain of a4x-highgpu-4g has 18 nodes"),
        (TPU, {**SLICE, "nodeCount": 3}, "Node count 3 is not a valid size of TPU pod slice with topology 4x4: 4"),
        (
            TPU,
            {**SCALED, **SLICE, "nodeCount": None, "autoscaling": {"totalMaxNodeCount": 4, "locationPolicy": "ANY"}},
            "Maximum node count 0 is not a valid size of TPU pod slice with topology 4x4",
        ),
        (TPU, {**SCALED, **SLICE, "nodeCount": None}, "Maximum node count 2 is not a valid size of TPU pod slice"),
        (TPU, {**SLICE, "placementPolicy": {"tpuTopology": "4x6"}}, "TPU topology 4x6 is not one of tpu-v6e-slice"),
        (
            {**TPU, "machineType": "ct5p-hightpu-4t", "diskType": None},
            {"placementPolicy": {"tpuTopology": "8x4x4"}, "nodeCount": 32},
            "TPU topology 8x4x4 is not one of tpu-v5p-slice",
        ),
        (
            {},
            {"management": {"autoUpgrade": False}},
            "Auto_upgrade cannot be false when release_channel REGULAR is set.",
        ),
        ({}, {"upgradeSettings": {"strategy": "SHORT_LIVED"}}, "to be one of ['SURGE' 'BLUE_GREEN']".replace("'", '"')),
        ({}, {"upgradeSettings": {"maxSurge": 0, "maxUnavailable": 0}}, "maxSurge and maxUnavailable cannot both be 0"),
        ({"resourceLabels": {"penstock:expires": "2026"}}, {}, "Invalid resource label: penstock:expires=2026"),
    ],
)
def test_what_gke_refuses(project: GcpProject, config: dict[str, Any], inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(CloudApiError, match=re.escape(message)):
        project.pool(config=config, **inputs)
    assert not [one for one in project.cloud.account.objects() if one.token.endswith("NodePool")]


def test_networks_of_a_pool_are_of_its_zone_and_kind() -> None:
    project = GcpProject()
    project.cluster()
    plain = project.network("gvnic", mtu=8896)
    rdma = project.network("rdma", mtu=8896, networkProfile="projects/p/global/networkProfiles/us-central1-b-vpc-roce")
    first = project.subnetwork(plain, "gvnic-1")
    rails = [project.subnetwork(rdma, f"rdma-{rail}", ipCidrRange=f"10.9.{rail}.0/24") for rail in range(8)]
    further = [{"network": plain.id, "subnetwork": first.id}]
    further += [{"network": rdma.id, "subnetwork": rail.id} for rail in rails]
    config = {"machineType": "a3-ultragpu-8g"}
    with pytest.raises(CloudApiError, match="of the zone of its profile us-central1-b-vpc-roce"):
        project.pool(config=config, networkConfig={"additionalNodeNetworkConfigs": further})
    moved = project.pool(
        config=config, networkConfig={"additionalNodeNetworkConfigs": further}, nodeLocations=["us-central1-b"]
    )
    assert len(moved.blocks_deletion_of) == 1 + 2 + 9
    swapped = [*further[1:], {"network": plain.id, "subnetwork": rails[0].id}]
    with pytest.raises(CloudApiError, match="the subnetwork rdma-0 is not one of gvnic"):
        project.pool(
            "b", config=config, networkConfig={"additionalNodeNetworkConfigs": swapped}, nodeLocations=["us-central1-b"]
        )
