"""Rows of AWS for the field rules: which field of which resource type means what, each with its source."""

from datetime import date

from rehearsal.field.facts import (
    AutoscalerRow,
    CloudAddonRow,
    EndpointRow,
    FieldFacts,
    ImageRow,
    MarkRow,
    NameRow,
    PoolRow,
    RegistryRow,
    ReleaseRow,
    ResizerRow,
    ServedRow,
    SettlingRow,
    SizeRow,
    VersionRow,
)
from rehearsal.field.service_facts import (
    EntranceRow,
    ExclusiveRow,
    HostDataRow,
    JobRoleRow,
    PodRightRow,
    PreparedRow,
    ReachHostRow,
    RepairRow,
    ReservedRow,
    StoreRow,
    SupportRow,
)
from rehearsal.providers.aws.change_facts import CHANGES, FOLLOWERS, VOLATILE
from rehearsal.providers.aws.group_facts import REFRESHES, size_of
from rehearsal.providers.aws.inside_facts import AGENTS, BALANCERS, BOUNDED
from rehearsal.providers.aws.lustre_facts import FABRIC_MOUNTS
from rehearsal.providers.aws.machine_facts import LABELLED, MACHINES
from rehearsal.providers.aws.network_facts import CONTAINER_NETWORKS, EXISTING
from rehearsal.providers.aws.place_facts import PARTITIONS, PATIENCE, PLACES
from rehearsal.providers.aws.provisioner_facts import KARPENTER
from rehearsal.providers.aws.resource_types import (
    ADDON,
    BATCH,
    CLUSTER,
    EFA,
    GPU,
    IDENTITY,
    LUSTRE,
    NODE_GROUP,
    TEMPLATE,
)  # fmt: skip

VERSIONS = "EKS User Guide, Update existing cluster to new Kubernetes version"
AUTOSCALER = "kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/README.md"

FACTS = FieldFacts(
    volatile=VOLATILE,
    patience=PATIENCE,
    places=PLACES,
    partitions=PARTITIONS,
    nodes="aws",
    existing=(EXISTING,),
    machines=MACHINES,
    node_labels=LABELLED,
    endpoints=(
        EndpointRow(
            resource=CLUSTER, cluster="name", public="vpcConfig.endpointPublicAccess", public_unless_said=True,
            open_to="vpcConfig.publicAccessCidrs", open_unless_said=("0.0.0.0/0",),
            group="vpcConfig.clusterSecurityGroupId", source="EKS User Guide, Cluster API server endpoint",
        ),
    ),
    reach_hosts=(
        ReachHostRow(
            group="aws:autoscaling/group:Group", network="aws:ec2/vpc:Vpc", least="minSize",
            subnets="vpcZoneIdentifiers", template="launchTemplate.id", templates=TEMPLATE, image="imageId",
            images=r"/(al2023|amzn2)-ami-(kernel|hvm)-|/ubuntu/|eks/optimized",
            security_groups="networkInterfaces.securityGroups", profile="iamInstanceProfile.arn",
            profiles="aws:iam/instanceProfile:InstanceProfile",
            policies="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            policy=":policy/AmazonSSMManagedInstanceCore$", services=("ssm", "ssmmessages"),
            endpoint="aws:ec2/vpcEndpoint:VpcEndpoint",
            associations="aws:ec2/routeTableAssociation:RouteTableAssociation", routes="aws:ec2/route:Route",
            ingress="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            egress="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            source="Systems Manager User Guide, Session Manager prerequisites; AMIs with SSM Agent preinstalled",
        ),
    ),
    pools=(
        PoolRow(
            resource=NODE_GROUP, name="nodeGroupName", machine_type=("launchTemplate.id>instanceType", "instanceTypes"),
            labels="labels", taints="taints", minimum="scalingConfig.minSize", desired="scalingConfig.desiredSize",
            maximum="scalingConfig.maxSize", fabric="launchTemplate.id>networkInterfaces.interfaceType",
            fabric_kind="efa", fabric_device=EFA,
            fabric_huge_pages_mib=10256,  # EKS User Guide, Manage EFA devices: 5128 pages of 2 MiB
            group="resources.autoscalingGroups.name", market="capacityType", spare_market="SPOT",
            given_up="aws/containers-roadmap 2204, eksctl-io/eksctl 4406 and 4732: CREATE_FAILED",
            effects={
                "NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule",
            },
        ),
    ),
    addons=(CloudAddonRow(resource=ADDON, chart="addonName", values="configurationValues"),),
    registries=(
        RegistryRow(
            host=r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?",
            repositories=(("aws:ecr/repository:Repository", "name"),),
            mirrors=(("aws:ecr/pullThroughCacheRule:PullThroughCacheRule", "ecrRepositoryPrefix"),),
            mirror_needs_way_out=True,  # ECR User Guide, Interface VPC endpoints: the first pull of an image
            pull_rights=(
                (
                    "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn",
                    "AmazonEC2ContainerRegistry(PullOnly|ReadOnly|PowerUser|FullAccess)|AmazonEC2ContainerServiceforEC2",
                ),
            ),
            source="ECR User Guide, Creating an Amazon ECR private repository",
        ),
    ),
    images=(
        ImageRow(resource="aws:batch/jobDefinition:JobDefinition", path="containerProperties.image"),
        ImageRow(
            resource="aws:batch/jobDefinition:JobDefinition", path="nodeProperties.nodeRangeProperties.container.image"
        ),
    ),
    pushers=("docker-build:", "docker:index/image", "awsx:ecr:Image", "aws:codebuild/project"),
    ways_out=("aws:ec2/natGateway:NatGateway", "aws:ec2/transitGatewayVpcAttachment:TransitGatewayVpcAttachment"),
    changes=CHANGES,
    releases=(
        ReleaseRow(
            resource=NODE_GROUP, field="releaseVersion",
            source="EKS API Reference, CreateNodegroup: else the latest; awslabs/amazon-eks-ami 2706, 2790: no GPUs",
        ),
    ),
    versions=(
        VersionRow(resource=CLUSTER, path="version", source=VERSIONS, followers=((NODE_GROUP, "version"),)),
    ),
    sizes=(
        SizeRow(resource=LUSTRE, path="storageCapacity", source="FSx for Lustre User Guide, Managing storage capacity"),
        SizeRow(
            resource=LUSTRE, path="metadataConfiguration.iops",
            source="FSx for Lustre User Guide, Managing metadata performance: increased, never decreased",
        ),
        SizeRow(resource="aws:ebs/volume:Volume", path="size", source="EBS User Guide, Modify a volume"),
    ),
    names=(
        NameRow(
            resource="aws:secretsmanager/secret:Secret", path="name", held_h=7 * 24,
            source="Secrets Manager API Reference, DeleteSecret: a recovery window of 7 to 30 days",
        ),
        NameRow(
            resource="aws:s3/bucket:Bucket", path="bucket", held_h=1,
            source="S3 User Guide, Bucket naming rules: a deleted name may take time until it can be used again",
        ),
    ),
    resizers=(
        ResizerRow(resource="aws:autoscaling/schedule:Schedule", group="autoscalingGroupName"),
        ResizerRow(resource="aws:autoscaling/policy:Policy", group="autoscalingGroupName"),
    ),
    autoscalers=(
        AutoscalerRow(
            chart="cluster-autoscaler", needs=("autoDiscovery.clusterName", "autoscalingGroups"), right=IDENTITY,
            account="serviceAccount", role="roleArn", account_value="rbac.serviceAccount.name",
            account_pattern="autoscaler", policy="aws:iam/rolePolicy:RolePolicy", policy_role="role",
            policy_actions="policy.Statement.Action",
            actions=(
                "autoscaling:DescribeAutoScalingGroups", "autoscaling:SetDesiredCapacity",
                "autoscaling:TerminateInstanceInAutoScalingGroup", "ec2:DescribeInstanceTypes", "eks:DescribeNodegroup",
            ),
            finds_by="autoDiscovery.tags", tag="aws:autoscaling/tag:Tag", tag_group="autoscalingGroupName",
            tag_key="tag.key",
            tagged_by_cloud=("k8s.io/cluster-autoscaler/",),  # EKS User Guide, Managed node groups concepts
            device_tag="k8s.io/cluster-autoscaler/node-template/resources/", devices_known=(GPU,),
            awaits={GPU: "k8s.amazonaws.com/accelerator"}, source=AUTOSCALER,
            expander="extraArgs.expander", priorities="expanderPriorities",
            balances="extraArgs.balance-similar-node-groups", notices_by="autoscaling:DescribeScalingActivities",
            fallback_source=(
                "kubernetes/autoscaler: expander/priority/readme.md; cloudprovider/aws, auto_scaling_groups.go and "
                "aws_cloud_provider.go (DeleteNodes); clusterstate.go (GetUpcomingNodes)"
            ),
        ),
        AutoscalerRow(
            chart="karpenter", needs=("settings.clusterName",), right=IDENTITY, account="serviceAccount",
            role="roleArn", account_pattern="karpenter", policy="aws:iam/rolePolicy:RolePolicy", policy_role="role",
            policy_actions="policy.Statement.Action",
            actions=(
                "ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:CreateTags", "ec2:DescribeInstanceTypes",
                "ec2:DescribeSubnets", "ec2:RunInstances", "ec2:TerminateInstances", "eks:DescribeCluster",
                "iam:GetInstanceProfile", "iam:PassRole", "sqs:DeleteMessage", "sqs:ReceiveMessage", "ssm:GetParameter",
            ),
            source="Karpenter v1.14, Getting started, cloudformation.yaml: the controller's policies",
            fallback_source="Karpenter v1.14, Scheduling, Weighted NodePools",
        ),
    ),
    provisioners=(KARPENTER,),
    served=(
        ServedRow(
            kind="NetworkPolicy", chart="vpc-cni", switch="enableNetworkPolicy",
            effect="every pod reaches every other",
            source="EKS User Guide, Limit pod traffic with Kubernetes network policies: off by default",
            names="spec.ingress.ports.port",
            names_source="aws/amazon-network-policy-controller-k8s 81: looked for among the ports of who comes",
        ),
    ),
    no_default_class="EKS User Guide, release notes of Kubernetes 1.30: gp2 is no longer made the default class",
    settling=(
        SettlingRow(
            made=ADDON, made_where=("addonName", "eks-pod-identity-agent"), user=ADDON,
            user_path="podIdentityAssociations", minutes=1,
            source="terraform-aws-modules/terraform-aws-eks 3260: aws-node crashes while no agent hands out its role",
        ),
        SettlingRow(
            made="aws:iam/instanceProfile:InstanceProfile", user="aws:cloudcontrol/resource:Resource",
            user_path="desiredState.IamInstanceProfileArn", minutes=0.5, waits_on="time:index/sleep:Sleep",
            outlasted_by=("aws:cloudcontrol/resource:Resource", "typeName", "AWS::PCS::Cluster"),
            source="IAM User Guide, Troubleshoot: changes that I make are not always immediately visible",
        ),
        SettlingRow(
            made="aws:iam/instanceProfile:InstanceProfile", user=BATCH, user_path="computeResources.instanceRole",
            minutes=0.5, waits_on="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            source="IAM User Guide, Troubleshoot; Batch User Guide: a compute environment without its role is INVALID",
        ),
    ),
    stores=(
        StoreRow(
            resource="aws:s3/bucket:Bucket", named="arn", actions=("s3:ListBucket", "s3:GetObject", "s3:PutObject"),
            source="S3 User Guide, Identity and access management: denied unless a policy allows it",
        ),
        StoreRow(
            resource="aws:s3/directoryBucket:DirectoryBucket", named="arn", actions=("s3express:CreateSession",),
            source="S3 User Guide, Authorizing Zonal endpoint API operations with CreateSession",
        ),
    ),
    pod_rights=(
        PodRightRow(
            right=IDENTITY, namespace="namespace", role="roleArn", policy="aws:iam/rolePolicy:RolePolicy",
            policy_role="role", statements="policy.Statement", action="Action", target="Resource",
            source="EKS Best Practices Guide, Identity and access management: least privileged access to applications",
        ),
    ),
    repairs=(
        RepairRow(
            resource=NODE_GROUP, pool="nodeGroupName", enabled="nodeRepairConfig.enabled",
            bounds=tuple(
                (f"nodeRepairConfig.max{bound}Count", f"nodeRepairConfig.max{bound}Percentage")
                for bound in ("ParallelNodesRepaired", "UnhealthyNodeThreshold")
            ),
            overrides="nodeRepairConfig.nodeRepairConfigOverrides", reason="nodeUnhealthyReason",
            action="repairAction", left_alone="NoAction",
            needless=(
                # aws/eks-node-monitoring-agent 266, aws/containers-roadmap 2555
                (GPU, "DCGMError", "one start too late of the agent's own host engine, and a healthy node goes"),
                # NVIDIA, Xid Errors
                (GPU, "NvidiaXID13Error", "a program's own fault takes the node from every other"),
                (GPU, "NvidiaXID31Error", "a program's own fault takes the node from every other"),
            ),
            source="EKS User Guide, Automatic node repair and Detect node health issues",
        ),
    ),
    exclusive=(
        ExclusiveRow(
            resource=BATCH, one="computeResources.securityGroupIds",
            other="computeResources.launchTemplate.launchTemplateId>networkInterfaces",
            source="aws/aws-cdk 21577: security groups of the compute environment or interfaces of the template",
        ),
    ),
    container_networks=CONTAINER_NETWORKS,
    job_roles=(
        JobRoleRow(
            resource="aws:batch/jobDefinition:JobDefinition",
            role=(
                "nodeProperties.nodeRangeProperties.container.jobRoleArn", "containerProperties.jobRoleArn",
                "ecsProperties.taskProperties.taskRoleArn",
            ),
            store="aws:s3/bucket:Bucket", policy="aws:iam/rolePolicy:RolePolicy", policy_role="role",
            policy_actions="policy.Statement.Action", actions=("s3:ListBucket", "s3:GetObject", "s3:PutObject"),
            source="Batch API Reference, ContainerProperties.jobRoleArn: the role of the job's container",
        ),
        JobRoleRow(
            resource="aws:cloudcontrol/resource:Resource", where=("typeName", "AWS::PCS::ComputeNodeGroup"),
            role=("desiredState.IamInstanceProfileArn",), profile="aws:iam/instanceProfile:InstanceProfile",
            store="aws:s3/bucket:Bucket",
            policy="aws:iam/rolePolicy:RolePolicy", policy_role="role", policy_actions="policy.Statement.Action",
            actions=("s3:ListBucket", "s3:GetObject", "s3:PutObject"),
            source="PCS User Guide, Instance profiles: jobs act as the node that they run on",
        ),
    ),
    fabric_mounts=FABRIC_MOUNTS,
    refreshes=REFRESHES,
    sizes_of=size_of,
    host_data=(
        HostDataRow(
            template=TEMPLATE, data="userData", users=FOLLOWERS, policy="aws:efs/fileSystemPolicy:FileSystemPolicy",
            policy_text="policy", target="aws:efs/mountTarget:MountTarget",
            source="EFS User Guide, Encrypting data in transit; Creating mount targets",
        ),
    ),
    entrances=(
        EntranceRow(
            resource="aws:cloudcontrol/resource:Resource", kind="typeName", cluster="AWS::PCS::Cluster",
            group="AWS::PCS::ComputeNodeGroup", queue="AWS::PCS::Queue", id="properties.Id",
            members="desiredState.ComputeNodeGroupConfigurations.ComputeNodeGroupId",
            least="desiredState.ScalingConfiguration.MinInstanceCount",
            source="PCS User Guide, Login nodes: a compute node group in no queue, or a host of one's own",
        ),
    ),
    prepared=(
        PreparedRow(
            resource="aws:cloudcontrol/resource:Resource", path="typeName", value="AWS::SageMaker::Cluster",
            host=CLUSTER, chart="hyperpod*",
            source="SageMaker Developer Guide, Installing packages on the EKS cluster using Helm: required before",
        ),
    ),
    reserved=(
        ReservedRow(
            resource=TEMPLATE,
            target="capacityReservationSpecification.capacityReservationTarget.capacityReservationId",
            alike=("instanceType", "instanceMarketOptions.marketType", "placement.groupName"),
            source="EC2 User Guide, Capacity Reservations: instance type, placement group and kind have to match",
        ),
    ),
    support=(
        SupportRow(
            resource=CLUSTER, path="version",
            ends={
                "1.29": date(2026, 3, 23), "1.30": date(2026, 7, 23), "1.31": date(2026, 11, 26),
                "1.32": date(2027, 3, 23), "1.33": date(2027, 7, 29), "1.34": date(2027, 12, 2),
            },
            source="EKS User Guide, Understand the Kubernetes version lifecycle: end of extended support",
        ),
    ),
    agents=AGENTS,
    bounded=BOUNDED,
    balancers=BALANCERS,
    marks=(
        MarkRow(
            longest_key=63, empty_values=False,
            source="EKS API Reference, CreateNodegroup: keys of labels and taints of 1 to 63, label values of 1 to 63",
        ),
    ),
)  # fmt: skip
