"""A record of who talked to whom: flow logs, encrypted, in CloudWatch."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import cloudwatch, ec2, iam, kms

RETENTION_DAYS = 30


class FlowLogs(pulumi.ComponentResource):
    """Every flow of a VPC, accepted or not, for 30 days, under a key of its own."""

    def __init__(self, name: str, *, vpc: ec2.Vpc, region: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("penstock:aws:FlowLogs", name, None, opts)
        child, tags = pulumi.ResourceOptions(parent=self), {"Name": name}
        # The account and the partition come with the VPC: asking for them would need credentials in a preview.
        logs = pulumi.Output.all(vpc.arn, vpc.owner_id).apply(lambda known: _log_group_arn(name, region, *known))
        key = kms.Key(
            name,
            description=f"Flow logs of {name}",
            enable_key_rotation=True,
            policy=pulumi.Output.all(logs, vpc.owner_id).apply(lambda known: _key_policy(region, *known)),
            tags=tags,
            opts=child,
        )
        group = cloudwatch.LogGroup(
            name, name=_log_group(name), retention_in_days=RETENTION_DAYS, kms_key_id=key.arn, tags=tags, opts=child
        )
        role = iam.Role(name, assume_role_policy=vpc.owner_id.apply(_trust), tags=tags, opts=child)
        allowed = iam.RolePolicy(name, role=role.id, policy=group.arn.apply(_writes), opts=child)
        ec2.FlowLog(
            name,
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.register_outputs({})


def _log_group(name: str) -> str:
    return f"/penstock/{name}"


def _log_group_arn(name: str, region: str, vpc_arn: str, account: str) -> str:
    return f"arn:{vpc_arn.split(':')[1]}:logs:{region}:{account}:log-group:{_log_group(name)}"


def _key_policy(region: str, log_group_arn: str, account: str) -> str:
    """The account rules over the key; CloudWatch Logs may use it for this log group."""
    partition = log_group_arn.split(":")[1]
    owner = {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    logs = {
        "Sid": "Logs",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [owner, logs]})


def _trust(account: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _writes(log_group_arn: str) -> str:
    """Writing to the one group. Not making one: logs that come late would bring it back after `destroy`."""
    statement = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        "Resource": [log_group_arn, f"{log_group_arn}:*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
