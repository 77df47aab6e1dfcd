"""Add-ons of an EKS cluster, each with a role for its pods where they act on AWS."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_aws import eks, iam

from providers.aws.control_plane.eks.types import AddOnPlan, EksPlan, PodRolePlan
from providers.aws.control_plane.identity import SERVICE_OF_PODS, policy_of, role_of
from providers.aws.eks_handle import EksHandle


class EksAddOns(pulumi.ComponentResource):
    """The add-ons that need nodes to become ready, and the rights of penstock's own. They go before those nodes do."""

    def __init__(
        self,
        name: str,
        *,
        plan: EksPlan,
        cluster: EksHandle,
        nodes: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`nodes`: the system pool."""
        super().__init__("penstock:aws:EksAddOns", name, None, opts)
        for one in plan.add_ons:
            add_on(f"{name}-{one.name}", plan=one, cluster=cluster.cluster_name, after=nodes, parent=self)
        for role in plan.pod_roles:
            self._identify(f"{name}-{role.name}", role, cluster)
        self.register_outputs({})

    def _identify(self, name: str, plan: PodRolePlan, cluster: EksHandle) -> None:
        """The role, and the account that has it: there before the pods are, which get it as they start."""
        made = role_of(SERVICE_OF_PODS, name, parent=self)
        own = pulumi.ResourceOptions(parent=self)
        allowed = iam.RolePolicy(name, role=made.role.name, policy=policy_of(plan.statements), opts=own)
        eks.PodIdentityAssociation(
            name,
            cluster_name=cluster.cluster_name,
            namespace=plan.namespace,
            service_account=plan.service_account,
            role_arn=made.role.arn,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )


def add_on(
    name: str,
    *,
    plan: AddOnPlan,
    cluster: pulumi.Input[str],
    after: Sequence[pulumi.Resource] = (),
    parent: pulumi.Resource,
) -> eks.Addon:
    """The add-on at its version, over whatever somebody else has put in its place."""
    identities: list[eks.AddonPodIdentityAssociationArgs] = []
    waits_for = list(after)
    if plan.service_account:
        made = role_of(SERVICE_OF_PODS, name, managed=plan.managed_policies, actions=plan.actions, parent=parent)
        identities.append(
            eks.AddonPodIdentityAssociationArgs(role_arn=made.role.arn, service_account=plan.service_account)
        )
        waits_for += made.attached
    return eks.Addon(
        name,
        addon_name=plan.name,
        addon_version=plan.version,
        cluster_name=cluster,
        configuration_values=plan.configuration or None,
        pod_identity_associations=identities or None,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        tags={"Name": name},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=waits_for),
    )
