"""All of a stack's storage as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_azure_native import netapp, resources, storage, storagecache

from providers.azure.network.handle import AzureNetworkHandle
from providers.azure.storage.handle import AmlfsHandle, AzureStorageHandle, BlobHandle, NetAppHandle
from providers.azure.types import AmlfsPlan, AzureStoragePlan, BlobPlan, NetAppPlan

_LUSTRE_PATIENCE = pulumi.CustomTimeouts(create="60m", update="60m", delete="45m")
_NETAPP_PATIENCE = pulumi.CustomTimeouts(create="30m", update="30m", delete="30m")
_LUSTRE_FIXED = ("sku", "storageCapacityTiB", "zones", "filesystemSubnet")
"""Inputs that no file system changes, and that the provider would send all the same."""
_GIB, _TIB_GIB = 2**30, 1024
_LONGEST_RETENTION_DAYS = 365
"""For which deleted blobs are kept at most (Blob Storage, "Soft delete for blobs")."""


class AzureStorage(pulumi.ComponentResource):
    """File systems and the container of a stack, in a group of their own. What the plan keeps outlives `destroy`."""

    handle: AzureStorageHandle

    def __init__(
        self, name: str, *, plan: AzureStoragePlan, network: AzureNetworkHandle, region: str, tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("penstock:azure:Storage", name, None, opts)
        self._name, self._network, self._region, self._tags = name, network, region, dict(tags)
        made: list[pulumi.Resource] = []
        group = self._group(plan) if _stores(plan) else None
        self.handle = AzureStorageHandle(
            volume_path=plan.volume.path,
            file_system=self._lustre(plan.file_system, group, made) if plan.file_system and group else None,
            shared_file_system=self._netapp(plan.shared_file_system, group, made)
            if plan.shared_file_system and group
            else None,
            object_store=self._blob(plan.object_store, group) if plan.object_store and group else None,
            ready=tuple(made),
        )
        self.register_outputs({"volumePath": plan.volume.path})

    def _group(self, plan: AzureStoragePlan) -> pulumi.Output[str]:
        """It stays where something in it does: Azure takes all that is in a group with it."""
        keep = any(store.keep for store in _stores(plan))
        group = resources.ResourceGroup(
            f"{self._name}-group",
            resource_group_name=plan.group,
            location=self._region,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=keep),
        )
        return group.name

    def _child(self, *, keep: bool, patience: pulumi.CustomTimeouts | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, retain_on_delete=keep, depends_on=list(self._network.ready), custom_timeouts=patience
        )

    def _lustre(
        self, plan: AmlfsPlan, group: pulumi.Output[str], made: list[pulumi.Resource]
    ) -> AmlfsHandle:  # fmt: skip
        assert self._network.lustre is not None, "the plan makes a subnet for it"
        final = pulumi.ResourceOptions(replace_on_changes=list(_LUSTRE_FIXED), delete_before_replace=True)
        system = storagecache.AmlFilesystem(
            f"{self._name}-lustre",
            aml_filesystem_name=plan.name,
            resource_group_name=group,
            location=self._region,
            sku=storagecache.SkuNameArgs(name=plan.sku),
            storage_capacity_ti_b=plan.capacity_tib,
            zones=[plan.zone] if plan.zone else None,
            filesystem_subnet=self._network.lustre,
            maintenance_window=storagecache.AmlFilesystemMaintenanceWindowArgs(
                day_of_week=storagecache.MaintenanceDayOfWeekType.SUNDAY, time_of_day_utc="03:00"
            ),
            tags=self._tags,
            opts=pulumi.ResourceOptions.merge(self._child(keep=plan.keep, patience=_LUSTRE_PATIENCE), final),
        )
        made.append(system)
        return AmlfsHandle(
            id=system.id,
            address=system.client_info.apply(lambda info: str(info.mgs_address)),
            capacity_gib=int(plan.capacity_tib * _TIB_GIB),
        )

    def _netapp(self, plan: NetAppPlan, group: pulumi.Output[str], made: list[pulumi.Resource]) -> NetAppHandle:
        assert self._network.netapp is not None, "the plan makes a subnet for it"
        opts = self._child(keep=plan.keep, patience=_NETAPP_PATIENCE)
        account = netapp.Account(
            f"{self._name}-files",
            account_name=plan.account,
            resource_group_name=group,
            location=self._region,
            tags=self._tags,
            opts=opts,
        )
        pool = netapp.CapacityPool(
            f"{self._name}-files-pool",
            account_name=plan.account,
            pool_name=plan.pool,
            resource_group_name=group,
            location=self._region,
            service_level=plan.service_level,
            size=plan.capacity_gib * _GIB,
            tags=self._tags,
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[account])),
        )
        volume = netapp.CapacityPoolVolume(
            f"{self._name}-files-volume",
            account_name=plan.account,
            pool_name=plan.pool,
            volume_name=plan.volume,
            creation_token=plan.volume,
            resource_group_name=group,
            location=self._region,
            subnet_id=self._network.netapp,
            service_level=plan.service_level,
            usage_threshold=plan.capacity_gib * _GIB,
            protocol_types=["NFSv3"],
            network_features="Standard",
            tags=self._tags,
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[pool])),
        )
        made.append(volume)
        return NetAppHandle(
            id=volume.id, address=volume.mount_targets.apply(_address), export=f"/{plan.volume}",
            capacity_gib=plan.capacity_gib,
        )  # fmt: skip

    def _blob(self, plan: BlobPlan, group: pulumi.Output[str]) -> BlobHandle:
        """Closed to the public and to keys; old versions and deleted blobs are kept for the plan's days."""
        opts = self._child(keep=plan.keep)
        account = storage.StorageAccount(
            f"{self._name}-objects",
            account_name=plan.account,
            resource_group_name=group,
            location=self._region,
            kind="StorageV2",
            sku={"name": "Standard_LRS"},
            access_tier=storage.AccessTier.HOT,
            allow_blob_public_access=False,
            allow_shared_key_access=False,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            tags=self._tags,
            opts=opts,
        )
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[account]))
        days = min(plan.keep_versions_days, _LONGEST_RETENTION_DAYS)
        retention = storage.DeleteRetentionPolicyArgs(enabled=True, days=days)
        storage.BlobServiceProperties(
            f"{self._name}-objects-versions",
            account_name=plan.account,
            resource_group_name=group,
            blob_services_name="default",
            is_versioning_enabled=True,
            delete_retention_policy=retention,
            container_delete_retention_policy=retention,
            opts=after,
        )
        storage.ManagementPolicy(
            f"{self._name}-objects-ends",
            account_name=plan.account,
            resource_group_name=group,
            management_policy_name="default",
            policy=storage.ManagementPolicySchemaArgs(rules=[_ends(plan)]),
            opts=after,
        )
        container = storage.BlobContainer(
            f"{self._name}-objects-container",
            account_name=plan.account,
            container_name=plan.container,
            resource_group_name=group,
            public_access=storage.PublicAccess.NONE,
            opts=after,
        )
        return BlobHandle(
            id=account.id,
            account=account.name,
            group=group,
            container=plan.container,
            mount_options=plan.mount_options,
            ready=(container,),
        )


def _stores(plan: AzureStoragePlan) -> Sequence[AmlfsPlan | NetAppPlan | BlobPlan]:
    return [one for one in (plan.file_system, plan.shared_file_system, plan.object_store) if one is not None]


def _address(targets: Sequence[netapp.outputs.MountTargetPropertiesResponse]) -> str:
    """The first of its only subnet."""
    return str(targets[0].ip_address)


def _ends(plan: BlobPlan) -> storage.ManagementPolicyRuleArgs:
    """Old versions go after the plan's days, and blobs themselves where they have an end."""
    old = storage.ManagementPolicyVersionArgs(
        delete=storage.DateAfterCreationArgs(days_after_creation_greater_than=plan.keep_versions_days)
    )
    own = storage.ManagementPolicyBaseBlobArgs(
        delete=storage.DateAfterModificationArgs(days_after_modification_greater_than=plan.expire_days)
    )
    return storage.ManagementPolicyRuleArgs(
        name="ends",
        enabled=True,
        type="Lifecycle",
        definition=storage.ManagementPolicyDefinitionArgs(
            actions=storage.ManagementPolicyActionArgs(version=old, base_blob=own if plan.expire_days else None),
            filters=storage.ManagementPolicyFilterArgs(blob_types=["blockBlob"]),
        ),
    )
