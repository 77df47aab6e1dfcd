"""A subscription: registrations, identities and roles, groups that take all with them, quotas, machines that lack."""

from typing import Any

import pytest

from components.errors import SpecError
from engine.provider.errors import UnfinishedError
from rehearsal.cloud.account import Status
from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.azure import names
from rehearsal.providers.azure.machines import machine
from rehearsal.providers.azure.nodes import allocatable, cpu_m
from rehearsal.providers.azure.rules import RULES
from rehearsal.providers.azure.words import SUBSCRIPTION
from tests.unit.rehearsal.providers.azure.subscription import GROUP, H100, T4, Subscription, pool_inputs


def test_a_provider_that_nobody_registered_refuses_everything() -> None:
    off = {"type": names.PROVIDER, "resource": "*/Microsoft.Network", "set": {"registrationState": "NotRegistered"}}
    made = Subscription(standing=True, existing=[off])
    made.group()
    with pytest.raises(CloudApiError, match=r"MissingSubscriptionRegistration: .* namespace 'Microsoft\.Network'"):
        made.network()
    assert Subscription(standing=True).group()


def test_a_new_identity_takes_a_role_with_its_type_alone() -> None:
    made = Subscription()
    group = made.group()
    identity = made.identity("new")
    with pytest.raises(CloudApiError, match=r"PrincipalNotFound: .* set the role assignment principalType property"):
        made.role(names.ACR_PULL, identity, group.id, principalType=None)
    assert made.role(names.ACR_PULL, identity, group.id)
    made.cloud.clock.wait(1.0)
    assert made.role(names.NETWORK_CONTRIBUTOR, identity, group.id, principalType=None)


def test_a_role_is_given_once_and_has_a_guid_for_a_name() -> None:
    made = Subscription()
    group = made.group()
    identity = made.identity("new")
    first = made.role(names.ACR_PULL, identity, group.id)
    again = {**first.inputs, "roleAssignmentName": "7f951dda-4ed3-4680-a7ca-43fe172d538e"}
    with pytest.raises(CloudApiError, match="RoleAssignmentExists"):
        made.cloud.create(names.ROLE, "again", again, region="eastus")
    with pytest.raises(CloudApiError, match="must be a GUID"):
        made.cloud.create(names.ROLE, "again", {**first.inputs, "roleAssignmentName": "pull"}, region="eastus")


def test_credentials_of_an_identity() -> None:
    made = Subscription()
    made.group()
    made.identity("pods")
    given: dict[str, Any] = {
        "resourceName": "pods",
        "issuer": "https://issuer/",
        "audiences": ["api://AzureADTokenExchange"],
    }
    for number in range(20):
        made.make(
            names.FEDERATED, "federatedIdentityCredentialResourceName", f"c{number}", subject=f"s{number}", **given
        )
    with pytest.raises(CloudApiError, match="20 at most"):
        made.make(names.FEDERATED, "federatedIdentityCredentialResourceName", "c20", subject="s20", **given)


def test_a_group_takes_all_that_lies_in_it_with_it() -> None:
    made = Subscription()
    made.cluster()
    made.pool()
    group = made.cloud.account.find(names.GROUP, GROUP)
    assert group
    made.delete(group)
    assert made.cloud.account.objects() == ()
    with pytest.raises(CloudApiError, match="ResourceGroupNotFound: Resource group 'tiny' could not be found"):
        made.network(subnets=[])


def test_quotas_of_a_family_of_the_region_and_of_spot() -> None:
    made = Subscription(quotas={"families": [{"family": "Standard NDSH100v5 Family", "limit": 96}]})
    made.cluster()
    with pytest.raises(UnfinishedError, match="requested 192, remaining 96 for family"):
        made.pool()
    made = Subscription(quotas={"cores": 200})
    made.cluster()
    with pytest.raises(UnfinishedError, match=r"Total Regional Cores quota\. Current Limit: 200"):
        made.pool()
    made = Subscription(quotas={"lowPriorityCores": 4})
    made.cluster()
    spot: dict[str, Any] = {"vmSize": T4, "osDiskSizeGB": 128, "scaleSetPriority": "Spot", "upgradeSettings": None}
    with pytest.raises(UnfinishedError, match="LowPriorityCores"):
        made.pool(**spot)
    with pytest.raises(SpecError, match="disks"):
        Subscription(quotas={"disks": 4})


def test_the_fifth_file_system_and_one_cluster_too_many() -> None:
    made = Subscription(quotas={"clusters": 0})
    with pytest.raises(CloudApiError, match="ManagedClusterCountExceedsQuotaLimit"):
        made.cluster()


def test_machines_that_are_not_to_be_had() -> None:
    made = Subscription(capacity=[{"machineType": H100, "times": 1}])
    made.cluster()
    with pytest.raises(UnfinishedError, match=f"ZonalAllocationFailed: .* {H100} in the zone '1'"):
        made.pool()
    pool = made.cloud.account.find(names.POOL, "train")
    assert pool
    assert pool.status is Status.FAILED
    assert made.change(pool).status is Status.ACTIVE


def test_a_pool_of_which_a_part_comes() -> None:
    made = Subscription(partial=[{"resource": "train", "nodes": 1, "times": 1}])
    made.cluster()
    with pytest.raises(UnfinishedError, match="AllocationFailed: 1 of 2 instances"):
        made.pool()


def test_nodes_offer_what_aks_leaves_them() -> None:
    assert [cpu_m(cores) for cores in (4, 8, 24, 64, 96)] == [3860, 7820, 23660, 63260, 94940]
    nodes = allocatable(pool_inputs(), machine(H100))
    assert nodes["rdma/ib"] == 8
    assert nodes["nvidia.com/gpu"] == 8
    assert 1852 * 2**20 < int(nodes["memory"].removesuffix("Ki")) < 1870 * 2**20
    more = allocatable(pool_inputs(maxPods=250), machine(H100))
    assert int(more["memory"].removesuffix("Ki")) < int(nodes["memory"].removesuffix("Ki"))
    single = pool_inputs(type=None, availabilityZones=None)
    assert "rdma/ib" not in allocatable(single, machine(H100))
    assert allocatable(pool_inputs(vmSize="Standard_NC40ads_H100_v5"), machine("Standard_NC40ads_H100_v5")) == {
        "cpu": "39500m", "memory": "327704814Ki", "nvidia.com/gpu": 1
    }  # fmt: skip


def test_labels_and_taints_of_nodes() -> None:
    made = Subscription()
    made.cluster()
    made.pool("spot", vmSize=T4, osDiskSizeGB=128, scaleSetPriority="Spot", upgradeSettings=None, count=1)
    (system, spot) = RULES.nodes(made.cloud.account)
    assert (system.count, spot.count) == (3, 1)
    assert spot.labels["kubernetes.azure.com/agentpool"] == "spot"
    assert spot.labels["topology.kubernetes.io/zone"] == "eastus-1"
    assert system.labels["topology.kubernetes.io/zone"] == "0"
    assert [taint["key"] for taint in spot.taints] == ["nvidia.com/gpu", "kubernetes.azure.com/scalesetpriority"]


def test_a_cluster_answers_by_its_name_and_gives_out_credentials() -> None:
    made = Subscription()
    cluster = made.cluster()
    assert RULES.endpoint(cluster) == f"https://{cluster.outputs['fqdn']}:443"
    user = "azure-native:containerservice:listManagedClusterUserCredentials"
    found = RULES.invoke(made.cloud.account, user, {"resourceName": "aks", "resourceGroupName": GROUP})
    assert found["kubeconfigs"][0]["name"] == "clusterUser"
    assert found == RULES.invoke(made.cloud.account, user, {"resourceName": "aks", "resourceGroupName": GROUP})
    assert RULES.invoke(made.cloud.account, "azure-native:authorization:getClientConfig", {})["subscriptionId"] == (
        SUBSCRIPTION
    )
    with pytest.raises(CloudApiError, match="no oracle answers azure-native:compute:getDisk"):
        RULES.invoke(made.cloud.account, "azure-native:compute:getDisk", {})


def test_a_cluster_without_local_accounts_gives_out_no_certificate() -> None:
    made = Subscription()
    made.cluster(disableLocalAccounts=True, aadProfile={"managed": True, "enableAzureRBAC": False})
    admin = "azure-native:containerservice:listManagedClusterAdminCredentials"
    with pytest.raises(CloudApiError, match="Getting static credential is not allowed"):
        RULES.invoke(made.cloud.account, admin, {"resourceName": "aks"})


def test_the_network_of_a_stack_file_stands_there() -> None:
    id_ = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/hub/providers/Microsoft.Network"
    network = f"{id_}/virtualNetworks/shared"
    config = {
        "penstock:azure": {"subscription": "11111111-2222-4333-8444-555555555555"},
        "penstock:cluster": {
            "region": "eastus",
            "network": {"existing": {"network": network, "nodesSubnet": "n", "apiServerSubnet": "s"}},
        },
    }
    try:
        made = Subscription(standing=True, config=config)
        assert RULES.account_id == "11111111-2222-4333-8444-555555555555"
        found = made.cloud.account.find(names.SUBNET, f"{network}/subnets/n")
        assert found
        assert found.outputs["natGateway"]["id"] == f"{id_}/natGateways/out"
    finally:
        RULES.standing({})
    assert RULES.account_id == SUBSCRIPTION
