"""Requests for cluster, pools, network and rights, as the engine is asked for them: the field's own rules of each."""

import base64
import inspect
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_azure_native.containerservice import AgentPool

from bench.registrations import recorded
from providers import load
from providers.azure.control_plane.kubeconfig import document
from providers.azure.nodes.build import FIXED
from providers.azure.plan import AzurePlan
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build
from tests.clock import NOW
from tests.unit.providers.aws.whole_stacks import changed, planned
from tests.unit.providers.azure.whole_stacks import GROUP, SERVE, STACK, TENANT

ROOT = Path(__file__).parents[4]
STACKS = ("azure-dev", "azure-prod")
POOL, CLUSTER = "azure-native:containerservice:AgentPool", "azure-native:containerservice:ManagedCluster"
NETWORK, RIGHT = "azure-native:network:VirtualNetwork", "azure-native:authorization:RoleAssignment"


@cache
def asked(stack: str) -> list[dict[str, Any]]:
    plan = plan_stack(read_path(ROOT / "stacks" / f"Pulumi.{stack}.yaml"), stack, NOW)
    return recorded(lambda: build(load("azure"), plan), stack=stack)


def of_type(stack: str, token: str) -> dict[str, dict[str, Any]]:
    """Inputs by name."""
    return {one["name"]: one.get("object", {}) for one in asked(stack) if one["type"] == token}


def after(stack: str, name: str, token: str) -> set[str]:
    (one,) = [one for one in asked(stack) if (one["name"], one["type"]) == (name, token)]
    return {urn.rpartition("::")[2] for urn in one.get("dependencies", [])}


@pytest.mark.parametrize("stack", STACKS)
def test_a_pool_is_a_scale_set_of_users_at_the_clusters_version(stack: str) -> None:
    """Left out, its kind is single machines, without InfiniBand and zones; its version stays behind the cluster's."""
    (cluster,) = of_type(stack, CLUSTER).values()
    (system,) = cluster["agentPoolProfiles"]
    assert (system["type"], system["mode"]) == ("VirtualMachineScaleSets", "System")
    for pool in of_type(stack, POOL).values():
        assert (pool["type"], pool["mode"], pool["osSKU"]) == ("VirtualMachineScaleSets", "User", "Ubuntu")
        assert pool["orchestratorVersion"] == cluster["kubernetesVersion"]
        assert "count" in pool
        assert pool["osDiskSizeGB"]


@pytest.mark.parametrize("stack", STACKS)
def test_a_pool_with_accelerators_upgrades_without_a_machine_more(stack: str) -> None:
    for pool in of_type(stack, POOL).values():
        if pool["scaleSetPriority"] == "Spot":
            assert "upgradeSettings" not in pool  # "Spot pools can't set max surge"
        else:
            settings = pool["upgradeSettings"]
            assert (settings["maxSurge"], settings["maxUnavailable"]) == ("0", "1")
            assert settings["undrainableNodeBehavior"] == "Cordon"
        assert "nvidia.com/gpu=present:NoSchedule" in pool["nodeTaints"]
        assert pool["gpuProfile"] == {"driver": "Install"}


@pytest.mark.parametrize("stack", STACKS)
def test_what_aks_never_changes_makes_the_pool_anew(stack: str) -> None:
    for one in asked(stack):
        if one["type"] == POOL:
            assert set(one["replaceOnChanges"]) == set(FIXED)
            assert one["deleteBeforeReplace"]


def test_every_property_that_makes_a_pool_anew_is_one_of_the_sdks() -> None:
    """A misspelled one would guard nothing."""
    source = Path(inspect.getfile(AgentPool)).read_text()
    assert set(FIXED) - {"type"} <= set(re.findall(r'pulumi\.getter\(name="(\w+)"\)', source))


@pytest.mark.parametrize("stack", STACKS)
def test_spot_machines_are_deleted_and_bear_no_price(stack: str) -> None:
    for pool in of_type(stack, POOL).values():
        spot = pool["scaleSetPriority"] == "Spot"
        assert spot == ("spotMaxPrice" in pool) == ("scaleSetEvictionPolicy" in pool)
        assert spot == any("scalesetpriority=spot" in taint for taint in pool["nodeTaints"])


@pytest.mark.parametrize("stack", STACKS)
def test_one_operation_of_the_cluster_is_asked_for_at_a_time(stack: str) -> None:
    """AKS refuses the second: each pool comes after the one before it."""
    first, second = f"{stack}-train", f"{stack}-serve"
    assert f"{stack}-aks" in after(stack, first, POOL)
    assert first in after(stack, second, POOL)


@pytest.mark.parametrize("stack", STACKS)
def test_the_cluster_waits_for_the_network_and_its_rights(stack: str) -> None:
    """Without them it comes up, and its balancers fail later."""
    before = after(stack, f"{stack}-aks", CLUSTER)
    assert {f"{stack}-network", f"{stack}-identity-rights"} <= before
    given = of_type(stack, RIGHT)
    assert all(one["principalType"] == "ServicePrincipal" for one in given.values())
    assert {"identity-network-0", "identity-operates-nodes", "identity-pulls"} <= {
        name.removeprefix(f"{stack}-") for name in given
    }
    names = [one["roleAssignmentName"] for one in given.values()]
    assert len(set(names)) == len(names)


def test_names_of_rights_differ_between_stacks() -> None:
    """A second right of the same kind is refused."""
    names = [one["roleAssignmentName"] for stack in STACKS for one in of_type(stack, RIGHT).values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_of_a_cluster_moves_by_itself(stack: str) -> None:
    (cluster,) = of_type(stack, CLUSTER).values()
    assert cluster["autoUpgradeProfile"] == {"upgradeChannel": "none", "nodeOSUpgradeChannel": "None"}
    assert cluster["nodeProvisioningProfile"]["mode"] == "Manual"


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_server_stands_in_the_network_and_answers_those_ranges_alone(stack: str) -> None:
    (cluster,) = of_type(stack, CLUSTER).values()
    profile = cluster["apiServerAccessProfile"]
    assert profile["enableVnetIntegration"]
    assert not profile["enablePrivateCluster"]
    assert profile["authorizedIPRanges"] == ["203.0.113.0/24"]


@pytest.mark.parametrize("stack", STACKS)
def test_policies_of_the_network_are_enforced(stack: str) -> None:
    (cluster,) = of_type(stack, CLUSTER).values()
    profile = cluster["networkProfile"]
    assert (profile["networkDataplane"], profile["networkPolicy"]) == ("cilium", "cilium")
    assert profile["networkPluginMode"] == "overlay"
    assert profile["outboundType"] == "userAssignedNATGateway"
    assert profile["dnsServiceIP"] == "10.0.0.10"


@pytest.mark.parametrize("stack", STACKS)
def test_all_subnets_are_in_the_networks_own_request(stack: str) -> None:
    """A subnet of its own resource and those of the network write each other over."""
    (network,) = of_type(stack, NETWORK).values()
    subnets = {one["name"]: one for one in network["subnets"]}
    assert {"nodes", "api-server"} <= subnets.keys()
    assert all(one["defaultOutboundAccess"] is False for one in subnets.values())
    assert subnets["api-server"]["delegations"][0]["serviceName"] == "Microsoft.ContainerService/managedClusters"
    assert not of_type(stack, "azure-native:network:Subnet")


def test_local_accounts_are_off_with_entra_and_with_nothing_else() -> None:
    (dev,), (prod,) = (of_type(stack, CLUSTER).values() for stack in STACKS)
    assert (dev["disableLocalAccounts"], "aadProfile" in dev) == (False, False)
    assert (prod["disableLocalAccounts"], prod["aadProfile"]["adminGroupObjectIDs"]) == (True, [GROUP])


def plan_of(folder: Path, **changes: Any) -> AzurePlan:
    found = planned(changed(changes, STACK), folder, "azure-test").cluster
    assert isinstance(found, AzurePlan)
    return found


TOLD = {
    "clusters": [{"name": "c", "cluster": {"server": "https://api:443", "certificate-authority-data": "Q0E="}}],
    "users": [{"name": "u", "user": {"client-certificate-data": "x", "client-key-data": "y"}}],
}


def test_a_kubeconfig_is_aks_own_or_asks_kubelogin(tmp_path: Path) -> None:
    told = base64.b64encode(yaml.safe_dump(TOLD).encode()).decode()
    plain = document(plan_of(tmp_path).control_plane, told)
    assert plain["users"][0]["user"] == TOLD["users"][0]["user"]
    assert plain["clusters"][0] == {"name": "azure-test", "cluster": TOLD["clusters"][0]["cluster"]}
    access = {"azure.tenant": TENANT, "azure.controlPlane.access": {"entra": {"adminGroups": [GROUP], "login": "msi"}}}
    entra = document(plan_of(tmp_path, **access).control_plane, told)
    command = entra["users"][0]["user"]["exec"]
    assert (command["command"], command["args"][:3]) == ("kubelogin", ["get-token", "--login", "msi"])
    assert TENANT in command["args"]
    assert "client-key" not in json.dumps(entra)


def test_a_reserved_pool_has_its_nodes_from_the_start(tmp_path: Path) -> None:
    held = {SERVE: {"name": "serve", "machineType": "Standard_D8ds_v5", "count": 2, "capacity": {"reservation": {
        "id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Compute/"
        "capacityReservationGroups/cpus"}}}}  # fmt: skip
    plan = planned(changed(held, STACK), tmp_path, "azure-test")
    found = recorded(lambda: build(load("azure"), plan), stack="azure-test")
    (pool,) = [one["object"] for one in found if one["type"] == POOL and one["object"]["agentPoolName"] == "serve"]
    assert pool["count"] == 2
    assert pool["capacityReservationGroupID"].endswith("/cpus")
