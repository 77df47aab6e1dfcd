"""Networks, whose PUT takes away what it does not name; stores, file systems, vaults, and what is refused of them."""

import re
from typing import Any

import pytest

from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.azure import names
from tests.unit.rehearsal.providers.azure.subscription import LUSTRE, NODES, Subscription

TIB = 2**40
WINDOW = {"dayOfWeek": "Sunday", "timeOfDayUTC": "03:00"}


@pytest.fixture
def made() -> Subscription:
    found = Subscription()
    found.group()
    return found


def test_a_shorter_list_of_subnets_deletes_and_is_refused_for_those_in_use() -> None:
    made = Subscription()
    made.cluster()
    network = made.cloud.account.find(names.NETWORK, "net")
    assert network
    subnets = network.inputs["subnets"]
    with pytest.raises(CloudApiError, match="InUseSubnetCannotBeDeleted: Subnet nodes is in use by ManagedCluster aks"):
        made.change(network, subnets=[one for one in subnets if one["name"] != NODES])
    wider = [{**one, "addressPrefix": "10.224.64.0/20"} if one["name"] == NODES else one for one in subnets]
    with pytest.raises(CloudApiError, match="its address prefix cannot be updated"):
        made.change(network, subnets=wider)
    made.change(network, subnets=[one for one in subnets if one["name"] != LUSTRE])
    assert [one["name"] for one in network.outputs["subnets"]] == ["nodes", "api-server"]


def test_a_put_that_leaves_the_gateway_out_takes_it_away(made: Subscription) -> None:
    network = made.network()
    bare = [{"name": one["name"], "addressPrefix": one["addressPrefix"]} for one in network.inputs["subnets"]]
    made.change(network, subnets=bare)
    assert not any("natGateway" in one for one in network.outputs["subnets"])


def test_what_is_in_use_stays(made: Subscription) -> None:
    made.network()
    gateway = made.cloud.account.find(names.NAT, "out")
    address = made.cloud.account.find(names.ADDRESS, "out")
    assert gateway
    assert address
    with pytest.raises(CloudApiError, match="NatGatewayInUseBySubnet"):
        made.delete(gateway)
    with pytest.raises(CloudApiError, match="PublicIPAddressCannotBeDeleted"):
        made.delete(address)


@pytest.mark.parametrize(
    ("subnets", "message"),
    [
        ([{"name": "a", "addressPrefix": "10.1.0.0/24"}], "NetcfgSubnetRangeOutsideVnet"),
        ([{"name": "a", "addressPrefix": "10.224.0.1/24"}], "InvalidCIDRNotation"),
        ([{"name": "a", "addressPrefix": "10.224.0.0/30"}], "is smaller than /29"),
        (
            [{"name": "a", "addressPrefix": "10.224.0.0/24"}, {"name": "b", "addressPrefix": "10.224.0.0/25"}],
            "overlaps with that of subnet 'a'",
        ),
        ([{"addressPrefix": "10.224.0.0/24"}], "has no name"),
        ([{"name": "a", "addressPrefix": "10.224.0.0/24", "natGateway": "x"}], "natGateway: 'x' is not an object"),
    ],
)
def test_networks_that_azure_refuses(made: Subscription, subnets: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(CloudApiError, match=re.escape(message)):
        made.network(subnets=subnets)


def test_addresses_and_gateways_that_azure_refuses(made: Subscription) -> None:
    with pytest.raises(CloudApiError, match="Basic SKU public IP"):
        made.make(names.ADDRESS, "publicIpAddressName", "a", sku={"name": "Basic"})
    with pytest.raises(CloudApiError, match="must have AllocationMethod set to Static"):
        made.make(
            names.ADDRESS, "publicIpAddressName", "a", sku={"name": "Standard"}, publicIPAllocationMethod="Dynamic"
        )
    with pytest.raises(CloudApiError, match="has no public address"):
        made.make(names.NAT, "natGatewayName", "a", sku={"name": "Standard"})
    rule = {"name": "a", "direction": "Inbound", "priority": 100, "access": "Allow", "protocol": "*"}
    with pytest.raises(CloudApiError, match="have the same priority and direction"):
        made.make(names.SECURITY_GROUP, "networkSecurityGroupName", "a", securityRules=[rule, {**rule, "name": "b"}])


def lustre(made: Subscription, name: str = "fast", **inputs: Any) -> Any:
    network = made.cloud.account.find(names.NETWORK, "net") or made.network()
    given = {
        "sku": {"name": "AMLFS-Durable-Premium-250"}, "storageCapacityTiB": 8.0, "maintenanceWindow": WINDOW,
        "zones": ["1"], "filesystemSubnet": f"{network.id}/subnets/{LUSTRE}", "location": "eastus", **inputs,
    }  # fmt: skip
    return made.make(names.LUSTRE, "amlFilesystemName", name, **given)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"storageCapacityTiB": 12.0}, "12.0 of AMLFS-Durable-Premium-250 is not a multiple of 8 from 8 to 128"),
        ({"sku": {"name": "AMLFS-Durable-Premium-40"}}, "is not a multiple of 48 from 48 to 768"),
        ({"sku": {"name": "Fast"}}, "The SKU Fast is not one of"),
        ({"zones": ["1", "2"]}, "A file system lies in one zone"),
        ({"zones": [1]}, "zones[0]: 1 is not text"),
        (
            {"storageCapacityTiB": 128.0, "filesystemSubnet": "small"},
            "of /28 is too small for 128.0 TiB: /24 is",
        ),
        ({"filesystemSubnet": "api-server", "storageCapacityTiB": 8.0}, "is too small"),
    ],
)
def test_file_systems_that_azure_refuses(made: Subscription, inputs: dict[str, Any], message: str) -> None:
    network = made.network()
    if inputs.get("filesystemSubnet") == "small":
        inputs = {**inputs, "filesystemSubnet": f"{network.id}/subnets/api-server"}
    elif named := inputs.get("filesystemSubnet"):
        inputs = {**inputs, "filesystemSubnet": f"{network.id}/subnets/{named}"}
    with pytest.raises(CloudApiError, match=re.escape(message)):
        lustre(made, **inputs)


def test_a_file_system_is_final_and_alone_in_its_subnet(made: Subscription) -> None:
    fast = lustre(made)
    assert fast.outputs["clientInfo"]["mgsAddress"]
    for change in ({"storageCapacityTiB": 16.0}, {"zones": ["2"]}, {"sku": {"name": "AMLFS-Durable-Premium-500"}}):
        with pytest.raises(CloudApiError, match="PropertyChangeNotAllowed"):
            made.change(fast, **change)
    made.change(fast, tags={"a": "b"}, maintenanceWindow={**WINDOW, "dayOfWeek": "Monday"})
    with pytest.raises(CloudApiError, match="each file system has its own"):
        lustre(made, "second")


def test_a_file_system_with_a_container_needs_two_roles_of_the_service(made: Subscription) -> None:
    account = made.make(
        names.ACCOUNT, "accountName", "weights", kind="StorageV2", sku={"name": "Standard_LRS"}, location="eastus"
    )
    data, logs = (made.make(names.CONTAINER, "containerName", name, accountName="weights") for name in ("data", "logs"))
    hsm = {"settings": {"container": data.id, "loggingContainer": logs.id}}
    with pytest.raises(CloudApiError, match="lacks Storage Account Contributor"):
        lustre(made, hsm=hsm)
    service = made.identity("service")
    for role in (names.BLOB_CONTRIBUTOR, names.ACCOUNT_CONTRIBUTOR):
        made.role(role, service, account.id)
    with pytest.raises(CloudApiError, match="another than that of the data"):
        lustre(made, hsm={"settings": {"container": data.id, "loggingContainer": data.id}})
    assert lustre(made, hsm=hsm)


@pytest.mark.parametrize(
    ("token", "named", "name", "inputs", "message"),
    [
        (names.REGISTRY, "registryName", "our-registry", {"sku": {"name": "Basic"}}, "5 to 50 letters and digits"),
        (
            names.REGISTRY, "registryName", "registry1", {"sku": {"name": "Basic"}, "zoneRedundancy": "Enabled"},
            "zoneRedundancy is not supported for the SKU Basic",
        ),
        (
            names.ACCOUNT, "accountName", "Weights", {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
            "3 to 24 lower case letters and digits",
        ),
        (
            names.ACCOUNT, "accountName", "weights", {"kind": "BlockBlobStorage", "sku": {"name": "Standard_LRS"}},
            "The kind BlockBlobStorage takes a Premium SKU",
        ),
        (
            names.ACCOUNT, "accountName", "weights",
            {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "enableNfsV3": True},
            "only on accounts with a hierarchical namespace",
        ),
        (
            names.VAULT, "vaultName", "1vault", {"properties": {"tenantId": "t", "sku": {"family": "A"}}},
            "The vault name '1vault' is invalid",
        ),
        (
            names.VAULT, "vaultName", "vault",
            {"properties": {"tenantId": "t", "sku": {"family": "A", "name": "standard"},
                            "enableRbacAuthorization": True, "enablePurgeProtection": False}},
            'The property "enablePurgeProtection" cannot be set to false',
        ),
    ],
)  # fmt: skip
def test_stores_that_azure_refuses(
    made: Subscription, token: str, named: str, name: str, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(CloudApiError, match=re.escape(message)):
        made.make(token, named, name, **inputs)


def test_a_deleted_vault_is_recovered_under_its_name(made: Subscription) -> None:
    sku = {"family": "A", "name": "standard"}
    inputs = {"properties": {"tenantId": "t", "sku": sku, "enableRbacAuthorization": True}}
    vault = made.make(names.VAULT, "vaultName", "kept", **inputs)
    assert "createMode" not in vault.outputs["properties"]
    made.delete(vault)
    again = made.make(names.VAULT, "vaultName", "kept", **inputs)
    assert again.outputs["properties"]["createMode"] == "recover"


def test_volumes_lie_in_a_pool_with_room_and_a_subnet_that_is_handed_over(made: Subscription) -> None:
    handed = [{"name": "a", "serviceName": "Microsoft.NetApp/volumes"}]
    network = made.network(
        subnets=[
            {"name": "netapp", "addressPrefix": "10.224.0.0/26", "delegations": handed},
            {"name": "plain", "addressPrefix": "10.224.1.0/26"},
        ]
    )
    made.make(names.NETAPP_ACCOUNT, "accountName", "files", location="eastus")
    where = {"accountName": "files", "location": "eastus"}
    with pytest.raises(CloudApiError, match="is a multiple of 1 TiB"):
        made.make(names.NETAPP_POOL, "poolName", "pool", serviceLevel="Premium", size=float(TIB // 2), **where)
    made.make(names.NETAPP_POOL, "poolName", "pool", serviceLevel="Premium", size=float(TIB), **where)

    def volume(name: str, subnet: str, size: float) -> Any:
        return made.make(
            names.NETAPP_VOLUME, "volumeName", name, poolName="pool", creationToken=name, usageThreshold=size,
            subnetId=f"{network.id}/subnets/{subnet}", **where,
        )  # fmt: skip

    with pytest.raises(CloudApiError, match="is not delegated to Microsoft"):
        volume("home", "plain", float(TIB))
    with pytest.raises(CloudApiError, match="has no room for the volume home"):
        volume("home", "netapp", float(2 * TIB))
    home = volume("home", "netapp", float(TIB))
    assert home.outputs["mountTargets"][0]["ipAddress"]
    with pytest.raises(CloudApiError, match="InUseSubnetCannotBeDeleted"):
        made.delete(network)
