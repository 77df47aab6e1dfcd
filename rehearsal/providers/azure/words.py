"""Ids and error messages of Azure Resource Manager."""

import hashlib
import re
import uuid
from collections.abc import Sequence

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Demand

SUBSCRIPTION = "00000000-0000-4000-8000-00000000a2e5"
"""Subscription of every program: its id is made up."""
TENANT = "00000000-0000-4000-8000-0000000007e4"
_GROUP = r"/subscriptions/[^/\s]+/resource[gG]roups/[^/\s]+"
_REFERENCE = re.compile(rf"{_GROUP}(?:/providers/[^/\s]+(?:/[^/\s]+/[^/\s]+)+)?")
REGISTRIES = "/providers/Microsoft.ContainerRegistry/"
UNBLOCKING = ("Microsoft.ManagedIdentity", "Microsoft.Authorization", "Microsoft.OperationalInsights",
              "Microsoft.KeyVault", "Microsoft.Storage", "Microsoft.ContainerRegistry")  # fmt: skip
"""Providers whose resources may be deleted while others name them: nothing but the deleter is warned (ARM has no
references between them)."""
CONFLICT, NOT_FOUND, BAD, FORBIDDEN = "Conflict", "ResourceNotFound", "BadRequest", "AuthorizationFailed"


def is_reference(text: str) -> bool:
    """Tells that the text, as a whole, is the id of a resource in a resource group, or of such a group. A registry is
    none: penstock's own command makes it beside every stack, before `up`.
    """
    return _REFERENCE.fullmatch(text) is not None and REGISTRIES not in text


def blocks_deletion(text: str) -> bool:
    """True for what cannot go while others name it, such as a subnet; a group takes all that it has with it."""
    return is_reference(text) and "/providers/" in text and not any(f"/{one}/" in text for one in UNBLOCKING)


def not_found(text: str, token: str = "") -> CloudApiError:
    """ARM's error for an id, or a name, of what is not there."""
    if token.endswith("ResourceGroup") or (is_reference(text) and "/providers/" not in text):
        return CloudApiError("ResourceGroupNotFound", f"Resource group '{text.rpartition('/')[2]}' could not be found.")
    if "/subnets/" in text or "/virtualNetworks/" in text:
        return CloudApiError("InvalidResourceReference", f"Resource {text} referenced by resource was not found.")
    kind = token.rpartition(":")[2] or "Resource"
    return CloudApiError(NOT_FOUND, f"The {kind} '{text}' was not found.")


def not_ready(what: str) -> CloudApiError:
    return CloudApiError(CONFLICT, f"The resource {what} is not in provisioning state Succeeded.")


def busy(what: str) -> CloudApiError:
    """Azure's error for an operation beside another: of a cluster one that nobody repeats, of a network one that
    azure-native does (pulumi/pulumi-azure-native, client_azcore.go, shouldRetryConflict).
    """
    if what.startswith("cluster "):
        return CloudApiError(
            "OperationNotAllowed",
            f"Operation is not allowed: Another operation on {what} is in progress, please wait for it to finish "
            "before starting a new operation. See https://aka.ms/aks-pending-operation for more details",
        )
    return CloudApiError("AnotherOperationInProgress", f"Another operation on this or dependent {what} is in progress.")


IN_USE = {"Subnet": "InUseSubnetCannotBeDeleted", "VirtualNetwork": "InUseSubnetCannotBeDeleted",
          "NatGateway": "NatGatewayInUseBySubnet", "PublicIPAddress": "PublicIPAddressCannotBeDeleted",
          "NetworkSecurityGroup": "InUseNetworkSecurityGroupCannotBeDeleted"}  # fmt: skip


def in_use(token: str, id: str, by: Sequence[str]) -> CloudApiError:  # noqa: A002 (the engine's own word)
    word = token.rpartition(":")[2]
    code = IN_USE.get(word, "CannotDeleteResource")
    return CloudApiError(code, f"{word} {id.rpartition('/')[2]} is in use by {', '.join(by)} and cannot be deleted.")


def already_exists(token: str, id: str) -> CloudApiError:  # noqa: A002 (the engine's own word)
    """azure-native's own: it looks before it creates (client_azcore.go, CanCreate)."""
    if token.endswith("RoleAssignment"):
        return CloudApiError("RoleAssignmentExists", "The role assignment already exists.")
    return CloudApiError("Error", f"cannot create already existing resource '{id}'")


def throttled(operation: str) -> CloudApiError:
    return CloudApiError("TooManyRequests", "The request is being throttled (429).", operation=operation)


def partial(demand: Demand, launched: int) -> str:
    """Reason of a pool of which some machines came up: they are there and paid for."""
    return (
        f"AllocationFailed: {launched} of {demand.count} instances of {demand.machine_types[0]} were created. VMSSAgent"
        "PoolReconciler retry failed: Allocation failed. We do not have sufficient capacity for the requested VM size "
        "in this region."
    )


def no_capacity(demand: Demand, machine_type: str) -> str:
    """Reason of a pool for which there are no machines (AKS, upgrade-capacity-cost-planning)."""
    if demand.zones:
        where = f"the zone '{', '.join(demand.zones)}'"
        return (
            f"ZonalAllocationFailed: Allocation failed. We do not have sufficient capacity for the requested VM size "
            f"{machine_type} in {where}."
        )
    return (
        f"AllocationFailed: Allocation failed. We do not have sufficient capacity for the requested VM size "
        f"{machine_type} in this region."
    )


def guid(text: str) -> str:
    """An id such as Azure gives, the same for the same text."""
    return str(uuid.UUID(hashlib.sha256(text.encode()).hexdigest()[:32], version=4))


def refuse(code: str, message: str) -> CloudApiError:
    return CloudApiError(code, message)
