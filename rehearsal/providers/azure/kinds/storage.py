"""Registries, accounts, file systems, vaults, and where logs lie."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs
from rehearsal.providers.azure.arm import ArmType, at, location_of
from rehearsal.providers.azure.kinds.network import ranges_of, subnet_of, users_of
from rehearsal.providers.azure.names import (
    ACCOUNT,
    ACCOUNT_CONTRIBUTOR,
    BLOB_CONTRIBUTOR,
    CONTAINER,
    ENDS,
    LOGS,
    LUSTRE,
    NETAPP_ACCOUNT,
    NETAPP_POOL,
    NETAPP_VOLUME,
    REGISTRY,
    ROLE,
    SERVICE,
    VAULT,
    last,
    parent,
)
from rehearsal.providers.azure.words import TENANT, guid

SIZES = {"AMLFS-Durable-Premium-40": (48, 768), "AMLFS-Durable-Premium-125": (16, 128),
         "AMLFS-Durable-Premium-250": (8, 128), "AMLFS-Durable-Premium-500": (4, 128)}  # fmt: skip
"""TiB: the least, which is the step too, and the most (Azure Managed Lustre, create-file-system-portal, 2024-11)."""
SUBNETS = ((16, 27), (40, 26), (92, 25), (196, 24), (400, 23), (768, 22))
"""TiB up to which a subnet of that prefix is enough (Azure Managed Lustre, amlfs-prerequisites)."""
MOST_LUSTRE = 4  # kubernetes-sigs/azurelustre-csi-driver: the service's refusal of the fifth
LUSTRE_MIN, LUSTRE_GONE_MIN = 15.0, 12.0
GIB = 2**30
VAULT_KEPT_H = 90 * 24
VOLUMES = "microsoft.netapp/volumes"


def _refuse_registry(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    name, sku = inputs["registryName"], (inputs.get("sku") or {}).get("name")
    if not is_unknown(name) and re.fullmatch(r"[a-zA-Z0-9]{5,50}", str(name)) is None:
        message = f"The registry name {name} is invalid: 5 to 50 letters and digits."
        yield CloudApiError("InvalidRegistryName", message)
    if sku != "Premium":
        for path, off in (("zoneRedundancy", "Disabled"), ("networkRuleSet", None), ("dataEndpointEnabled", False)):
            if inputs.get(path) not in (None, off):
                yield CloudApiError("SkuNotSupported", f"{path} is not supported for the SKU {sku}: it needs Premium.")
        if inputs.get("publicNetworkAccess") == "Disabled":
            yield CloudApiError("SkuNotSupported", f"Disabling public access needs Premium, and the SKU is {sku}.")


def _registry(_api: CloudApi, inputs: Inputs, _id: str) -> Outputs:
    return {"loginServer": f"{str(inputs['registryName']).lower()}.azurecr.io", "status": {"displayStatus": "Ready"}}


def _refuse_account(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    name, kind, sku = inputs["accountName"], inputs.get("kind"), str((inputs.get("sku") or {}).get("name"))
    if not is_unknown(name) and re.fullmatch(r"[a-z0-9]{3,24}", str(name)) is None:
        message = f"{name} is not a valid storage account name: 3 to 24 lower case letters and digits."
        yield CloudApiError("AccountNameInvalid", message)
    if kind in ("BlockBlobStorage", "FileStorage") and not sku.startswith("Premium"):
        yield CloudApiError("AccountTypeSkuMismatch", f"The kind {kind} takes a Premium SKU, and not {sku}.")
    if inputs.get("enableNfsV3") and not inputs.get("isHnsEnabled"):
        message = "NFSv3 can be enabled only on accounts with a hierarchical namespace."
        yield CloudApiError("InvalidRequestPropertyValue", message)


def _account(_api: CloudApi, inputs: Inputs, _id: str) -> Outputs:
    name = inputs["accountName"]
    hosts = {kind: f"https://{name}.{kind}.core.windows.net/" for kind in ("blob", "dfs", "file", "queue", "table")}
    return {"primaryEndpoints": hosts, "primaryLocation": inputs.get("location"), "statusOfPrimary": "available"}


def _refuse_container(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    name = inputs["containerName"]
    if not is_unknown(name) and re.fullmatch(r"[a-z0-9](?:-?[a-z0-9]){2,62}", str(name)) is None:
        yield CloudApiError("InvalidResourceName", f"The container name {name} is invalid.")


def _refuse_lustre(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    sku, size = (inputs.get("sku") or {}).get("name"), inputs.get("storageCapacityTiB")
    step, most = SIZES.get(str(sku), (0, 0))
    if sku is None or not step:
        yield CloudApiError("InvalidParameter", f"The SKU {sku} is not one of {', '.join(SIZES)}.")
    elif not is_unknown(size) and (float(size or 0) % step or not step <= float(size or 0) <= most):
        message = f"storageCapacityTiB {size} of {sku} is not a multiple of {step} from {step} to {most}."
        yield CloudApiError("InvalidParameter", message)
    if len(inputs.get("zones") or ()) > 1:
        yield CloudApiError("InvalidParameter", "A file system lies in one zone: zones has one of them.")
    others = [one for one in api.listed(LUSTRE) if one.get("name") != inputs.get("amlFilesystemName")]
    if len(others) >= MOST_LUSTRE:
        yield CloudApiError(
            "QuotaExceeded",
            f"Operation results in exceeding quota limits of resource type AmlFilesystem. Maximum allowed: "
            f"{MOST_LUSTRE}, Current in use: {len(others)}, Additional requested: 1.",
        )
    yield from _lustre_subnet(api, inputs, size)
    yield from _hsm(api, inputs)


def _lustre_subnet(api: CloudApi, inputs: Inputs, size: Any) -> Iterator[CloudApiError]:
    subnet = inputs.get("filesystemSubnet")
    found = None if is_unknown(subnet) else subnet_of(api, subnet)
    if found is None:
        return
    needed = next((prefix for most, prefix in SUBNETS if float(size) <= most), SUBNETS[-1][1])
    own = IPv4Network(ranges_of(found)[0]).prefixlen
    if own > needed:
        message = f"The subnet {last(subnet)} of /{own} is too small for {size} TiB: /{needed} is needed."
        yield CloudApiError("InvalidSubnet", message)
    if found.get("delegations"):
        yield CloudApiError("InvalidSubnet", f"The subnet {last(subnet)} is delegated to another service.")
    own_word = f"AmlFilesystem {inputs.get('amlFilesystemName')}"
    if others := [one for one in users_of(api, str(subnet)) if one != own_word and one.startswith("AmlFilesystem")]:
        message = f"The subnet {last(subnet)} is that of {others[0]}: each file system has its own."
        yield CloudApiError("InvalidSubnet", message)


def _hsm(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    """Azure Managed Lustre, amlfs-prerequisites: two containers of one account, and two roles of the service on it."""
    settings = at(inputs, "hsm.settings")
    if not settings or is_unknown(settings):
        return
    data, logs = settings.get("container"), settings.get("loggingContainer")
    if is_unknown(data) or is_unknown(logs):
        return
    if data == logs:
        yield CloudApiError("InvalidParameter", "hsm: the logging container is another than that of the data.")
    account = _above(str(data), 2)
    if account != _above(str(logs), 2):
        yield CloudApiError("InvalidParameter", "hsm: both containers lie in one storage account.")
    if api.find(ACCOUNT, account) is None:
        return
    roles: dict[Any, set[str]] = {}
    for one in api.listed(ROLE):
        if account.startswith(str(one.get("scope"))):
            roles.setdefault(one.get("principalId"), set()).add(last(one.get("roleDefinitionId")))
    if not any({BLOB_CONTRIBUTOR, ACCOUNT_CONTRIBUTOR} <= held for held in roles.values()):
        message = "The HPC Cache Resource Provider lacks Storage Account Contributor and Storage Blob Data Contributor"
        yield CloudApiError("AuthorizationFailed", f"{message} on {account}.")


def _above(id: str, levels: int) -> str:  # noqa: A002 (the engine's own word)
    for _ in range(levels):
        id = parent(id)  # noqa: A001 (the same)
    return id


def _lustre(_api: CloudApi, _inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    address = f"10.224.{len(id) % 250 + 1}.5"
    return {
        "clientInfo": {
            "mgsAddress": address, "lustreVersion": "2.15.7", "containerStorageInterface": {},
            "mountCommand": f"mount -t lustre -o noatime,flock {address}@tcp:/lustrefs /mnt",
        },
        "health": {"state": "Available"}, "throughputProvisionedMBps": 0,
    }  # fmt: skip


def _refuse_netapp_pool(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    size = inputs.get("size")
    if not is_unknown(size) and (float(size or 0) < 1024 * GIB or float(size or 0) % (1024 * GIB)):
        message = f"The size {size} of a capacity pool is a multiple of 1 TiB, 1 TiB at least."
        yield CloudApiError("PoolSizeTooSmall", message)


def _refuse_volume(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    size, subnet = inputs.get("usageThreshold"), inputs.get("subnetId")
    if size is not None and not is_unknown(size) and float(size) < 50 * GIB:
        yield CloudApiError("VolumeSizeTooSmall", "A volume has 50 GiB at least.")
    pool = api.find(NETAPP_POOL, str(inputs.get("poolName")))
    if pool and not is_unknown(size):
        name = inputs.get("volumeName")
        same = [one for one in api.listed(NETAPP_VOLUME) if one.get("poolName") == inputs["poolName"]]
        others = sum(float(one.get("usageThreshold") or 0) for one in same if one.get("name") != name)
        if others + float(size or 0) > float(pool.get("size") or 0):
            yield CloudApiError("PoolSizeTooSmall", f"The pool {inputs['poolName']} has no room for the volume {name}.")
    found = None if is_unknown(subnet) else subnet_of(api, subnet)
    if found is not None:
        delegated = [str(one.get("serviceName")).lower() for one in found.get("delegations") or ()]
        if VOLUMES not in delegated:
            message = f"The subnet {last(subnet)} is not delegated to Microsoft.NetApp/volumes."
            yield CloudApiError("SubnetNotDelegated", message)


def _volume(_api: CloudApi, _inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    target = {"ipAddress": f"10.224.{len(id) % 250 + 1}.132", "mountTargetId": guid(id), "fileSystemId": guid(id)}
    return {"mountTargets": [target], "fileSystemId": guid(id)}


def _refuse_vault(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    """Key Vault, naming; soft-delete-overview: what was switched on once stays so."""
    name, given = inputs["vaultName"], inputs.get("properties") or {}
    if not is_unknown(name) and re.fullmatch(r"[a-zA-Z](?:-?[a-zA-Z0-9]){2,23}", str(name)) is None:
        message = f"The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters."
        yield CloudApiError("VaultNameNotValid", message)
    if given.get("enablePurgeProtection") is False:
        message = 'The property "enablePurgeProtection" cannot be set to false.'
        yield CloudApiError("BadRequest", f"{message} Enabling the purge protection for a vault is irreversible.")
    kept = given.get("softDeleteRetentionInDays")
    if kept is not None and not is_unknown(kept) and not 7 <= int(kept) <= 90:
        yield CloudApiError("BadRequest", f"softDeleteRetentionInDays {kept} is not from 7 to 90.")
    policies = given.get("accessPolicies")
    if policies is None and not given.get("enableRbacAuthorization") and not is_unknown(given):
        message = "The parameter accessPolicies is not specified, and enableRbacAuthorization is not true."
        yield CloudApiError("BadRequest", message)


def _vault(api: CloudApi, inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    """A vault that was deleted less than 90 days ago keeps its name, and azure-native recovers it with all that was in
    it (pulumi-azure-native 4450).
    """
    gone = api.gone_min(VAULT, id)
    recovered = {"createMode": "recover"} if gone is not None and gone < VAULT_KEPT_H * 60 else {}
    told: Mapping[str, Any] = inputs.get("properties") or {}
    filled = {"enableSoftDelete": True, "softDeleteRetentionInDays": 90, **told, **recovered}
    return {"properties": {**filled, "vaultUri": f"https://{inputs['vaultName']}.vault.azure.net/"}}


def _logs(api: CloudApi, inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    own = {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}
    given = {name: inputs[name] if inputs.get(name) is not None else value for name, value in own.items()}
    return {**given, "customerId": guid(id), "location": location_of(api, inputs), "tenantId": TENANT}


_S, _A = "Microsoft.Storage", "Microsoft.NetApp"
TYPES = (
    ArmType(
        token=REGISTRY, namespace="Microsoft.ContainerRegistry", path="registries", own_name="registryName",
        longest_name=50, refuse=_refuse_registry, outputs=_registry,
    ),
    ArmType(
        token=ACCOUNT, namespace=_S, path="storageAccounts", own_name="accountName", longest_name=24,
        refuse=_refuse_account, outputs=_account, fixed=frozenset({"isHnsEnabled", "enableNfsV3"}),
        unchanging=("kind",),
    ),
    ArmType(
        token=CONTAINER, namespace=_S, path="storageAccounts/blobServices/containers", own_name="containerName",
        longest_name=63, parents=(("accountName", ACCOUNT),), refuse=_refuse_container,
    ),
    ArmType(
        token=SERVICE, namespace=_S, path="storageAccounts/blobServices", own_name="blobServicesName",
        parents=(("accountName", ACCOUNT),),
    ),
    ArmType(
        token=ENDS, namespace=_S, path="storageAccounts/managementPolicies", own_name="managementPolicyName",
        parents=(("accountName", ACCOUNT),),
    ),
    ArmType(
        token=LUSTRE, namespace="Microsoft.StorageCache", path="amlFilesystems", own_name="amlFilesystemName",
        refuse=_refuse_lustre, outputs=_lustre, ready_min=LUSTRE_MIN, gone_min=LUSTRE_GONE_MIN,
        unchanging=("storageCapacityTiB", "sku.name", "zones", "filesystemSubnet", "identity", "hsm"),
    ),
    ArmType(token=NETAPP_ACCOUNT, namespace=_A, path="netAppAccounts", own_name="accountName", longest_name=128),
    ArmType(
        token=NETAPP_POOL, namespace=_A, path="netAppAccounts/capacityPools", own_name="poolName", longest_name=64,
        parents=(("accountName", NETAPP_ACCOUNT),), refuse=_refuse_netapp_pool, unchanging=("encryptionType",),
    ),
    ArmType(
        token=NETAPP_VOLUME, namespace=_A, path="netAppAccounts/capacityPools/volumes", own_name="volumeName",
        longest_name=64, parents=(("accountName", NETAPP_ACCOUNT), ("poolName", NETAPP_POOL)), refuse=_refuse_volume,
        outputs=_volume, fixed=frozenset({"creationToken", "subnetId", "protocolTypes"}), ready_min=4.0,
    ),
    ArmType(
        token=VAULT, namespace="Microsoft.KeyVault", path="vaults", own_name="vaultName", longest_name=24,
        refuse=_refuse_vault, outputs=_vault,
    ),
    ArmType(
        token=LOGS, namespace="Microsoft.OperationalInsights", path="workspaces", own_name="workspaceName",
        longest_name=63, outputs=_logs,
    ),
)  # fmt: skip
