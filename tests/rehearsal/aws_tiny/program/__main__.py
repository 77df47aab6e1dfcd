"""A small cluster, as a user's own program would make it: what its stack file changes is what the tests change."""

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
provider = aws.Provider(
    "aws",
    region="us-east-1",
    skip_credentials_validation=True,
    skip_requesting_account_id=True,
    default_tags=aws.ProviderDefaultTagsArgs(tags={"stack": pulumi.get_stack()}),
)
own = pulumi.ResourceOptions(provider=provider)

vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, tags={"Name": "net"}, opts=own)
subnets = [
    aws.ec2.Subnet(
        f"net-{zone}",
        vpc_id=config.get("vpcId") or vpc.id,
        cidr_block=f"10.0.{number}.0/24",
        availability_zone=f"us-east-1{zone}",
        tags={"Name": f"net-{zone}"},
        opts=own,
    )
    for number, zone in enumerate("ab")
]
default = aws.ec2.DefaultSecurityGroup("net-default", vpc_id=vpc.id, opts=own)
gateway = aws.ec2.InternetGateway("net", vpc_id=vpc.id, opts=own)
table = aws.ec2.RouteTable("net", vpc_id=vpc.id, opts=own)
aws.ec2.Route("net", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id, opts=own)
for zone, subnet in zip("ab", subnets, strict=True):
    aws.ec2.RouteTableAssociation(f"net-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=own)
address = aws.ec2.Eip("nat", domain="vpc", opts=own)
aws.ec2.NatGateway("nat", subnet_id=subnets[0].id, allocation_id=address.id, opts=own)
aws.ec2.VpcEndpoint(
    "s3",
    vpc_id=vpc.id,
    service_name="com.amazonaws.us-east-1.s3",
    route_table_ids=[table.id],
    opts=own,
    vpc_endpoint_type="Gateway",
)
group = aws.ec2.SecurityGroup("fabric", vpc_id=vpc.id, description=config.get("groupText") or "fabric", opts=own)
for rule, direction in ((aws.vpc.SecurityGroupIngressRule, "in"), (aws.vpc.SecurityGroupEgressRule, "out")):
    rule(
        f"fabric-{direction}",
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="-1",
        opts=own,
    )
aws.vpc.SecurityGroupEgressRule(
    "fabric-downloads", security_group_id=group.id, cidr_ipv4="0.0.0.0/0", ip_protocol="-1", opts=own
)

key = aws.kms.Key("secrets", description="secrets", enable_key_rotation=True, deletion_window_in_days=7, opts=own)
aws.kms.Alias("secrets", name="alias/secrets", target_key_id=key.key_id, opts=own)
logs = aws.cloudwatch.LogGroup("logs", name="/aws/eks/tiny/cluster", retention_in_days=30, opts=own)


def trust(service: str) -> pulumi.Output[str]:
    """Principals that may take a role."""
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        }
    )


role = aws.iam.Role("cluster", assume_role_policy=trust("eks.amazonaws.com"), opts=own)
policy = aws.iam.RolePolicyAttachment(
    "cluster", role=role.name, policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy", opts=own
)
nodes = aws.iam.Role("nodes", assume_role_policy=trust("ec2.amazonaws.com"), opts=own)
cluster = aws.eks.Cluster(
    "tiny",
    name="tiny",
    version="1.34",
    role_arn=role.arn,
    access_config=aws.eks.ClusterAccessConfigArgs(authentication_mode=config.get("authentication") or "API"),
    vpc_config=aws.eks.ClusterVpcConfigArgs(subnet_ids=[subnet.id for subnet in subnets]),
    encryption_config=aws.eks.ClusterEncryptionConfigArgs(
        provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
    ),
    opts=pulumi.ResourceOptions(
        provider=provider, depends_on=[policy, logs], custom_timeouts=pulumi.CustomTimeouts(delete="45m")
    ),
)
addon = aws.eks.Addon("vpc-cni", cluster_name=cluster.name, addon_name="vpc-cni", opts=own)
placement = aws.ec2.PlacementGroup("train", strategy="cluster", opts=own)
template = aws.ec2.LaunchTemplate(
    "train",
    instance_type=config.get("machine") or "p5.48xlarge",
    network_interfaces=[
        aws.ec2.LaunchTemplateNetworkInterfaceArgs(
            device_index=min(card, 1),
            network_card_index=card,
            interface_type="efa-only" if card else "interface",
            delete_on_termination="true",
            security_groups=[group.id, cluster.vpc_config.apply(lambda vpc: str(vpc.cluster_security_group_id))],
        )
        for card in range(2)
    ],
    placement=aws.ec2.LaunchTemplatePlacementArgs(group_name=placement.name),
    opts=own,
)
count = config.get_int("nodes") or 2
train = aws.eks.NodeGroup(
    "train",
    cluster_name=cluster.name,
    node_role_arn=nodes.arn,
    subnet_ids=[subnets[0].id],
    release_version="1.34.9-20260714",
    launch_template=aws.eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
    scaling_config=aws.eks.NodeGroupScalingConfigArgs(
        min_size=0, max_size=count + (config.get_int("spare") or 0), desired_size=count
    ),
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[addon]),
)
pulumi.export("cluster", cluster.name)
pulumi.export("clusterSecurityGroup", cluster.vpc_config.apply(lambda vpc: str(vpc.cluster_security_group_id)))
pulumi.export("scalingGroup", train.resources[0].autoscaling_groups[0].name)
