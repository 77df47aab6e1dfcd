"""All of a stack's storage as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from providers.aws.network.handle import NetworkHandle
from providers.aws.storage.buckets import ExpressStore, ObjectStore
from providers.aws.storage.file_system import FileSystem
from providers.aws.storage.handle import BucketHandle, LustreHandle, SharedHandle, StorageHandle
from providers.aws.storage.registry import Registry
from providers.aws.storage.shared_file_system import SharedFileSystem
from providers.aws.storage.types import StoragePlan


class Storage(pulumi.ComponentResource):
    """File systems, buckets and images of a stack, under one key. What the plan keeps outlives `destroy`."""

    handle: StorageHandle

    def __init__(
        self, name: str, *, plan: StoragePlan, network: NetworkHandle, clients: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`clients`: security groups of the nodes that mount file systems, by a name for each."""
        super().__init__("penstock:aws:Storage", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = None if plan.empty else _key(name, plan, child)
        parts = _Parts(
            name=name, plan=plan, network=network, clients=clients, key_arn=key.arn if key else None, opts=child
        )  # fmt: skip
        registry = parts.registry()
        self.handle = StorageHandle(
            volume_path=plan.volume_path,
            key_arn=key.arn if key else None,
            file_system=parts.lustre(),
            shared_file_system=parts.shared(),
            object_store=parts.bucket(),
            express_store=parts.express(),
            repositories=registry.urls if registry else {},
            mirrors=plan.registry.mirrors if plan.registry else {},
        )
        self.register_outputs({"volumePath": plan.volume_path})


def _key(name: str, plan: StoragePlan, opts: pulumi.ResourceOptions) -> kms.Key:
    """Kept with what it encrypts. AWS's own key policy: the account's IAM decides who may use it."""
    kept = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=plan.key_kept))
    return kms.Key(name, description=f"Data of {name}", enable_key_rotation=True, tags={"Name": name}, opts=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """One store after the other; None for each that the plan has not."""

    name: str
    plan: StoragePlan
    network: NetworkHandle
    clients: Mapping[str, pulumi.Input[str]]
    key_arn: pulumi.Output[str] | None
    """None where nothing is stored."""
    opts: pulumi.ResourceOptions

    def lustre(self) -> LustreHandle | None:
        plan = self.plan.file_system
        if plan is None or self.key_arn is None:
            return None
        given = self.network.gang_security_group_id if self.network.gang_is_given else None
        return FileSystem(
            f"{self.name}-lustre", plan=plan, vpc_id=self.network.vpc_id,
            subnet_id=self.network.subnet_ids[plan.subnet], key_arn=self.key_arn,
            clients={name: group for name, group in self.clients.items() if group is not given},
            joins=[] if given is None else [given], opts=self.opts,
        ).handle  # fmt: skip

    def shared(self) -> SharedHandle | None:
        plan = self.plan.shared_file_system
        if plan is None or self.key_arn is None:
            return None
        return SharedFileSystem(
            f"{self.name}-shared", plan=plan, vpc_id=self.network.vpc_id, subnet_ids=self.network.subnet_ids,
            key_arn=self.key_arn, clients=self.clients, opts=self.opts,
        ).handle  # fmt: skip

    def bucket(self) -> BucketHandle | None:
        plan = self.plan.object_store
        if plan is None or self.key_arn is None:
            return None
        return ObjectStore(f"{self.name}-objects", plan=plan, key_arn=self.key_arn, opts=self.opts).handle

    def express(self) -> BucketHandle | None:
        plan = self.plan.express_store
        if plan is None or self.key_arn is None:
            return None
        return ExpressStore(f"{self.name}-express", plan=plan, key_arn=self.key_arn, opts=self.opts).handle

    def registry(self) -> Registry | None:
        plan = self.plan.registry
        if plan is None or self.key_arn is None:
            return None
        return Registry(f"{self.name}-images", plan=plan, key_arn=self.key_arn, opts=self.opts)
