"""A small cluster, as a user's own program would make it: what its stack file changes is what the tests change."""

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
provider = aws.Provider(
    "aws", region="us-east-1", skip_credentials_validation=True, skip_requesting_account_id=True,
    default_tags=aws.ProviderDefaultTagsArgs(tags={"stack": pulumi.get_stack()}),
)
own = pulumi.ResourceOptions(provider=provider)

vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, tags={"Name": "net"}, opts=own)
subnets = [
    aws.ec2.Subnet(
        f"net-{zone}", vpc_id=config.get("vpcId") or vpc.id, cidr_block=f"10.0.{number}.0/24",
        availability_zone=f"us-east-1{zone}", tags={"Name": f"net-{zone}"}, opts=own,
    )
    for number, zone in enumerate("ab")
]
