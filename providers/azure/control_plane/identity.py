"""Identities of an AKS cluster and their rights, made before it: rights take minutes to be known."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import managedidentity, resources

from providers.azure.aks_handle import IdentityHandle
from providers.azure.images.address import registry_id
from providers.azure.network.handle import AzureNetworkHandle
from providers.azure.rights import SettledRights
from providers.azure.roles import AzureRole, grant
from providers.azure.types import AksPlan


class AksIdentity(pulumi.ComponentResource):
    """The control plane's identity, which may use the network, and that of the nodes, which may pull images."""

    handle: IdentityHandle

    def __init__(
        self, name: str, *, plan: AksPlan, network: AzureNetworkHandle, tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("penstock:azure:Identity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = resources.ResourceGroup(
            f"{name}-group", resource_group_name=plan.group, location=plan.region, tags=dict(tags), opts=child
        )
        control, nodes = (
            managedidentity.UserAssignedIdentity(
                f"{name}-{one}",
                resource_name_=f"{plan.name}-{one}",
                resource_group_name=group.name,
                location=plan.region,
                tags=dict(tags),
                opts=child,
            )
            for one in ("control-plane", "nodes")
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=list(network.ready))
        rights = [
            grant(
                f"{name}-network-{index}", AzureRole.NETWORK_CONTRIBUTOR, subscription=plan.subscription,
                principal=control.principal_id, scope=scope, opts=after,
            )
            for index, scope in enumerate(network.scopes)
        ]  # fmt: skip
        rights.append(
            grant(
                f"{name}-operates-nodes", AzureRole.MANAGED_IDENTITY_OPERATOR, subscription=plan.subscription,
                principal=control.principal_id, scope=nodes.id, opts=child,
            )
        )  # fmt: skip
        if plan.pulls:
            scope = registry_id(plan.subscription, plan.registry_group, plan.registry)
            rights.append(
                grant(
                    f"{name}-pulls", AzureRole.ACR_PULL, subscription=plan.subscription, principal=nodes.principal_id,
                    scope=scope, opts=child,
                )
            )  # fmt: skip
        settled = SettledRights(
            f"{name}-rights", subscription=plan.subscription, assignments=[right.id for right in rights], opts=child
        )
        self.handle = IdentityHandle(
            group=group.name,
            control_plane=control.id,
            nodes=nodes.id,
            nodes_client=nodes.client_id,
            nodes_principal=nodes.principal_id,
            ready=(settled,),
        )
        self.register_outputs({})
