"""The checks of the rules for Google Cloud, each on what it forbids and on what it lets pass."""

from datetime import UTC, datetime
from typing import Any

import pytest

from policies import (
    budget_per_hour,
    expiry_set,
    fabric_in_one_zone,
    no_open_ingress,
    placement_consistent,
    reservation_targeted,
    versions_pinned,
)
from policies.clouds.gcp import ARMOR, BACKEND_SERVICE, CLUSTER, DIRECTOR, FIREWALL, NODE_POOL, machines
from policies.rule import StackResource
from policies.values import UNKNOWN

NOW = datetime(2027, 1, 1, tzinfo=UTC)
RESERVATION = "projects/p/reservations/big"
RESERVED = {"consumeReservationType": "SPECIFIC_RESERVATION", "values": [RESERVATION]}
LABELS = {"penstock-expires": "20270201t0000z", "penstock-budget-cents-h": "1000"}


def pool(*, affinity: dict[str, Any] | None = None, labels: Any = None, **more: Any) -> dict[str, Any]:
    """Of two g2-standard-48, as numbers are on the wire."""
    nodes: dict[str, Any] = {"machineType": "g2-standard-48", "resourceLabels": LABELS if labels is None else labels}
    if affinity is not None:
        nodes["reservationAffinity"] = affinity
    return {"nodeConfig": nodes, "nodeCount": 2.0, "nodeLocations": ["us-central1-a"], **more}


def stack(**inputs: Any) -> StackResource:
    return StackResource(kind=NODE_POOL, name="train", urn="urn:train", outputs=pool(**inputs))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS, ""),
        ({}, "it starts g2-standard-48 and has no tag"),
        ({"penstock-expires": "20260101t0000z"}, "it expired at 2026-01-01T00:00+00:00"),
        ({"penstock-expires": "tomorrow"}, "which is not a time"),
        (UNKNOWN, ""),
    ],
)
def test_accelerators_have_a_time_to_be_gone(labels: Any, message: str) -> None:
    found = list(expiry_set.check(NODE_POOL, pool(labels=labels), NOW))
    assert (len(found) == 1 and message in found[0]) if message else not found


def test_machines_cost_no_more_than_the_label_of_the_budget_says() -> None:
    """Two of $4.00 and more, in each zone."""
    assert machines()["g2-standard-48"].usd_per_hour
    assert list(budget_per_hour.check([stack(labels={**LABELS, "penstock-budget-cents-h": "100000"})])) == []
    ((_, message),) = budget_per_hour.check([stack(labels={**LABELS, "penstock-budget-cents-h": "100"})])
    assert "the budget is $1.00" in message
    both = {"nodeLocations": ["us-central1-a", "us-central1-b"]}
    one, two = (next(budget_per_hour.check([stack(labels={"penstock-budget-cents-h": "1"}, **x)])) for x in ({}, both))
    assert one[1] != two[1]


@pytest.mark.parametrize(
    ("affinity", "message"),
    [
        (RESERVED, ""),
        ({"consumeReservationType": "NO_RESERVATION"}, ""),
        (None, ""),
        ({"consumeReservationType": "SPECIFIC_RESERVATION"}, "names none"),
        ({**RESERVED, "consumeReservationType": "ANY_RESERVATION"}, "which lets machines start outside it"),
    ],
)
def test_a_reservation_is_named_and_kept_to(affinity: dict[str, Any] | None, message: str) -> None:
    found = list(reservation_targeted.check(NODE_POOL, pool(affinity=affinity)))
    assert (len(found) == 1 and message in found[0]) if message else not found


def test_a_reservation_places_its_machines_itself() -> None:
    compact = {"placementPolicy": {"type": "COMPACT"}}
    assert list(placement_consistent.check(NODE_POOL, pool(affinity=RESERVED, **compact)))
    named = {"placementPolicy": {"type": "COMPACT", "policyName": "nvl72"}}
    assert not list(placement_consistent.check(NODE_POOL, pool(affinity=RESERVED, **named)))
    assert not list(placement_consistent.check(NODE_POOL, pool(**compact)))


def test_a_placement_is_in_one_zone() -> None:
    compact = {"placementPolicy": {"type": "COMPACT"}}
    assert list(fabric_in_one_zone.check([stack(**compact)])) == []
    ((_, message),) = fabric_in_one_zone.check([stack(**compact, nodeLocations=["us-central1-a", "us-central1-b"])])
    assert "us-central1-a, us-central1-b" in message


@pytest.mark.parametrize(
    ("kind", "inputs", "is_open"),
    [
        (FIREWALL, {"allows": [{"protocol": "tcp"}], "sourceRanges": ["10.0.0.0/8"]}, False),
        (FIREWALL, {"allows": [{"protocol": "tcp"}], "sourceRanges": ["0.0.0.0/0"]}, True),
        (FIREWALL, {"allows": [{"protocol": "tcp"}]}, True),
        (FIREWALL, {"allows": [{"protocol": "tcp"}], "sourceTags": ["nodes"]}, False),
        (FIREWALL, {"allows": [{"protocol": "tcp"}], "direction": "EGRESS"}, False),
        (FIREWALL, {"denies": [{"protocol": "all"}], "sourceRanges": ["0.0.0.0/0"]}, False),
        (CLUSTER, {}, True),
        (CLUSTER, {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}}, False),
        (CLUSTER, {"privateClusterConfig": {"enablePrivateEndpoint": True}}, False),
        (CLUSTER, {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "198.51.100.0/24"}]}}, False),
        (CLUSTER, {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}}, True),
        (CLUSTER, {"masterAuthorizedNetworksConfig": {}}, False),
        (BACKEND_SERVICE, {"loadBalancingScheme": "EXTERNAL_MANAGED"}, True),
        (BACKEND_SERVICE, {"loadBalancingScheme": "EXTERNAL_MANAGED", "securityPolicy": UNKNOWN}, False),
        (BACKEND_SERVICE, {"loadBalancingScheme": "INTERNAL_MANAGED"}, False),
        (ARMOR, {"rules": [{"action": "allow", "match": {"config": {"srcIpRanges": ["*"]}}}]}, True),
        (ARMOR, {"rules": [{"action": "deny(403)", "match": {"config": {"srcIpRanges": ["*"]}}}]}, False),
        (ARMOR, {"rules": [{"action": "allow", "match": {"config": {"srcIpRanges": ["203.0.113.0/24"]}}}]}, False),
    ],
)
def test_nobody_from_everywhere_is_let_in(kind: str, inputs: dict[str, Any], is_open: bool) -> None:
    assert bool(list(no_open_ingress.check(kind, inputs))) is is_open


def test_a_least_version_is_one_and_not_latest() -> None:
    assert not list(versions_pinned.check(CLUSTER, {"minMasterVersion": "1.35"}))
    assert list(versions_pinned.check(CLUSTER, {"minMasterVersion": "latest"}))


def slurm(*, public: Any = False, labels: Any = None, **config: Any) -> dict[str, Any]:
    """Of processors beside machines with GPUs, in this order."""
    gpus = config or {"newSpotInstances": {"machineType": "a3-ultragpu-8g"}}
    instance = {"labels": LABELS if labels is None else labels}
    return {
        "computeResources": [
            {"id": "cpu", "config": {"newOnDemandInstances": {"machineType": "n2-standard-2"}}},
            {"id": "gpu", "config": gpus},
        ],
        "orchestrator": {
            "slurm": {"loginNodes": {"enablePublicIps": public}, "nodeSets": [{"computeInstance": instance}]}
        },
    }  # fmt: skip


@pytest.mark.parametrize(("public", "is_open"), [(False, False), (None, False), (True, True), (UNKNOWN, True)])
def test_login_nodes_of_slurm_have_no_public_address(public: Any, is_open: bool) -> None:
    found = list(no_open_ingress.check(DIRECTOR, slurm(public=public)))
    assert found == (["ssh of login nodes is open to the internet, as loginNodes.enablePublicIps is empty"] * is_open)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, ""),
        ({"labels": {}}, "it starts a3-ultragpu-8g and has no tag"),
        ({"labels": {"penstock-expires": "20260101t0000z"}}, "it expired at"),
        ({"labels": {}, "newReservedInstances": {"reservation": "r"}}, ""),
    ],
)
def test_accelerators_of_slurm_have_a_time_to_be_gone(inputs: dict[str, Any], message: str) -> None:
    """Of a reservation the cluster names no machine type."""
    found = list(expiry_set.check(DIRECTOR, slurm(**inputs), NOW))
    assert (len(found) == 1 and message in found[0]) if message else not found


@pytest.mark.parametrize(("named", "is_wrong"), [("projects/p/zones/z/reservations/r", False), (None, True)])
def test_slurms_machines_of_a_reservation_name_it(named: str | None, is_wrong: bool) -> None:
    only = slurm(newReservedInstances={"reservation": named})
    only["computeResources"] = only["computeResources"][1:]
    assert bool(list(reservation_targeted.check(DIRECTOR, only))) == is_wrong


@pytest.mark.parametrize(("cents", "is_over"), [("20000", False), ("10", True)])
def test_machines_of_slurm_that_always_run_cost_no_more_than_its_budget(cents: str, is_over: bool) -> None:
    """Two of a3-megagpu-8g at list price, as spot machines have none that is known."""
    inputs = slurm(
        labels={**LABELS, "penstock-budget-cents-h": cents}, newSpotInstances={"machineType": "a3-megagpu-8g"}
    )
    inputs["orchestrator"]["slurm"]["nodeSets"][0] |= {"computeId": "gpu", "staticNodeCount": "2"}
    found = list(budget_per_hour.check([StackResource(kind=DIRECTOR, name="s", urn="urn:s", outputs=inputs)]))
    assert bool(found) == is_over
