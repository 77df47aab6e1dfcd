"""An EFS file system with a mount target in each zone, as Pulumi resources."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
from pulumi_aws import ec2, efs, vpc

from providers.aws.storage.handle import SharedHandle
from providers.aws.storage.types import SharedPlan

NFS_PORT = 2049


class SharedFileSystem(pulumi.ComponentResource):
    """Elastic, encrypted, and reached over TLS only. Kept, it stays in the account without its mount targets."""

    handle: SharedHandle

    def __init__(  # noqa: PLR0913 (its inputs, by name)
        self, name: str, *, plan: SharedPlan, vpc_id: pulumi.Input[str],
        subnet_ids: Mapping[str, pulumi.Input[str]], key_arn: pulumi.Input[str],
        clients: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`subnet_ids`: by the plan's subnet name. `clients`: security groups of the nodes that mount it."""
        super().__init__("penstock:aws:SharedFileSystem", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=plan.keep)
        system = efs.FileSystem(
            name, encrypted=True, kms_key_id=key_arn, throughput_mode="elastic", tags={"Name": name}, opts=kept
        )
        efs.FileSystemPolicy(
            name, file_system_id=system.id, policy=system.arn.apply(_tls_only), opts=kept
        )  # fmt: skip
        group = _group(name, vpc_id, clients, child)
        targets = tuple(
            efs.MountTarget(
                f"{name}-{subnet}", file_system_id=system.id, subnet_id=subnet_ids[subnet],
                security_groups=[group.id], opts=child,
            )
            for subnet in plan.subnets
        )  # fmt: skip
        self.handle = SharedHandle(
            id=system.id, dns_name=system.dns_name, mount_path=plan.mount_path, ready=targets
        )  # fmt: skip
        self.register_outputs({"id": system.id})


def _group(
    name: str, vpc_id: pulumi.Input[str], clients: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
) -> ec2.SecurityGroup:  # fmt: skip
    """NFS from the nodes, and nothing out."""
    group = ec2.SecurityGroup(name, vpc_id=vpc_id, description="NFS servers", tags={"Name": name}, opts=opts)
    for client, client_id in clients.items():
        vpc.SecurityGroupIngressRule(
            f"{name}-{client}", security_group_id=group.id, referenced_security_group_id=client_id, ip_protocol="tcp",
            from_port=NFS_PORT, to_port=NFS_PORT, tags={"Name": f"{name}-{client}"}, opts=opts,
        )  # fmt: skip
    return group


def _tls_only(arn: str) -> str:
    """Lets all who reach a mount target mount and write, and only over TLS."""
    statements = [
        {
            "Sid": "Mount",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "elasticfilesystem:ClientMount",
                "elasticfilesystem:ClientWrite",
                "elasticfilesystem:ClientRootAccess",
            ],
            "Resource": arn,
            "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        },
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "*",
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
