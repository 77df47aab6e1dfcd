"""The EKS control plane, and what a node needs to join it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import pulumi
from pulumi_aws import cloudwatch, eks, iam, vpc

from providers.aws.control_plane.eks.add_ons import add_on
from providers.aws.control_plane.eks.key import ClusterKey
from providers.aws.control_plane.eks.kubeconfig import authority_of, kubeconfig
from providers.aws.control_plane.eks.ssm_host import SsmHostHandle
from providers.aws.control_plane.eks.types import EksPlan, InsideReach, PublicReach, ReachPlan
from providers.aws.control_plane.identity import Role, allowing, role_of
from providers.aws.eks_handle import EksHandle
from providers.aws.late_logs import log_group_of
from providers.aws.network.handle import NetworkHandle

_OF_NODES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore")
"""Join, pull images, and let an administrator in through IAM rather than by a key. Pods have roles of their own."""

_PULL_THROUGH = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository", "ecr:TagResource")
"""The first pull of a mirrored image makes its repository (ECR User Guide, pull through cache permissions)."""

_PATIENCE = pulumi.CustomTimeouts(create="1h", update="2h", delete="1h")
"""Deletion was seen to take more than 25 minutes (astronomer-providers pull 1168), and the provider waits 15."""

_SECRETS = ("kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey")
_ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


class Eks(pulumi.ComponentResource):
    """A cluster without nodes: key, logs, roles, the cluster, who may enter, and the add-ons that nodes need first.

    The system pool comes next, by way of `handle.ready`; then EksAddOns; then the other pools.
    """

    handle: EksHandle
    key: ClusterKey
    """Key of its secrets and logs."""

    def __init__(  # noqa: PLR0913 (what surrounds a cluster, by name)
        self, name: str, *, plan: EksPlan, network: NetworkHandle, host: SsmHostHandle | None = None,
        after: Sequence[pulumi.Resource] = (), identity: Mapping[str, str] = MappingProxyType({}),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`host`: what the API server is reached through, where the plan has one. `after`: what the cluster waits for,
        and what outlives it. `identity`: profile and role to enter with.
        """
        super().__init__("penstock:aws:Eks", name, None, opts)
        self._after = list(after)
        log_group = log_group_of(plan.name)
        kept = [plan.kept.log_group] if plan.kept.log_group else []
        key = self.key = ClusterKey(
            f"{name}-key",
            cluster=plan.name,
            region=plan.region,
            log_groups=[log_group, *kept],
            opts=pulumi.ResourceOptions(parent=self),
        )
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            name=log_group,
            kms_key_id=key.arn,
            retention_in_days=plan.log_retention_days,
            tags={"Name": f"{name}-logs"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[key.usable]),
        )
        role = self._cluster_role(f"{name}-cluster", key)
        cluster = self._cluster(f"{name}-cluster", plan, network, role, key, logs)
        nodes = role_of("ec2.amazonaws.com", f"{name}-nodes", managed=_OF_NODES, parent=self)
        mirrors = self._may_mirror(f"{name}-nodes", plan, nodes)
        self._admit_admins(name, plan, cluster)
        first = self._first_add_ons(name, plan, cluster)
        ready: list[pulumi.Resource] = [cluster, *first, *nodes.attached, *mirrors]
        if plan.self_managed_nodes:
            ready.append(self._admit_nodes(f"{name}-nodes", cluster, nodes.role))
        ways_in = tuple(self._ways_in(f"{name}-api", plan.reach, cluster, host))
        self.handle = _handle(
            plan, cluster, nodes.role, tuple(ready), kubeconfig(plan, cluster, host, identity), ways_in
        )
        self.register_outputs({"clusterName": cluster.name, "endpoint": cluster.endpoint})

    def _may_mirror(self, name: str, plan: EksPlan, nodes: Role) -> list[iam.RolePolicy]:
        """In the registry of the stack's region, and below its own name alone."""
        if not plan.pulls_through:
            return []
        opts = pulumi.ResourceOptions(parent=self)
        repositories = f"arn:aws:ecr:{plan.region}:*:repository/{plan.name}/*"
        policy = allowing(_PULL_THROUGH, repositories)
        return [iam.RolePolicy(f"{name}-actions", role=nodes.role.name, policy=policy, opts=opts)]

    def _cluster_role(self, name: str, key: ClusterKey) -> Role:
        made = role_of("eks.amazonaws.com", f"{name}-role", managed=("AmazonEKSClusterPolicy",), parent=self)
        policy = key.arn.apply(lambda arn: allowing(_SECRETS, arn))
        opts = pulumi.ResourceOptions(parent=self)
        secrets = iam.RolePolicy(f"{name}-secrets", role=made.role.name, policy=policy, opts=opts)
        return Role(role=made.role, attached=(*made.attached, secrets))

    def _cluster(
        self, name: str, plan: EksPlan, network: NetworkHandle, role: Role, key: ClusterKey, logs: cloudwatch.LogGroup
    ) -> eks.Cluster:
        """Waits for its logs, which EKS would else make itself, without a key and for ever."""
        return eks.Cluster(
            name,
            name=plan.name,
            version=plan.version,
            role_arn=role.role.arn,
            access_config=eks.ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=True
            ),
            bootstrap_self_managed_addons=False,
            control_plane_scaling_config=eks.ClusterControlPlaneScalingConfigArgs(tier=plan.tier.value),
            enabled_cluster_log_types=list(plan.log_types),
            encryption_config=eks.ClusterEncryptionConfigArgs(
                provider=eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
            ),
            kubernetes_network_config=eks.ClusterKubernetesNetworkConfigArgs(
                ip_family="ipv4", service_ipv4_cidr=plan.service_cidr
            ),
            upgrade_policy=eks.ClusterUpgradePolicyArgs(support_type=plan.support),
            vpc_config=_vpc_config(plan, network),
            tags={"Name": plan.name},
            # Its name is fixed, as the name of its log group follows from it.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[logs, *role.attached, *self._after],
                delete_before_replace=True,
                custom_timeouts=_PATIENCE,
            ),
        )

    def _admit_admins(self, name: str, plan: EksPlan, cluster: eks.Cluster) -> None:
        for arn in plan.admins:
            own = f"{name}-admin-{arn.split(':')[4]}-{arn.rpartition('/')[2]}"
            entry = eks.AccessEntry(
                own,
                cluster_name=cluster.name,
                principal_arn=arn,
                type="STANDARD",
                tags={"Name": own},
                opts=pulumi.ResourceOptions(parent=self),
            )
            eks.AccessPolicyAssociation(
                own,
                cluster_name=cluster.name,
                principal_arn=arn,
                policy_arn=_ADMINISTRATOR,
                access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[entry]),
            )

    def _first_add_ons(self, name: str, plan: EksPlan, cluster: eks.Cluster) -> list[eks.Addon]:
        """One that acts on AWS comes after those before it, of which one hands out its role: without a role the CNI
        gives a node no network, and without that no node becomes ready.
        """
        made: list[eks.Addon] = []
        for one in plan.first_add_ons:
            after = made if one.service_account else ()
            made.append(add_on(f"{name}-{one.name}", plan=one, cluster=cluster.name, after=after, parent=self))
        return made

    def _ways_in(
        self, name: str, reach: ReachPlan, cluster: eks.Cluster, host: SsmHostHandle | None
    ) -> Iterator[pulumi.Resource]:
        """Rules by which the API server's interfaces admit who is to reach them from outside of the cluster: their
        group admits only itself (EKS User Guide, Amazon EKS security group requirements). What makes something in the
        cluster waits for these, and for the host.
        """
        for number, cidr in enumerate(reach.cidrs if isinstance(reach, InsideReach) else (), start=1):
            yield vpc.SecurityGroupIngressRule(
                f"{name}-{number}",
                security_group_id=_group_of(cluster),
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                description="API server, from where pulumi runs",
                tags={"Name": f"{name}-{number}"},
                opts=pulumi.ResourceOptions(parent=self),
            )
        if host is None:
            return
        yield from host.ready
        yield vpc.SecurityGroupIngressRule(
            f"{name}-from-host",
            security_group_id=_group_of(cluster),
            referenced_security_group_id=host.security_group_id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="API server, from the host that leads to it",
            tags={"Name": f"{name}-from-host"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _admit_nodes(self, name: str, cluster: eks.Cluster, role: iam.Role) -> eks.AccessEntry:
        """EKS lets in the nodes of its own groups by itself, and no others."""
        return eks.AccessEntry(
            name,
            cluster_name=cluster.name,
            principal_arn=role.arn,
            type="EC2_LINUX",
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _group_of(cluster: eks.Cluster) -> pulumi.Output[str]:
    return cluster.vpc_config.apply(lambda vpc: str(vpc.cluster_security_group_id))


def _vpc_config(plan: EksPlan, network: NetworkHandle) -> eks.ClusterVpcConfigArgs:
    open_to = plan.reach.cidrs if isinstance(plan.reach, PublicReach) else ()
    further = network.control_plane_security_group_id
    return eks.ClusterVpcConfigArgs(
        subnet_ids=[network.subnet_ids[subnet] for subnet in plan.subnets],
        security_group_ids=None if further is None else [further],
        endpoint_private_access=True,
        endpoint_public_access=bool(open_to),
        public_access_cidrs=list(open_to) or None,
    )


def _handle(
    plan: EksPlan, cluster: eks.Cluster, node_role: iam.Role, ready: tuple[pulumi.Resource, ...],
    config: pulumi.Output[str], ways_in: tuple[pulumi.Resource, ...],
) -> EksHandle:  # fmt: skip
    return EksHandle(
        cluster_name=cluster.name,
        cluster_arn=cluster.arn,
        endpoint=cluster.endpoint,
        certificate_authority=authority_of(cluster),
        cluster_security_group_id=_group_of(cluster),
        version=plan.version,
        node_role_arn=node_role.arn,
        node_role_name=node_role.name,
        service_cidr=plan.service_cidr,
        kubeconfig=config,
        ready=ready,
        ways_in=ways_in,
    )
