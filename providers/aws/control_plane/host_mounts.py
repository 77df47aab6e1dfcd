"""User data of machines that no Kubernetes runs on: the stack's file systems, mounted at first boot."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from providers.aws.nodes import lustre_client
from providers.aws.types import AwsNodePoolPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class LustreMount:
    path: str
    dns_name: pulumi.Input[str]
    mount_name: pulumi.Input[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EfsMount:
    path: str
    file_system_id: pulumi.Input[str]


HostMount = LustreMount | EfsMount

_BOUNDARY = "==penstock=="


def user_data(mounts: Sequence[HostMount], pool: AwsNodePoolPlan | None = None) -> pulumi.Output[str] | None:
    """MIME in base64, as PCS and Batch join it to their own; None where there is nothing to mount.

    Machines of a pool that reach the file system over its fabric are set up for it first, and mount nothing where that
    fails: over TCP nobody would see why it is slow.

    What mounts is in AWS's images for PCS, and of Amazon Linux it is installed where it is missing. An elastic file
    system of the stack's takes nobody without TLS, which its own helper brings (EFS User Guide, "Encrypting data in
    transit").
    """
    if not mounts:
        return None
    before = lustre_client.over_efa(pool.machine) if pool and pool.file_system_module else ""
    return pulumi.Output.all(before, *(_script(mount) for mount in mounts)).apply(_mime)


def _script(mount: HostMount) -> pulumi.Output[str]:
    match mount:
        case LustreMount():
            device = pulumi.Output.concat(mount.dns_name, "@tcp:/", mount.mount_name)
            prepare = "command -v mount.lustre >/dev/null || dnf install -y lustre-client"
            options = "-t lustre -o relatime,flock"
        case EfsMount():
            device = pulumi.Output.concat(mount.file_system_id, ":/")
            prepare = "command -v mount.efs >/dev/null || dnf install -y amazon-efs-utils"
            options = "-t efs -o tls"
    return pulumi.Output.concat(f"{prepare}\nmkdir -p {mount.path}\nmount {options} ", device, f" {mount.path}\n")


def _mime(scripts: list[str]) -> str:
    """A part of several: both services refuse user data that is a bare script. The line before the closing boundary
    has to be blank (PCS User Guide, "Working with Amazon EC2 user data").
    """
    head = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{_BOUNDARY}"\n\n'
    part = f'--{_BOUNDARY}\nContent-Type: text/x-shellscript; charset="us-ascii"\n\n#!/bin/bash\nset -e\n'
    return base64.b64encode(f"{head}{part}{''.join(scripts)}\n--{_BOUNDARY}--\n".encode()).decode()
