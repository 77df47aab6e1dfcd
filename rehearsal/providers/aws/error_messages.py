"""Identifiers and error messages of AWS."""

import re
from collections.abc import Mapping, Sequence

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Demand

ACCOUNT_ID = "123456789012"  # moto's own

# An identifier as AWS makes them: 8 or 17 hex digits. Source: EC2 user guide, "Resource IDs".
IDENTIFIER = re.compile(
    r"(?P<prefix>vpc|subnet|sg|sgr|rtb|rtbassoc|igw|eigw|nat|eipalloc|vpce|lt|pg|cr|eni|acl|dopt|i|vol|snap|ami|key|fs|fsap"
    r"|fsmt|fc|dra|fl|tgw|pl)-(?:[0-9a-f]{17}|[0-9a-f]{8})"
)
ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>\d{12}):(?P<rest>[^*]+)")

_BY_PREFIX: Mapping[str, tuple[str, str]] = {
    "vpc": ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    "subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    "sg": ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    "rtb": ("InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
    "igw": ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{}' does not exist"),
    "nat": ("NatGatewayNotFound", "The Nat Gateway {} was not found"),
    "eipalloc": ("InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    "vpce": ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{}' does not exist"),
    "lt": ("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID {}, does not exist."),
    "pg": ("InvalidPlacementGroupId.NotFound", "The placement group ID '{}' does not exist"),
    "cr": ("InvalidCapacityReservationId.NotFound", "The capacity reservation ID '{}' does not exist"),
    "fs": ("FileSystemNotFound", "File system '{}' does not exist."),
}
_BY_TYPE: Mapping[str, tuple[str, str]] = {
    "aws:ec2/vpc:Vpc": _BY_PREFIX["vpc"],
    "aws:ec2/subnet:Subnet": _BY_PREFIX["subnet"],
    "aws:ec2/securityGroup:SecurityGroup": _BY_PREFIX["sg"],
    "aws:ec2/routeTable:RouteTable": _BY_PREFIX["rtb"],
    "aws:ec2/internetGateway:InternetGateway": _BY_PREFIX["igw"],
    "aws:ec2/natGateway:NatGateway": _BY_PREFIX["nat"],
    "aws:ec2/eip:Eip": _BY_PREFIX["eipalloc"],
    "aws:ec2/launchTemplate:LaunchTemplate": _BY_PREFIX["lt"],
    "aws:ec2/placementGroup:PlacementGroup": ("InvalidPlacementGroup.Unknown", "The Placement Group '{}' is unknown."),
    "aws:iam/role:Role": ("NoSuchEntity", "The role with name {} cannot be found."),
    "aws:iam/instanceProfile:InstanceProfile": ("NoSuchEntity", "Instance Profile {} cannot be found."),
    "aws:eks/cluster:Cluster": ("ResourceNotFoundException", "No cluster found for name: {}."),
    "aws:kms/key:Key": ("NotFoundException", "Key '{}' does not exist"),
    "aws:s3/bucket:Bucket": ("NoSuchBucket", "The specified bucket does not exist: {}"),
    "aws:cloudwatch/logGroup:LogGroup": ("ResourceNotFoundException", "The specified log group {} does not exist."),
    "aws:autoscaling/group:Group": ("ValidationError", "AutoScalingGroup name not found - {}"),
}


def is_reference(text: str) -> bool:
    """Tells that the text, as a whole, names something of this account: an identifier, or an ARN with no wildcard.

    Roles that AWS itself keeps, and the account's root, stand in every account.
    """
    if IDENTIFIER.fullmatch(text):
        return True
    arn = ARN.fullmatch(text)
    if not arn or arn["account"] != ACCOUNT_ID:
        return False
    return arn["rest"] != "root" and "/aws-service-role/" not in text


def not_found(text: str, token: str = "") -> CloudApiError:
    """AWS's error for a request that names what is not there."""
    form = IDENTIFIER.fullmatch(text)
    code, message = (
        _BY_TYPE.get(token)
        or _BY_PREFIX.get(form["prefix"] if form else "")
        or ("ResourceNotFoundException", "{} does not exist")
    )
    return CloudApiError(code, message.format(text))


def not_ready(what: str) -> CloudApiError:
    """AWS's error for a request that needs what is not ready."""
    return CloudApiError("ResourceInUseException", f"{what} is not in a state that allows the operation")


def in_use(token: str, id: str, by: Sequence[str]) -> CloudApiError:  # noqa: A002 (the engine's own word)
    """AWS's error for the deletion of what others need; names these, which AWS leaves to the reader."""
    code = "DependencyViolation" if token.startswith("aws:ec2/") else "ResourceInUseException"
    word = token.rpartition(":")[2]
    return CloudApiError(code, f"The {word} '{id}' has dependencies and cannot be deleted ({', '.join(by)})")


def already_exists(token: str, id: str) -> CloudApiError:  # noqa: A002 (the engine's own word)
    """AWS's error for a second object of the same identity."""
    service = token.removeprefix("aws:").partition("/")[0]
    code = {"iam": "EntityAlreadyExists", "s3": "BucketAlreadyOwnedByYou", "eks": "ResourceInUseException"}.get(
        service, "ResourceAlreadyExistsException"
    )
    return CloudApiError(code, f"{token.rpartition(':')[2]} already exists with name: {id}")


def throttled(operation: str) -> CloudApiError:
    """AWS's error for one request too many."""
    return CloudApiError("RequestLimitExceeded", "Request limit exceeded.", operation=operation)


def partial(demand: Demand, launched: int) -> str:
    """Reason of a pool of which only some machines came up."""
    return f"AsgInstanceLaunchFailures: {launched} of {demand.count} instances were launched"


def no_capacity(demand: Demand, machine_type: str) -> str:
    """Reason of a pool for which AWS has no machines."""
    return (
        f"AsgInstanceLaunchFailures: Could not launch instances. InsufficientInstanceCapacity - We currently do not "
        f"have sufficient {machine_type} capacity in the Availability Zone you requested ({', '.join(demand.zones)})."
    )
