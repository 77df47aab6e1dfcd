"""SageMaker HyperPod on the stack's EKS cluster, through Cloud Control."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import cloudcontrol, iam

from providers.aws.control_plane.hyper_pod.plan import HyperPodPlan, InstanceGroupPlan
from providers.aws.control_plane.identity import role_of
from providers.aws.eks_handle import EksHandle
from providers.aws.network.handle import NetworkHandle


class HyperPod(pulumi.ComponentResource):
    """Instance groups whose nodes join the EKS cluster, are checked before they do, and replaced when they fail.

    HyperPod wants its own Helm chart (health agent, device plugins) on the EKS cluster before it makes nodes: the stack
    file says that it is there.
    """

    cluster_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        plan: HyperPodPlan,
        cluster: EksHandle,
        network: NetworkHandle,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`tags` go on the HyperPod cluster: a provider's default tags miss Cloud Control."""
        super().__init__("penstock:aws:HyperPod", name, None, opts)
        role, permissions = self._role(name, plan)
        everywhere = sorted({subnet for group in plan.groups for subnet in group.subnets})
        state = {
            "ClusterName": plan.name,
            "Orchestrator": {"Eks": {"ClusterArn": cluster.cluster_arn}},
            "NodeRecovery": "Automatic",
            "VpcConfig": _place(everywhere, cluster, network),
            "InstanceGroups": [_group(group, plan, role, cluster, network) for group in plan.groups],
            "Tags": [{"Key": key, "Value": value} for key, value in sorted({**(tags or {}), "Name": name}.items())],
        }
        ready = [*permissions, *cluster.ready, *network.ready]
        made = cloudcontrol.Resource(
            f"{name}-cluster",
            type_name="AWS::SageMaker::Cluster",
            desired_state=pulumi.Output.json_dumps(state, sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready, custom_timeouts=_PATIENCE),
        )
        self.cluster_arn = made.properties.apply(lambda properties: str(json.loads(properties)["ClusterArn"]))
        self.register_outputs({"clusterArn": self.cluster_arn})

    def _role(self, name: str, plan: HyperPodPlan) -> tuple[iam.Role, list[pulumi.Resource]]:
        managed = ["AmazonSageMakerClusterInstanceRolePolicy"]
        nodes = role_of("sagemaker.amazonaws.com", f"{name}-nodes", managed=managed, actions=_ON_ANY, parent=self)
        scripts = iam.RolePolicy(
            f"{name}-scripts",
            role=nodes.role.name,
            policy=_may_read_scripts(plan),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return nodes.role, [*nodes.attached, scripts]


_PATIENCE = pulumi.CustomTimeouts(create="6h", update="6h", delete="2h")
"""Deep health checks alone take about two hours (SageMaker Developer Guide), which is all that the provider waits."""


def _may_read_scripts(plan: HyperPodPlan) -> str:
    """And tag the interfaces that a node makes for its pods."""
    bucket, _, prefix = plan.lifecycle_scripts.removeprefix("s3://").partition("/")
    scripts = f"arn:aws:s3:::{bucket}/{prefix}".rstrip("/")
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"{scripts}/*"},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": f"arn:aws:s3:::{bucket}"},
        {"Effect": "Allow", "Action": ["ec2:CreateTags"], "Resource": "arn:aws:ec2:*:*:network-interface/*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)


_ON_ANY = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:AttachNetworkInterface",
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcs",
    "ec2:DetachNetworkInterface",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "eks-auth:AssumeRoleForPodIdentity",
]
"""SageMaker Developer Guide, "IAM role for SageMaker HyperPod": the additions for EKS."""


def _group(
    group: InstanceGroupPlan, plan: HyperPodPlan, role: iam.Role, cluster: EksHandle, network: NetworkHandle
) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "InstanceGroupName": group.pool,
        "InstanceType": group.machine_type,
        "InstanceCount": group.count,
        "ExecutionRole": role.arn,
        "LifeCycleConfig": {"SourceS3Uri": plan.lifecycle_scripts, "OnCreate": "on_create.sh"},
        "InstanceStorageConfigs": [{"EbsVolumeConfig": {"VolumeSizeInGB": group.disk_gib}}],
        "OverrideVpcConfig": _place(group.subnets, cluster, network),
        "KubernetesConfig": _on_kubernetes(group),
    }
    if plan.health_checks:
        asked["OnStartDeepHealthChecks"] = list(plan.health_checks)
    if plan.training_plan:
        asked["TrainingPlanArn"] = plan.training_plan
    return asked


def _on_kubernetes(group: InstanceGroupPlan) -> dict[str, Any]:
    """Without the value where there is none: the API takes no empty one."""
    taints = [
        {"Key": taint.key, "Effect": taint.effect.value} | ({"Value": taint.value} if taint.value else {})
        for taint in group.taints
    ]
    return {"Labels": dict(group.labels), "Taints": taints}


def _place(subnets: tuple[str, ...] | list[str], cluster: EksHandle, network: NetworkHandle) -> dict[str, Any]:
    gang = network.gang_security_group_id
    groups = [cluster.cluster_security_group_id, *([gang] if gang is not None else [])]
    return {"Subnets": [network.subnet_ids[subnet] for subnet in subnets], "SecurityGroupIds": groups}
