"""Kubeconfig of an AKS cluster: by Microsoft Entra without a token of its own, or by the cluster's certificate."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pulumi
import yaml
from pulumi_azure_native import containerservice

from providers.azure.control_plane.kubelogin import INSTALL, PLUGIN, SERVER
from providers.azure.types import AksPlan, EntraAccess, InsideAksReach


def kubeconfig(plan: AksPlan, cluster: containerservice.ManagedCluster, group: pulumi.Input[str]) -> pulumi.Output[str]:
    """JSON, secret. AKS alone tells the cluster's authority, with the credentials of a user."""
    told = containerservice.list_managed_cluster_user_credentials_output(
        resource_group_name=group, resource_name=cluster.name
    )
    found = told.apply(lambda answer: document(plan, str(answer.kubeconfigs[0].value)))
    return pulumi.Output.secret(pulumi.Output.json_dumps(found))


def endpoint_of(plan: AksPlan, cluster: containerservice.ManagedCluster) -> pulumi.Output[str]:
    """Host of the API server."""
    return cluster.private_fqdn if isinstance(plan.reach, InsideAksReach) else cluster.fqdn


def document(plan: AksPlan, told: str) -> dict[str, Any]:
    """The kubeconfig that AKS tells, in base64, with who comes in by Entra as the stack file has it."""
    given: dict[str, Any] = yaml.safe_load(base64.b64decode(told))
    server: Mapping[str, Any] = given["clusters"][0]["cluster"]
    user = given["users"][0]["user"] if not isinstance(plan.access, EntraAccess) else _by_entra(plan, plan.access)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": plan.name,
        "clusters": [{"name": plan.name, "cluster": dict(server)}],
        "contexts": [{"name": plan.name, "context": {"cluster": plan.name, "user": plan.name}}],
        "users": [{"name": plan.name, "user": user}],
    }


def _by_entra(plan: AksPlan, access: EntraAccess) -> dict[str, Any]:
    arguments = ["get-token", "--login", access.login, "--server-id", SERVER, "--tenant-id", plan.tenant]
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": PLUGIN,
        "args": arguments,
        "interactiveMode": "Never",
        "provideClusterInfo": False,
        "installHint": f"{PLUGIN}: {INSTALL}",
    }
    return {"exec": command}
