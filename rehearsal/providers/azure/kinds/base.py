"""Resource groups, identities, roles."""

import re
from collections.abc import Iterator
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs
from rehearsal.providers.azure.arm import ArmType
from rehearsal.providers.azure.names import FEDERATED, GROUP, IDENTITY, ROLE
from rehearsal.providers.azure.words import TENANT, guid

MOST_CREDENTIALS = 20
NEW_MIN = 1.0
"""Minutes until a new identity is known everywhere (tembo-io/tembo 1064; HubAndSpokeResearchEnclave 50)."""
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
AUDIENCE = "api://AzureADTokenExchange"


class _Group(ArmType):
    """A resource group: its id has no provider, and all that lies in it goes with it."""

    __slots__ = ()

    def id(self, api: CloudApi, inputs: Inputs) -> str:
        return f"/subscriptions/{api.account_id}/resourceGroups/{inputs['resourceGroupName']}"

    def _require_places(self, api: CloudApi, inputs: Inputs) -> None:
        """A group lies in no other."""


class _Role(ArmType):
    """A role assignment lies where its scope is."""

    __slots__ = ()

    def id(self, api: CloudApi, inputs: Inputs) -> str:  # noqa: ARG002 (the form of every type)
        name = inputs["roleAssignmentName"]
        return f"{inputs['scope']}/providers/Microsoft.Authorization/roleAssignments/{name}"


def _identity(api: CloudApi, inputs: Inputs, id: str) -> Outputs:  # noqa: A002, ARG001 (the engine's own word)
    return {"principalId": guid(f"principal {id}"), "clientId": guid(f"client {id}"), "tenantId": TENANT}


def _refuse_role(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    name, principal = inputs["roleAssignmentName"], inputs["principalId"]
    if not is_unknown(name) and GUID.fullmatch(str(name)) is None:
        message = f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
        yield CloudApiError("InvalidRoleAssignmentId", message)
    if is_unknown(principal):
        return
    made = next((one for one in api.listed(IDENTITY) if one.get("principalId") == principal), None)
    age = api.age_min(IDENTITY, str(made["id"])) if made else None
    if inputs.get("principalType") is None and age is not None and age < NEW_MIN:
        # The service's words (jtracey93/HubAndSpokeResearchEnclave 50, 2024).
        yield CloudApiError(
            "PrincipalNotFound",
            f"Principal {principal} does not exist in the directory {TENANT}. Check that you have the correct "
            "principal ID. If you are creating this principal and then immediately assigning a role, this error might "
            "be related to a replication delay. In this case, set the role assignment principalType property to a "
            "value, such as ServicePrincipal, User, or Group.",
        )
    for one in api.listed(ROLE):
        if _same(one, inputs) and one.get("name") != name:
            yield CloudApiError("RoleAssignmentExists", "The role assignment already exists.")


def _same(one: Outputs, inputs: Inputs) -> bool:
    return all(one.get(name) == inputs.get(name) for name in ("scope", "principalId", "roleDefinitionId"))


def _refuse_credential(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    """Entra ID, "Important considerations for federated identity credentials"."""
    if is_unknown(inputs.get("resourceName")):
        return
    others = [one for one in api.listed(FEDERATED) if one.get("identityName") == inputs["resourceName"]]
    own = [one for one in others if one.get("name") != inputs["federatedIdentityCredentialResourceName"]]
    if len(own) >= MOST_CREDENTIALS:
        yield CloudApiError("Conflict", f"Too many federated identity credentials: {MOST_CREDENTIALS} at most.")
    if any(all(one.get(name) == inputs.get(name) for name in ("issuer", "subject")) for one in own):
        yield CloudApiError("Conflict", "Issuer and subject combination already exists for this Managed Identity.")
    if len(inputs.get("audiences") or ()) != 1:
        yield CloudApiError("BadRequest", f"Exactly one audience is taken, such as {AUDIENCE}.")


def _credential(api: CloudApi, inputs: Inputs, id: str) -> Outputs:  # noqa: A002, ARG001 (the engine's own word)
    return {"identityName": inputs.get("resourceName")}


def _credential_turn(inputs: Inputs) -> str:
    """Credentials of one identity are written one at a time (Entra ID, the same page: 409 otherwise)."""
    return f"identity {inputs.get('resourceName')}"


def _group_outputs(api: CloudApi, inputs: Inputs, id: str) -> dict[str, Any]:  # noqa: A002, ARG001
    return {"properties": {"provisioningState": "Succeeded"}}


TYPES = (
    _Group(
        token=GROUP, namespace="Microsoft.Resources", path="resourceGroups", own_name="resourceGroupName",
        longest_name=90, outputs=_group_outputs, fixed=frozenset({"managedBy"}), gone_min=2.0,
    ),
    ArmType(
        token=IDENTITY, namespace="Microsoft.ManagedIdentity", path="userAssignedIdentities", own_name="resourceName",
        longest_name=128, outputs=_identity,
    ),
    ArmType(
        token=FEDERATED, namespace="Microsoft.ManagedIdentity",
        path="userAssignedIdentities/federatedIdentityCredentials", parents=(("resourceName", IDENTITY),),
        own_name="federatedIdentityCredentialResourceName", longest_name=120, refuse=_refuse_credential,
        outputs=_credential, turn=_credential_turn,
    ),
    _Role(
        token=ROLE, namespace="Microsoft.Authorization", path="roleAssignments", own_name="roleAssignmentName",
        fixed=frozenset({"scope", "principalId", "roleDefinitionId", "principalType", "condition",
                         "conditionVersion", "description", "delegatedManagedIdentityResourceId"}),
        refuse=_refuse_role,
    ),
)  # fmt: skip
"""Roles: azure-native has no update of a role assignment (SDK 3.29.0; the API refuses one)."""
