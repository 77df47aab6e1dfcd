"""Kubeconfigs of a simulated AKS cluster, in the forms that its credentials are given out in."""

import base64
import json
from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import Outputs
from rehearsal.kubernetes.tokens import LASTING
from rehearsal.providers.azure.words import TENANT, guid

SERVER_APP = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""Application of AKS' servers in every tenant (AKS, kubelogin-authentication)."""
NO_STATIC = "Getting static credential is not allowed because this cluster is set to disable local accounts."


def endpoint_of(cluster: Outputs) -> str:
    private = (cluster.get("apiServerAccessProfile") or {}).get("enablePrivateCluster")
    return f"https://{cluster.get('privateFQDN') if private else cluster.get('fqdn')}:443"


def kubeconfigs(cluster: Outputs, *, admin: bool) -> dict[str, Any]:
    """The answer of listCluster{Admin,User}Credential. Without Entra a user's is the administrator's certificate; the
    cluster's authority is told here alone.
    """
    entra = bool(cluster.get("aadProfile"))
    if cluster.get("disableLocalAccounts") and admin:
        raise CloudApiError("BadRequest", NO_STATIC)
    own = not entra or admin
    user = {"token": token_of(cluster)} if own else {"exec": _exec()}
    name = f"cluster{'Admin' if admin else 'User'}"
    server = {"server": endpoint_of(cluster), "certificate-authority-data": cluster["authority"]}
    text = json.dumps(
        {
            "apiVersion": "v1", "kind": "Config", "current-context": "aks", "preferences": {},
            "clusters": [
                {"name": "aks", "cluster": server}
            ],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "aks", "context": {"cluster": "aks", "user": name}}],
        }
    )  # fmt: skip
    return {"kubeconfigs": [{"name": name, "value": base64.b64encode(text.encode()).decode()}]}


def token_of(cluster: Outputs) -> str:
    """The token that stands beside the certificate in it."""
    return f"{LASTING}{guid(str(cluster.get('fqdn'))).replace('-', '')}"


def _exec() -> dict[str, Any]:
    return {
        "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin", "provideClusterInfo": False,
        "args": ["get-token", "--environment", "AzurePublicCloud", "--server-id", SERVER_APP, "--client-id",
                 "80faf920-1908-4b52-b5ef-a8e7bedfc67a", "--tenant-id", TENANT, "--login", "devicecode"],
    }  # fmt: skip
