"""Objects that a cluster's controller makes without any program: a load balancer, its security group, interfaces.

They are in the account until somebody deletes them through AWS's API, and until then their subnets cannot be deleted.
"""

from typing import Any

from rehearsal.cloud.account import Object, Status
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import Answer
from rehearsal.cloud.requests import LiveApi

LOAD_BALANCER = "controller:elbv2/loadBalancer:LoadBalancer"
CLUSTER = "aws:eks/cluster:Cluster"
OWNER_TAG = "elbv2.k8s.aws/cluster"  # of the AWS load balancer controller
LONGEST_NAME = 32


def load_balancer(api: LiveApi, cluster: Object) -> Object:
    """As the AWS load balancer controller makes one for a Service of type LoadBalancer, in the cluster's subnets."""
    settings = cluster.outputs["vpcConfig"]
    tags = [{"Key": OWNER_TAG, "Value": cluster.id}]
    group = api.call(
        "ec2", "CreateSecurityGroup", GroupName=f"k8s-traffic-{cluster.id}", Description="[k8s] Managed SecurityGroup",
        VpcId=settings["vpcId"], TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]  # fmt: skip
    made = api.call(
        "elbv2", "CreateLoadBalancer", Name=f"k8s-{cluster.id}"[:LONGEST_NAME].rstrip("-"), Type="network",
        Subnets=settings["subnetIds"], SecurityGroups=[group], Tags=tags,
    )["LoadBalancers"][0]  # fmt: skip
    endpoint, guarding = _guard(api, settings["vpcId"], settings["subnetIds"])
    for one in (group, guarding, endpoint):
        api.side_effect("security group", one, blocks_deletion_of=[settings["vpcId"]])
    for subnet in settings["subnetIds"]:
        api.side_effect("network interface", api.new_id("eni"), blocks_deletion_of=[subnet])
    return Object(
        token=LOAD_BALANCER, id=made["LoadBalancerArn"], called=f"a controller of {cluster.id}", region=api.region,
        inputs={}, outputs={
            "arn": made["LoadBalancerArn"], "dnsName": made["DNSName"], "groups": [group, guarding],
            "endpoint": endpoint,
        },
        status=Status.ACTIVE, side_effects=api.side_effects,
    )  # fmt: skip


def _guard(api: LiveApi, vpc: str, subnets: list[str]) -> tuple[str, str]:
    """Endpoint and group as GuardDuty's Runtime Monitoring makes them in the network of each cluster of an account.

    Source: hashicorp/terraform-provider-aws#46747.
    """
    tags = [{"Key": "GuardDutyManaged", "Value": "true"}]
    group = api.call(
        "ec2", "CreateSecurityGroup", GroupName=f"GuardDutyManagedSecurityGroup-{vpc}", Description="GuardDuty's",
        VpcId=vpc, TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]  # fmt: skip
    made = api.call(
        "ec2", "CreateVpcEndpoint", VpcId=vpc, ServiceName=f"com.amazonaws.{api.region}.guardduty-data",
        VpcEndpointType="Interface", SubnetIds=subnets, SecurityGroupIds=[group],
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}],
    )["VpcEndpoint"]  # fmt: skip
    return made["VpcEndpointId"], group


def is_gone(api: LiveApi, thing: Object) -> bool:
    """Tells that somebody has deleted a log group, or the load balancer with endpoint and groups, through the API."""
    if thing.token != LOAD_BALANCER:
        return not _there(api, "logs", "DescribeLogStreams", logGroupName=thing.id)
    return _balancer_is_gone(api, thing)


def _balancer_is_gone(api: LiveApi, balancer: Object) -> bool:
    endpoints = _there(api, "ec2", "DescribeVpcEndpoints", VpcEndpointIds=[balancer.outputs["endpoint"]]) or {}
    return not (
        _there(api, "elbv2", "DescribeLoadBalancers", LoadBalancerArns=[balancer.id])
        or any(_there(api, "ec2", "DescribeSecurityGroups", GroupIds=[group]) for group in balancer.outputs["groups"])
        or any(one["State"] != "deleted" for one in endpoints.get("VpcEndpoints", ()))
    )


def _there(api: LiveApi, service: str, operation: str, **names: Any) -> Answer | None:
    try:
        return api.call(service, operation, **names)
    except CloudApiError:
        return None
