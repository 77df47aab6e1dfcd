"""Functions of azure-native that a program calls, answered out of the account."""

from collections.abc import Mapping
from typing import Any

from rehearsal.cloud.account import Account
from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.azure.kubeconfigs import kubeconfigs
from rehearsal.providers.azure.names import CLUSTER
from rehearsal.providers.azure.words import TENANT, guid, not_found

USER = "azure-native:containerservice:listManagedClusterUserCredentials"
ADMIN = "azure-native:containerservice:listManagedClusterAdminCredentials"
CONFIG = "azure-native:authorization:getClientConfig"


def invoke(account: Account, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer. Refuses (CloudApiError) a function that is not simulated, and what is not there."""
    if token == CONFIG:
        caller = guid("whoever runs the rehearsal")
        return {"clientId": caller, "objectId": caller, "subscriptionId": account.rules.account_id, "tenantId": TENANT}
    if token in (USER, ADMIN):
        name = str(arguments.get("resourceName"))
        found = account.find(CLUSTER, name)
        if found is None:
            raise not_found(name, CLUSTER)
        return kubeconfigs(found.outputs, admin=token == ADMIN)
    raise CloudApiError("Error", f"no oracle answers {token}; add it to rehearsal/providers/azure/invokes.py")
