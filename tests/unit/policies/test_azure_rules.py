"""The checks of the rules for Azure, each on what it forbids and on what it lets pass."""

from datetime import UTC, datetime
from typing import Any

import pytest

from policies import budget_per_hour, expiry_set, no_open_ingress, versions_pinned
from policies.clouds.azure import CLUSTER, NODE_POOL, SECURITY_GROUP, launch, machines, pool
from policies.rule import StackResource
from policies.values import UNKNOWN

NOW = datetime(2027, 1, 1, tzinfo=UTC)
TAGS = {"penstock:expires": "2027-02-01T00:00:00+00:00", "penstock:budget-usd-per-hour": "10"}


def asked(**more: Any) -> dict[str, Any]:
    """Two machines with an A100 each, as numbers are on the wire."""
    return {"vmSize": "Standard_NC24ads_A100_v4", "count": 2.0, "tags": TAGS, "availabilityZones": ["1"], **more}


def stack(**inputs: Any) -> StackResource:
    return StackResource(kind=NODE_POOL, name="train", urn="urn:train", outputs=asked(**inputs))


def test_machines_have_the_price_of_the_cheapest_region() -> None:
    """A pool does not say where it is."""
    price = machines()["Standard_ND96isr_H100_v5"].usd_per_hour
    assert price is not None
    assert 90 < price < 100
    assert not machines()["Standard_D8ds_v5"].accelerators


def test_accelerators_want_an_end() -> None:
    assert list(expiry_set.check(NODE_POOL, asked())) == []
    assert len(list(expiry_set.check(NODE_POOL, asked(tags={})))) == 1


def test_a_budget_is_held_against_all_pools() -> None:
    assert list(budget_per_hour.RULE.check([stack()])) == []
    dear = stack(count=20.0)
    assert len(list(budget_per_hour.RULE.check([dear]))) == 1


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"scaleSetPriority": "Spot"}, "spot"),
        ({"scaleSetPriority": "Regular"}, "on-demand"),
        ({"capacityReservationGroupID": "/g"}, "reservation"),
        ({"scaleSetPriority": UNKNOWN}, UNKNOWN),
    ],
)
def test_the_way_in_which_machines_are_had_is_read(inputs: dict[str, Any], word: Any) -> None:
    found, group = launch(NODE_POOL, asked(**inputs)), pool(NODE_POOL, asked(**inputs))
    assert found is not None
    assert group is not None
    assert found.market == group.capacity == word
    assert found.is_prepaid == ("capacityReservationGroupID" in inputs)


@pytest.mark.parametrize(
    ("profile", "problems"),
    [
        ({"authorizedIPRanges": ["203.0.113.0/24"]}, 0),
        ({"authorizedIPRanges": ["0.0.0.0/0"]}, 1),
        ({}, 1),
        ({"enablePrivateCluster": True}, 0),
        (UNKNOWN, 0),
    ],
)
def test_an_api_server_that_answers_everybody_is_told(profile: Any, problems: int) -> None:
    assert len(list(no_open_ingress.check(CLUSTER, {"apiServerAccessProfile": profile}))) == problems


@pytest.mark.parametrize(("source", "problems"), [("*", 1), ("Internet", 1), ("10.0.0.0/8", 0)])
def test_a_rule_of_a_security_group_that_lets_everybody_in_is_told(source: str, problems: int) -> None:
    rule = {"direction": "Inbound", "access": "Allow", "sourceAddressPrefix": source}
    assert len(list(no_open_ingress.check(SECURITY_GROUP, {"securityRules": [rule]}))) == problems
    closed = {**rule, "access": "Deny"}
    assert list(no_open_ingress.check(SECURITY_GROUP, {"securityRules": [closed]})) == []


def test_cluster_and_pools_name_a_version() -> None:
    assert list(versions_pinned.check(CLUSTER, {"kubernetesVersion": "1.35"})) == []
    assert list(versions_pinned.check(NODE_POOL, asked(orchestratorVersion="1.35"))) == []
    assert len(list(versions_pinned.check(NODE_POOL, asked()))) == 1
