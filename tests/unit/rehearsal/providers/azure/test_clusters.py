"""Clusters: networks, ranges, rights and ways in that AKS refuses, versions, and what a change does."""

import re
import threading
from typing import Any

import pytest

from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.azure import names
from tests.unit.rehearsal.providers.azure.subscription import (
    NODES,
    SERVER,
    SYSTEM,
    Subscription,
    cluster_inputs,
)

PROFILE: dict[str, Any] = cluster_inputs("", "")["networkProfile"]


def with_profile(**changes: Any) -> dict[str, Any]:
    return {"networkProfile": {name: value for name, value in {**PROFILE, **changes}.items() if value is not None}}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (with_profile(outboundType="managedNATGateway"), "managedNATGateway is not supported with a custom virtual"),
        (with_profile(networkDataplane="azure"), "Network policy cilium requires network dataplane cilium"),
        (with_profile(networkPolicy="azure"), "Cilium dataplane requires network policy cilium"),
        (with_profile(networkPluginMode=None), "Cilium dataplane requires Azure CNI Overlay"),
        (
            with_profile(advancedNetworking={"observability": {"enabled": True}}),
            "enabled is missing (null)",
        ),
        (with_profile(podCidr="172.30.0.0/16"), "The podCidr 172.30.0.0/16 overlaps with 172.30.0.0/16, which is res"),
        (with_profile(serviceCidr="172.31.0.0/20", dnsServiceIP="172.31.0.10"), "The serviceCidr 172.31.0.0/20 over"),
        (with_profile(podCidr="10.224.0.0/16"), "conflicts with the virtual network's 10.224.0.0/16"),
        (with_profile(podCidr="10.0.0.0/14"), "The specified podCidr and serviceCidr overlap"),
        (with_profile(dnsServiceIP="10.0.0.1"), "dnsServiceIP 10.0.0.1 must lie within serviceCidr"),
        (with_profile(dnsServiceIP="10.1.0.10"), "dnsServiceIP 10.1.0.10 must lie within serviceCidr"),
        ({"dnsPrefix": None}, "Required parameter dnsPrefix is missing"),
        ({"identity": None}, "Either identity or servicePrincipalProfile must be given"),
        ({"identity": {"type": "UserAssigned"}}, "names no identity"),
        ({"agentPoolProfiles": [{**SYSTEM, "mode": "User"}]}, "Must define at least one agent pool of mode System"),
        ({"kubernetesVersion": "1.31"}, "only available for Long-Term Support"),
        ({"disableLocalAccounts": True}, "requires Microsoft Entra integration"),
        ({"oidcIssuerProfile": None}, "Workload identity requires the OIDC issuer"),
        (
            {"apiServerAccessProfile": {"enablePrivateCluster": True, "authorizedIPRanges": ["203.0.113.0/24"]}},
            "Authorized IP ranges are not supported for private clusters",
        ),
        ({"nodeResourceGroup": "m" * 81}, "more than 80 characters"),
        ({"sku": {"name": "Base", "tier": "Paid"}}, "sku.tier: 'Paid' is not one of Free"),
        ({"autoUpgradeProfile": {"nodeOSUpgradeChannel": "Weekly"}}, "nodeOSUpgradeChannel: 'Weekly' is not one of"),
    ],
)
def test_what_aks_refuses(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(CloudApiError, match=re.escape(message)):
        Subscription().cluster(**inputs)


def test_the_range_of_infiniband_is_refused_with_its_pool() -> None:
    made = Subscription()
    made.cluster(**with_profile(podCidr="172.16.0.0/16"))
    with pytest.raises(CloudApiError, match=r"172\.16\.0\.0/16 overlaps with 172\.16\.0\.0/16, which InfiniBand has"):
        made.pool()


def subscription_with(subnets: Any) -> tuple[Subscription, str, str]:
    made = Subscription()
    made.group()
    network = made.network(subnets=subnets(made))
    identity = made.identity("control-plane")
    made.role(names.NETWORK_CONTRIBUTOR, identity, network.id)
    made.cloud.clock.wait(3.0)
    return made, network.id, identity.id


def without(name: str, key: str) -> Any:
    def subnets(made: Subscription) -> list[dict[str, Any]]:
        return [
            {part: value for part, value in one.items() if one["name"] != name or part != key} for one in made.subnets()
        ]

    return subnets


@pytest.mark.parametrize(
    ("subnets", "message"),
    [
        (without(NODES, "natGateway"), "has no NAT gateway, as outboundType userAssignedNATGateway needs"),
        (without(SERVER, "delegations"), "must be delegated to Microsoft.ContainerService/managedClusters"),
        (
            lambda made: [{**one, "addressPrefix": "10.224.16.0/29"} if one["name"] == SERVER else one
                          for one in made.subnets()],
            "must be of /28 at least",
        ),
    ],
)  # fmt: skip
def test_subnets_that_aks_refuses(subnets: Any, message: str) -> None:
    made, network, identity = subscription_with(subnets)
    with pytest.raises(CloudApiError, match=message):
        made.make(names.CLUSTER, "resourceName", "aks", **cluster_inputs(network, identity))


def test_an_api_server_has_a_subnet_of_its_own() -> None:
    made, network, identity = subscription_with(Subscription.subnets)
    shared = {"enableVnetIntegration": True, "subnetId": f"{network}/subnets/{NODES}"}
    with pytest.raises(CloudApiError, match="Nodes use the subnet"):
        made.make(
            names.CLUSTER, "resourceName", "aks", **cluster_inputs(network, identity, apiServerAccessProfile=shared)
        )


def test_a_right_counts_two_minutes_after_it_was_given() -> None:
    made = Subscription()
    with pytest.raises(CloudApiError, match=r"AuthorizationFailed: .* 'Microsoft.Network/virtualNetworks/subnets/join"):
        made.cluster(waited=False)
    made.cloud.clock.wait(2.0)
    network = made.cloud.account.find(names.NETWORK, "net")
    identity = made.cloud.account.find(names.IDENTITY, "control-plane")
    assert network
    assert identity
    assert made.make(names.CLUSTER, "resourceName", "aks", **cluster_inputs(network.id, identity.id))


def test_a_kubelet_identity_needs_a_right_of_the_control_planes() -> None:
    made = Subscription()
    made.group()
    kubelet = made.identity("kubelet")
    profile = {"kubeletidentity": {"resourceId": kubelet.id}}
    with pytest.raises(CloudApiError, match="CustomKubeletIdentityMissingPermissionError"):
        made.cluster(identityProfile=profile)
    network = made.cloud.account.find(names.NETWORK, "net")
    own = made.cloud.account.find(names.IDENTITY, "control-plane")
    assert network
    assert own
    made.role(names.IDENTITY_OPERATOR, own, kubelet.id)
    made.cloud.clock.wait(2.0)
    given = cluster_inputs(network.id, own.id, identityProfile=profile)
    cluster = made.make(names.CLUSTER, "resourceName", "aks", **given)
    assert cluster.outputs["identityProfile"]["kubeletidentity"]["objectId"] == kubelet.outputs["principalId"]


def test_a_cluster_takes_one_operation_at_a_time_and_nobody_asks_again() -> None:
    made = Subscription()
    made.cluster()
    refused: list[str] = []

    def pool(name: str) -> None:
        try:
            made.pool(name)
        except CloudApiError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=pool, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in made.cloud.account.objects() if one.token == names.POOL]) == 3 - len(refused)
    assert all("OperationNotAllowed" in one and "aks-pending-operation" in one for one in refused)
    assert refused


def test_what_replaces_a_cluster() -> None:
    made = Subscription()
    cluster = made.cluster()
    for changes in (with_profile(outboundType="loadBalancer"), with_profile(podCidr="10.245.0.0/16"),
                    {"dnsPrefix": "other"}, {"linuxProfile": {"adminUsername": "a"}}):  # fmt: skip
        assert made.cloud.difference(names.CLUSTER, cluster.id, cluster.inputs, {**cluster.inputs, **changes}).replacing
    for changes in ({"sku": {"name": "Base", "tier": "Standard"}}, with_profile(loadBalancerSku="standard")):
        found = made.cloud.difference(names.CLUSTER, cluster.id, cluster.inputs, {**cluster.inputs, **changes})
        assert found.changed
        assert not found.replacing


def test_versions_go_up_one_at_a_time() -> None:
    made = Subscription()
    cluster = made.cluster(kubernetesVersion="1.34")
    with pytest.raises(CloudApiError, match="one minor version at a time"):
        made.change(cluster, kubernetesVersion="1.36")
    with pytest.raises(CloudApiError, match=r"Downgrading from version 1\.34"):
        made.change(cluster, kubernetesVersion="1.33")
    made.change(cluster, kubernetesVersion="1.35")
    assert cluster.outputs["currentKubernetesVersion"] == "1.35"


def test_pools_are_added_apart_and_never_through_the_cluster() -> None:
    made = Subscription()
    cluster = made.cluster()
    more = [*cluster.inputs["agentPoolProfiles"], {**SYSTEM, "name": "second"}]
    with pytest.raises(CloudApiError, match="A new agent pool was introduced"):
        made.change(cluster, agentPoolProfiles=more)


def test_an_api_server_never_leaves_the_network() -> None:
    made = Subscription()
    cluster = made.cluster()
    with pytest.raises(CloudApiError, match="enableVnetIntegration' is not allowed"):
        made.change(cluster, apiServerAccessProfile={"authorizedIPRanges": ["203.0.113.0/24"]})


@pytest.mark.parametrize(
    ("name", "hours", "message"),
    [
        ("weekly", 4, "weekly is not one of default"),
        ("aksManagedNodeOSUpgradeSchedule", 3, "durationHours 3 is not from 4 to 24"),
    ],
)
def test_windows_of_maintenance(name: str, hours: int, message: str) -> None:
    made = Subscription()
    made.cluster()
    weekly = {"weekly": {"dayOfWeek": "Sunday", "intervalWeeks": 1}}
    window = {"durationHours": hours, "startTime": "03:00", "schedule": weekly}
    with pytest.raises(CloudApiError, match=message):
        made.make(names.MAINTENANCE, "configName", name, resourceName="aks", maintenanceWindow=window)
    good = {**window, "durationHours": 4}
    assert made.make(
        names.MAINTENANCE, "configName", "aksManagedNodeOSUpgradeSchedule", resourceName="aks", maintenanceWindow=good
    )


def test_a_load_balancer_goes_with_the_group_of_the_nodes() -> None:
    made = Subscription()
    cluster = made.cluster(nodeResourceGroup="tiny-machines")
    made.cloud.make_load_balancer(cluster)
    assert any("tiny-machines" in one.id for one in made.cloud.account.objects())
    made.delete(cluster)
    assert not any("tiny-machines" in one.id for one in made.cloud.account.objects())
