"""Rights of identities: Azure's built-in roles, each given at one place to one identity."""

from __future__ import annotations

from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

import pulumi
from pulumi_azure_native import authorization


class AzureRole(StrEnum):
    """Built-in roles by their ids, which are the same everywhere ("Azure built-in roles", 2026-11)."""

    NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
    MANAGED_IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
    ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    STORAGE_BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def grant(
    name: str, role: AzureRole, *, subscription: str, principal: pulumi.Input[str], scope: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> authorization.RoleAssignment:  # fmt: skip
    """The role for an identity. Its type is said, as an identity of a minute's age is not found else; and its name
    follows from the stack's, as a second right of the same kind is refused.
    """
    once = pulumi.ResourceOptions(delete_before_replace=True)
    return authorization.RoleAssignment(
        name,
        role_assignment_name=str(uuid5(NAMESPACE_URL, f"{subscription}/{name}/{role.value}")),
        role_definition_id=(
            f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role.value}"
        ),
        principal_id=principal,
        principal_type="ServicePrincipal",
        scope=scope,
        opts=pulumi.ResourceOptions.merge(opts, once),
    )
