"""Obstacles that a subscription's own answers show, before anything is created."""

from pathlib import Path
from typing import Any

import pytest

from components.errors import Problem
from providers.azure.plan import AzurePlan
from providers.azure.preflight import WRITES, look
from tests.unit.providers.aws.whole_stacks import changed, planned
from tests.unit.providers.azure.answers import ABSENT, DENIED, Answers
from tests.unit.providers.azure.whole_stacks import GIVEN, NETWORK, STACK, SUBSCRIPTION, TRAIN

ROOT = f"/subscriptions/{SUBSCRIPTION}"
FEATURE = f"GET {ROOT}/providers/Microsoft.Features/providers/Microsoft.ContainerService/features/AKSInfinibandSupport"
PROVIDERS, PERMISSIONS = f"GET {ROOT}/providers", f"GET {ROOT}/providers/Microsoft.Authorization/permissions"
SKUS = f"GET {ROOT}/providers/Microsoft.Compute/skus"
USAGES = f"GET {ROOT}/providers/Microsoft.Compute/locations/eastus2/usages"
CLUSTER = f"GET {ROOT}/resourceGroups/azure-test/providers/Microsoft.ContainerService/managedClusters/azure-test"
NAMES = ("Standard_D4ds_v5", "Standard_ND96isr_H200_v5", "Standard_NC40ads_H100_v5")


def sku(name: str, **more: Any) -> dict[str, Any]:
    where = [{"location": "eastus2", "zones": ["1", "2"]}]
    return {"name": name, "resourceType": "virtualMachines", "locationInfo": where, "restrictions": [], **more}


def usage(name: str, limit: int, used: int = 0) -> dict[str, Any]:
    return {"name": {"value": name}, "limit": limit, "currentValue": used}


LIMITS = [
    usage("cores", 1000), usage("Standard DDSv5 Family", 100), usage("lowPriorityCores", 100),
    usage("standardNDISRH200V5Family", 400),
]  # fmt: skip
GOOD: dict[str, Any] = {
    f"GET {ROOT}": {},
    PROVIDERS: {
        "value": [
            {"namespace": name, "registrationState": "Registered"}
            for name in (
                "microsoft.containerservice", "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage",
                "Microsoft.ManagedIdentity", "Microsoft.ContainerRegistry", "Microsoft.StorageCache",
            )
        ]
    },
    FEATURE: {"properties": {"state": "Registered"}},
    PERMISSIONS: {"value": [{"actions": ["*"], "notActions": []}]},
    SKUS: {"value": [sku(name) for name in NAMES]},
    USAGES: {"value": LIMITS},
}  # fmt: skip


def plan_of(folder: Path, **changes: Any) -> AzurePlan:
    found = planned(changed(changes, STACK), folder, "azure-test").cluster
    assert isinstance(found, AzurePlan)
    return found


def told(plan: AzurePlan, **over: Any) -> list[Problem]:
    return list(look(plan, Answers(GOOD | over)))  # type: ignore[arg-type]


def test_nothing_is_told_of_a_subscription_that_has_all(tmp_path: Path) -> None:
    assert told(plan_of(tmp_path)) == []


def test_a_subscription_that_does_not_answer_is_told_alone(tmp_path: Path) -> None:
    (problem,) = told(plan_of(tmp_path), **{f"GET {ROOT}": DENIED, USAGES: DENIED})
    assert problem.path == "azure.subscription"
    assert "not for your credentials" in problem.message


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({PROVIDERS: {"value": [{"namespace": "Microsoft.Compute", "registrationState": "Registered"}]}},
         ["az provider register", "Microsoft.StorageCache"]),
        ({FEATURE: {"properties": {"state": "NotRegistered"}}}, ["az feature register", "several fabrics"]),
        ({FEATURE: {"properties": {"state": "Registering"}}}, ["wait until it is Registered"]),
        ({PERMISSIONS: {"value": [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}]}},
         [WRITES[0], "Role Based Access Control Administrator"]),
        ({SKUS: {"value": [sku(name) for name in NAMES[:2]]}}, ["eastus2 has no Standard_NC40ads_H100_v5"]),
        ({SKUS: {"value": [sku(NAMES[0]), sku(NAMES[2]), sku(
            NAMES[1], restrictions=[{"type": "Location", "reasonCode": "NotAvailableForSubscription"}])]}},
         ["not open to the subscription"]),
        ({SKUS: {"value": [sku(NAMES[0]), sku(NAMES[2]), sku(
            NAMES[1], restrictions=[{"type": "Zone", "restrictionInfo": {"zones": ["1"]}}])]}},
         ["zone 1 of eastus2 has no", "zones that do: 2"]),
        ({USAGES: {"value": [*LIMITS[:3], usage("standardNDISRH200V5Family", 400, 96)]}},
         ["400, 96 in use", "needs 384"]),
        ({USAGES: {"value": LIMITS[:3]}}, ["standardNDISRH200V5Family", "in eastus2: 0"]),
        ({USAGES: {"value": [usage("cores", 100), *LIMITS[1:]]}}, ["Total Regional vCPUs"]),
        ({CLUSTER: {"properties": {"kubernetesVersion": "1.36", "currentKubernetesVersion": "1.36.2"}}},
         ["no cluster goes back"]),
        ({CLUSTER: {"properties": {"kubernetesVersion": "1.33", "currentKubernetesVersion": "1.33.9"}}},
         ["ask '1.34'"]),
    ],
)  # fmt: skip
def test_what_the_subscription_lacks_is_told_with_a_remedy(
    over: dict[str, Any], words: list[str], tmp_path: Path
) -> None:  # fmt: skip
    (problem,) = told(plan_of(tmp_path), **over)
    assert problem.stops
    assert all(word in problem.message for word in words), problem.message


def test_a_stack_that_stands_counts_its_own_use_within_the_limit(tmp_path: Path) -> None:
    used = {USAGES: {"value": [*LIMITS[:3], usage("standardNDISRH200V5Family", 400, 384)]}}
    assert len(told(plan_of(tmp_path), **used)) == 1
    there = {CLUSTER: {"properties": {"kubernetesVersion": "1.35", "currentKubernetesVersion": "1.35.1"}}}
    assert told(plan_of(tmp_path), **used, **there) == []


def test_a_rack_wants_the_feature_in_the_other_state(tmp_path: Path) -> None:
    rack = {
        f"{TRAIN}.machineType": "Standard_ND128isr_GB300_v6", "azure.driver": "operator",
        "cluster.nodePools.1.machineType": "Standard_D8ds_v5", f"{TRAIN}.capacity": "onDemand",
    }  # fmt: skip
    skus = {"value": [sku(name) for name in (NAMES[0], "Standard_ND128isr_GB300_v6", "Standard_D8ds_v5")]}
    room = {USAGES: {"value": [*LIMITS, usage("standardNDISRGB300V6Family", 1000)]}, SKUS: skus}
    (problem,) = told(plan_of(tmp_path, **rack), **room)
    assert "want it unregistered" in problem.message
    assert told(plan_of(tmp_path, **rack), **room, **{FEATURE: {"properties": {"state": "Unregistered"}}}) == []


def test_a_question_without_an_answer_stops_nothing(tmp_path: Path) -> None:
    (problem,) = told(plan_of(tmp_path), **{SKUS: DENIED})
    assert not problem.stops


def vnet(**subnets: dict[str, Any]) -> dict[str, Any]:
    listed = [{"name": name, "properties": properties} for name, properties in subnets.items()]
    return {f"GET {NETWORK}": {"location": "eastus2", "properties": {"subnets": listed}}}


HANDED = {"delegations": [{"properties": {"serviceName": "Microsoft.ContainerService/managedClusters"}}]}
OUT = {"natGateway": {"id": "x"}}


@pytest.mark.parametrize(
    ("over", "path", "words"),
    [
        ({f"GET {NETWORK}": ABSENT}, "network", "is not there"),
        (vnet(nodes=OUT, api=HANDED), "fileSystemSubnet", "it has api, nodes"),
        (vnet(nodes=OUT, api={}, lustre={}), "apiServerSubnet", "not handed over"),
        (vnet(nodes={}, api=HANDED, lustre={}), "nodesSubnet", "no NAT gateway"),
    ],
)
def test_a_given_network_is_held_to_what_the_stack_needs(
    over: dict[str, Any], path: str, words: str, tmp_path: Path
) -> None:  # fmt: skip
    plan = plan_of(tmp_path, **{"cluster.network": {"existing": GIVEN}})
    assert told(plan, **vnet(nodes=OUT, api=HANDED, lustre={})) == []
    (problem,) = told(plan, **over)
    assert problem.path == f"cluster.network.existing.{path}"
    assert words in problem.message
