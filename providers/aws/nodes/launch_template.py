"""Start of a pool's machines, for EKS, an auto scaling group, PCS or Batch alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import ec2

from providers.aws.tags import lasting
from providers.aws.types import (
    AMAZON_LINUX_ROOT,
    AwsNodePoolPlan,
    BlockCapacity,
    Capacity,
    GivenGroup,
    OwnGroup,
    Placement,
    ReservedCapacity,
    is_resource_group,
)


class LaunchTemplate(pulumi.ComponentResource):
    """A launch template with the pool's interfaces, disk, capacity and placement, and its placement group where it has
    one of its own. It names no subnet and no spot market: EKS, PCS and Batch take them from elsewhere, or refuse them.
    Nor a machine type where there are several, which its users name then.
    """

    id: pulumi.Output[str]
    version: pulumi.Output[str]
    """The newest; another one starts machines anew."""

    def __init__(  # noqa: PLR0913 (what its four users fill in differently, by name)
        self,
        name: str,
        *,
        plan: AwsNodePoolPlan,
        security_group_ids: Sequence[pulumi.Input[str]],
        user_data: pulumi.Input[str] | None = None,
        image_id: pulumi.Input[str] | None = None,
        instance_profile_arn: pulumi.Input[str] | None = None,
        root_device: str = AMAZON_LINUX_ROOT,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`user_data` in base64. `tags` go on machines, disks and interfaces, which a provider's default tags miss:
        those of them that last.
        """
        super().__init__("penstock:aws:LaunchTemplate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        template = ec2.LaunchTemplate(
            name,
            instance_type=None if plan.alternatives else plan.machine.name,
            image_id=image_id,
            iam_instance_profile=_profile(instance_profile_arn),
            network_interfaces=_interfaces(plan, security_group_ids),
            block_device_mappings=[_root_disk(root_device, plan.root_disk_gib)],
            metadata_options=_metadata_options(),
            instance_market_options=_market(plan.capacity),
            capacity_reservation_specification=_reservation(plan.capacity),
            placement=_placement(name, plan.placement, child),
            user_data=user_data,
            tag_specifications=_tags({**lasting(tags or {}), "Name": name}),
            update_default_version=True,
            tags={"Name": name},
            opts=child,
        )
        self.id = template.id
        self.version = template.latest_version.apply(str)
        self.register_outputs({"id": self.id, "version": self.version})


def _profile(arn: pulumi.Input[str] | None) -> ec2.LaunchTemplateIamInstanceProfileArgs | None:
    return None if arn is None else ec2.LaunchTemplateIamInstanceProfileArgs(arn=arn)


def _interfaces(
    plan: AwsNodePoolPlan, security_group_ids: Sequence[pulumi.Input[str]]
) -> list[ec2.LaunchTemplateNetworkInterfaceArgs]:
    """Security groups stand on each: EC2 takes none of the template's own where it has interfaces."""
    return [
        ec2.LaunchTemplateNetworkInterfaceArgs(
            network_card_index=interface.card,
            device_index=interface.device,
            interface_type=interface.kind,
            security_groups=list(security_group_ids),
            delete_on_termination="true",
            description=f"card {interface.card}, device {interface.device}",
        )
        for interface in plan.interfaces
    ]


def _root_disk(device: str, gib: int) -> ec2.LaunchTemplateBlockDeviceMappingArgs:
    disk = ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
        volume_type="gp3", volume_size=gib, encrypted="true", delete_on_termination="true"
    )
    return ec2.LaunchTemplateBlockDeviceMappingArgs(device_name=device, ebs=disk)


def _metadata_options() -> ec2.LaunchTemplateMetadataOptionsArgs:
    """With tokens only, and one hop: a pod cannot take the node's role, and gets its own by pod identity."""
    return ec2.LaunchTemplateMetadataOptionsArgs(
        http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
    )


def _market(capacity: Capacity) -> ec2.LaunchTemplateInstanceMarketOptionsArgs | None:
    if not isinstance(capacity, BlockCapacity):
        return None
    return ec2.LaunchTemplateInstanceMarketOptionsArgs(market_type="capacity-block")


def _reservation(capacity: Capacity) -> ec2.LaunchTemplateCapacityReservationSpecificationArgs | None:
    """A target, so that machines come from what is paid for, or not at all."""
    if not isinstance(capacity, BlockCapacity | ReservedCapacity):
        return None
    grouped = is_resource_group(capacity.reservation)
    target = ec2.LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs(
        capacity_reservation_id=None if grouped else capacity.reservation,
        capacity_reservation_resource_group_arn=capacity.reservation if grouped else None,
    )
    return ec2.LaunchTemplateCapacityReservationSpecificationArgs(capacity_reservation_target=target)


def _placement(name: str, placement: Placement, opts: pulumi.ResourceOptions) -> ec2.LaunchTemplatePlacementArgs | None:
    match placement:
        case OwnGroup(name=group):
            made = ec2.PlacementGroup(
                f"{name}-together", name=group, strategy=ec2.PlacementStrategy.CLUSTER, tags={"Name": group}, opts=opts
            )
            return ec2.LaunchTemplatePlacementArgs(group_name=made.name)
        case GivenGroup(name=group):
            return ec2.LaunchTemplatePlacementArgs(group_name=group)
        case _:
            return None


def _tags(tags: Mapping[str, str]) -> list[ec2.LaunchTemplateTagSpecificationArgs]:
    return [
        ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags)
        for kind in ("instance", "volume", "network-interface")
    ]
