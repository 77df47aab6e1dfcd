"""Row of AWS for networks that stand there before a stack."""

from rehearsal.field.service_facts import ContainerNetworkRow, ExistingRow

# Addresses of one interface: EC2 User Guide, IP addresses per network interface per instance type.
ADDRESSES = (
    ("*.metal*", 50), ("*.48xlarge", 50), ("*.36xlarge", 50), ("*.32xlarge", 50), ("*.24xlarge", 50),
    ("*.16xlarge", 50), ("*.12xlarge", 30), ("*.8xlarge", 30), ("*.4xlarge", 30), ("*.2xlarge", 15), ("*.xlarge", 15),
)  # fmt: skip

EXISTING = ExistingRow(
    network="aws:ec2/vpc:Vpc",
    switches=("enableDnsSupport", "enableDnsHostnames"),
    switches_source="EKS User Guide, networking requirements for VPC and subnets: DNS hostnames and resolution",
    subnet="aws:ec2/subnet:Subnet",
    range="cidrBlock",
    kept=5,
    addresses=ADDRESSES,
    range_source="aws/amazon-vpc-cni-k8s, README: a node takes whole interfaces; VPC User Guide: 5 addresses are kept",
    zone=("availabilityZone", "availabilityZoneId"),
    given="penstock:cluster.network.existing.subnets",
    zone_source="EC2 User Guide, Regions and Zones: a subnet lies in one zone, and its machines with it",
    pools=(
        ("aws:eks/nodeGroup:NodeGroup", "subnetIds"),
        ("aws:autoscaling/group:Group", "vpcZoneIdentifiers"),
        ("aws:batch/computeEnvironment:ComputeEnvironment", "computeResources.subnets"),
    ),
    pool_name="nodeGroupName",
    table="aws:ec2/routeTable:RouteTable",
    table_subnets="subnetIds",
    routes="routes",
    destination="cidrBlock",
    ways=("natGatewayId", "transitGatewayId", "vpcEndpointId", "networkInterfaceId", "coreNetworkArn"),
    endpoint="aws:ec2/vpcEndpoint:VpcEndpoint",
    ways_source="EKS User Guide, Deploy private clusters with limited internet access",
    access_list="aws:ec2/networkAcl:NetworkAcl",
    access_list_subnets="subnetIds",
    access_list_source="VPC User Guide, Network ACLs: without state, the first rule that fits decides",
    group="aws:ec2/securityGroup:SecurityGroup",
    template="aws:ec2/launchTemplate:LaunchTemplate",
    fabric="networkInterfaces.interfaceType",
    fabric_kind="efa",
    fabric_groups="networkInterfaces.securityGroups",
    group_source="EC2 User Guide, Get started with EFA: a group that allows all traffic to and from itself",
)

CONTAINER_NETWORKS = (
    ContainerNetworkRow(
        resource="aws:batch/computeEnvironment:ComputeEnvironment",
        own="computeResources.securityGroupIds",
        definition="aws:batch/jobDefinition:JobDefinition",
        several=("type", "multinode"),
        group="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        source="Batch User Guide, Compute environment considerations for MNP: else the default group of the VPC",
    ),
)
