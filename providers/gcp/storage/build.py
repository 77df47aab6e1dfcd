"""All of a stack's storage as Pulumi resources."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_gcp import filestore, lustre, storage

from providers.gcp.network.handle import GcpNetworkHandle
from providers.gcp.storage.handle import FilestoreHandle, GcpStorageHandle, GcsHandle, ManagedLustreHandle
from providers.gcp.types import FilestorePlan, GcpStoragePlan, GcsPlan, ManagedLustrePlan

_SHARE = "shared"
ABANDONED_UPLOAD_DAYS = 7


class GcpStorage(pulumi.ComponentResource):
    """File systems and the bucket of a stack. What the plan keeps outlives `destroy`."""

    handle: GcpStorageHandle

    def __init__(
        self, name: str, *, plan: GcpStoragePlan, network: GcpNetworkHandle, project: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("penstock:gcp:Storage", name, None, opts)
        self._name, self._network, self._project = name, network, project
        made: list[pulumi.Resource] = []
        self.handle = GcpStorageHandle(
            volume_path=plan.volume.path,
            file_system=self._lustre(plan.file_system, made) if plan.file_system else None,
            shared_file_system=self._filestore(plan.shared_file_system, made) if plan.shared_file_system else None,
            object_store=self._bucket(plan.object_store) if plan.object_store else None,
            ready=tuple(made),
        )
        self.register_outputs({"volumePath": plan.volume.path})

    def _child(self, *, keep: bool) -> pulumi.ResourceOptions:
        after = list(self._network.peered)
        return pulumi.ResourceOptions(parent=self, retain_on_delete=keep, depends_on=after)

    def _lustre(self, plan: ManagedLustrePlan, made: list[pulumi.Resource]) -> ManagedLustreHandle:
        instance = lustre.Instance(
            f"{self._name}-lustre",
            instance_id=plan.instance,
            location=plan.zone,
            filesystem=plan.file_system,
            capacity_gib=str(plan.capacity_gib),
            per_unit_storage_throughput=str(plan.mbps_per_tib),
            network=self._network.network_id,
            deletion_policy="PREVENT" if plan.keep else "DELETE",
            opts=self._child(keep=plan.keep),
        )
        made.append(instance)
        return ManagedLustreHandle(
            id=instance.id,
            volume=pulumi.Output.from_input(f"{self._project}/{plan.zone}/{plan.instance}"),
            address=instance.mount_point.apply(lambda point: point.partition("@")[0]),
            file_system=plan.file_system,
            capacity_gib=plan.capacity_gib,
        )

    def _filestore(self, plan: FilestorePlan, made: list[pulumi.Resource]) -> FilestoreHandle:
        """In a range that Filestore chooses: of the network by a peering of its own, or of Private Service Access."""
        instance = filestore.Instance(
            f"{self._name}-shared",
            name=plan.instance,
            location=plan.zone,
            tier=plan.tier,
            file_shares=filestore.InstanceFileSharesArgs(name=_SHARE, capacity_gb=plan.capacity_gib),
            networks=[
                filestore.InstanceNetworkArgs(
                    network=self._network.network_id, modes=["MODE_IPV4"], connect_mode=plan.connect_mode
                )
            ],
            opts=self._child(keep=plan.keep),
        )  # fmt: skip
        made.append(instance)
        return FilestoreHandle(
            id=instance.id,
            volume=pulumi.Output.from_input(f"modeInstance/{plan.zone}/{plan.instance}/{_SHARE}"),
            address=instance.networks.apply(_address),
            share=_SHARE,
            capacity_gib=plan.capacity_gib,
        )

    def _bucket(self, plan: GcsPlan) -> GcsHandle:
        """Versioned, in the cluster's region, closed to the public. Deleted objects are kept as old versions, and not a
        second time for a week at full price (Cloud Storage, "Soft delete")."""
        bucket = storage.Bucket(
            f"{self._name}-objects",
            name=plan.name,
            location=plan.location,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=0),
            lifecycle_rules=_lifecycle(plan),
            force_destroy=not plan.keep,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=plan.keep),
        )
        return GcsHandle(
            name=bucket.name, project_number=bucket.project_number.apply(str), mount_options=plan.mount_options
        )


def _address(networks: Sequence[filestore.outputs.InstanceNetwork]) -> str:
    """The first of its only network."""
    return str((networks[0].ip_addresses or ("",))[0])


def _lifecycle(plan: GcsPlan) -> list[storage.BucketLifecycleRuleArgs]:
    delete = storage.BucketLifecycleRuleActionArgs(type="Delete")
    abort = storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload")
    condition = storage.BucketLifecycleRuleConditionArgs
    old = condition(days_since_noncurrent_time=plan.keep_versions_days, with_state="ARCHIVED")
    rules = [
        storage.BucketLifecycleRuleArgs(action=delete, condition=old),
        storage.BucketLifecycleRuleArgs(action=abort, condition=condition(age=ABANDONED_UPLOAD_DAYS)),
    ]
    if plan.expire_days:
        rules.append(storage.BucketLifecycleRuleArgs(action=delete, condition=condition(age=plan.expire_days)))
    return rules
