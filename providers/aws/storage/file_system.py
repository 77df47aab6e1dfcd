"""An FSx for Lustre file system with its security group and links, as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import ec2, fsx, vpc

from providers.aws.storage.handle import LustreHandle
from providers.aws.storage.types import LinkPlan, LustrePlan

PORTS = ((988, 988), (1018, 1023))
"""Ports of Lustre without EFA (FSx for Lustre User Guide, "File system access control with Amazon VPC")."""
ALL = "-1"

_PATIENCE = pulumi.CustomTimeouts(create="2h", update="12h", delete="12h")
"""A change of its size moves data, and its last backup copies all of it (FSx for Lustre User Guide); the provider gives
up after half an hour, and leaves behind what AWS still works on."""
_LINK_PATIENCE = pulumi.CustomTimeouts(create="1h", update="1h", delete="1h")
"""The provider gives a link ten minutes, whatever is linked."""


class FileSystem(pulumi.ComponentResource):
    """A file system that the given security groups reach, and that leaves a backup where its plan says so."""

    handle: LustreHandle

    def __init__(  # noqa: PLR0913 (its inputs, by name)
        self, name: str, *, plan: LustrePlan, vpc_id: pulumi.Input[str], subnet_id: pulumi.Input[str],
        key_arn: pulumi.Input[str], clients: Mapping[str, pulumi.Input[str]], joins: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`clients`: security groups of the nodes that mount it, by a name for each, which get rules for it. `joins`:
        groups of nodes to which none are added, and which let through what is in them.
        """
        super().__init__("penstock:aws:FileSystem", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            name, vpc_id=vpc_id, description="Lustre servers", tags={"Name": name}, opts=child
        )  # fmt: skip
        rules = _rules(name, group.id, clients, efa=plan.efa, opts=child)
        system = _file_system(
            name,
            plan,
            subnet_id,
            key_arn,
            [group.id, *joins],
            pulumi.ResourceOptions(parent=self, depends_on=rules, custom_timeouts=_PATIENCE),
        )
        for link in plan.links:
            _link(f"{name}{link.path}", system.id, link, child)
        self.handle = LustreHandle(
            id=system.id,
            dns_name=system.dns_name,
            mount_name=system.mount_name,
            mount_path=plan.mount_path,
            capacity_gib=plan.capacity_gib,
            efa=plan.efa,
        )
        self.register_outputs({"id": system.id, "dnsName": system.dns_name, "mountName": system.mount_name})


def _file_system(
    name: str, plan: LustrePlan, subnet_id: pulumi.Input[str], key_arn: pulumi.Input[str],
    group_ids: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions,
) -> fsx.LustreFileSystem:  # fmt: skip
    tier = plan.throughput_mbps_per_tib
    return fsx.LustreFileSystem(
        name,
        deployment_type="SCRATCH_2" if plan.scratch else "PERSISTENT_2",
        storage_type="INTELLIGENT_TIERING" if plan.tiering else "SSD",
        storage_capacity=plan.capacity_gib,
        per_unit_storage_throughput=tier,
        throughput_capacity=plan.throughput_mbps,
        data_read_cache_configuration=_read_cache(plan) if plan.tiering else None,
        metadata_configuration=None if plan.scratch else _metadata(plan),
        efa_enabled=True if plan.efa else None,
        file_system_type_version="2.15",
        data_compression_type="LZ4",
        subnet_ids=subnet_id,
        security_group_ids=list(group_ids),
        kms_key_id=None if plan.scratch else key_arn,
        skip_final_backup=not plan.final_backup,
        final_backup_tags={"Name": f"{name}-final"} if plan.final_backup else None,
        tags={"Name": name},
        opts=opts,
    )


def _metadata(plan: LustrePlan) -> fsx.LustreFileSystemMetadataConfigurationArgs:
    if plan.metadata_iops is None:
        return fsx.LustreFileSystemMetadataConfigurationArgs(mode="AUTOMATIC")
    return fsx.LustreFileSystemMetadataConfigurationArgs(mode="USER_PROVISIONED", iops=plan.metadata_iops)


def _read_cache(plan: LustrePlan) -> fsx.LustreFileSystemDataReadCacheConfigurationArgs:
    if plan.read_cache_gib is None:
        return fsx.LustreFileSystemDataReadCacheConfigurationArgs(sizing_mode="PROPORTIONAL_TO_THROUGHPUT_CAPACITY")
    return fsx.LustreFileSystemDataReadCacheConfigurationArgs(sizing_mode="USER_PROVISIONED", size=plan.read_cache_gib)


def _link(
    name: str, file_system_id: pulumi.Input[str], link: LinkPlan, opts: pulumi.ResourceOptions
) -> fsx.DataRepositoryAssociation:  # fmt: skip
    """Data on the file system stays when the link goes: then the final backup has it too."""
    return fsx.DataRepositoryAssociation(
        name,
        file_system_id=file_system_id,
        file_system_path=link.path,
        data_repository_path=link.uri,
        batch_import_meta_data_on_create=bool(link.import_on),
        delete_data_in_filesystem=False,
        s3=fsx.DataRepositoryAssociationS3Args(
            auto_import_policy=fsx.DataRepositoryAssociationS3AutoImportPolicyArgs(events=list(link.import_on))
            if link.import_on
            else None,
            auto_export_policy=fsx.DataRepositoryAssociationS3AutoExportPolicyArgs(events=list(link.export_on))
            if link.export_on
            else None,
        ),
        tags={"Name": name},
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(custom_timeouts=_LINK_PATIENCE)),
    )


def _rules(
    name: str, group_id: pulumi.Input[str], clients: Mapping[str, pulumi.Input[str]], *, efa: bool,
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:  # fmt: skip
    """Both ways, by the groups' ids, among the servers and between them and each client.

    EFA heeds no rule that names ports or a range, so with it everything is let through between these groups.
    """
    made: list[pulumi.Resource] = []
    for protocol, low, high in [(ALL, None, None)] if efa else [("tcp", low, high) for low, high in PORTS]:
        label = "all" if low is None else str(low)
        pairs = [(name, group_id, group_id)]
        for client, client_id in clients.items():
            pairs += [(f"{name}-{client}", group_id, client_id), (f"{name}-{client}-side", client_id, group_id)]
        for full, own, other in pairs:
            made.append(
                vpc.SecurityGroupIngressRule(
                    f"{full}-in-{label}", security_group_id=own, referenced_security_group_id=other,
                    ip_protocol=protocol, from_port=low, to_port=high, tags={"Name": f"{full}-in-{label}"}, opts=opts,
                )
            )  # fmt: skip
            made.append(
                vpc.SecurityGroupEgressRule(
                    f"{full}-out-{label}", security_group_id=own, referenced_security_group_id=other,
                    ip_protocol=protocol, from_port=low, to_port=high, tags={"Name": f"{full}-out-{label}"}, opts=opts,
                )
            )  # fmt: skip
    return made
