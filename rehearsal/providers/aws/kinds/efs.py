"""EFS: file systems, their policies, and mount targets in subnets."""

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import pascal
from rehearsal.providers.aws.kinds.parts import arn, tag_change, tag_list

FILE_SYSTEM = "aws:efs/fileSystem:FileSystem"
APART = frozenset({"creationToken", "lifecyclePolicies"})
"""Fields that do not go with the request that creates a file system, or not as they are."""
MOUNTABLE_MIN = 1.5


def _create(api: CloudApi, inputs: Inputs) -> Made:
    token = inputs.get("creationToken") or api.new_id("penstock")
    asked = pascal({name: value for name, value in inputs.items() if name not in APART}, {})
    system = api.call("efs", "CreateFileSystem", CreationToken=token, Tags=tag_list(inputs), **asked)
    system_id = system["FileSystemId"]
    api.created(system_id)
    _set_lifecycle(api, system_id, inputs)
    return Made(
        id=system_id,
        outputs={
            "arn": arn(api, "elasticfilesystem", f"file-system/{system_id}"),
            "creationToken": token,
            "dnsName": f"{system_id}.efs.{api.region}.amazonaws.com",
            "name": (inputs.get("tags") or {}).get("Name", ""),
            "numberOfMountTargets": 0,
            "ownerId": api.account_id,
            "performanceMode": inputs.get("performanceMode", "generalPurpose"),
        },
    )


def _set_lifecycle(api: CloudApi, system_id: str, inputs: Inputs) -> None:
    """The API takes one policy to an entry, and so does pulumi-aws."""
    if "lifecyclePolicies" in inputs:
        rules = [pascal(policy, {"transitionToIa": "TransitionToIA"}) for policy in inputs["lifecyclePolicies"]]
        api.call("efs", "PutLifecycleConfiguration", FileSystemId=system_id, LifecyclePolicies=rules)


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    change = tag_change(old, new)
    if change.gone:
        api.call("efs", "UntagResource", ResourceId=id, TagKeys=change.gone)
    if change.set:
        api.call("efs", "TagResource", ResourceId=id, Tags=change.set)
    rates = ("throughputMode", "provisionedThroughputInMibps")
    if any(new.get(name) != old.get(name) for name in rates):
        asked = pascal({name: new[name] for name in rates if name in new}, {})
        api.keep("efs", "UpdateFileSystem", {}, FileSystemId=id, **asked)
    if new.get("lifecyclePolicies") != old.get("lifecyclePolicies"):
        _set_lifecycle(api, id, {"lifecyclePolicies": new.get("lifecyclePolicies", [])})
    return {}


def _delete(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("efs", "DeleteFileSystem", FileSystemId=id)


def _put_policy(api: CloudApi, inputs: Inputs) -> Made:
    system_id = inputs["fileSystemId"]
    api.keep("efs", "PutFileSystemPolicy", {}, **pascal(inputs, {}))
    return Made(id=system_id, outputs={})


def _update_policy(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    return _put_policy(api, new).outputs


def _delete_policy(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("efs", "DeleteFileSystemPolicy", {}, FileSystemId=id)


def _create_target(api: CloudApi, inputs: Inputs) -> Made:
    target = api.call("efs", "CreateMountTarget", **pascal(inputs, {}))
    target_id, system_id = target["MountTargetId"], inputs["fileSystemId"]
    api.created(target_id)
    interface = target["NetworkInterfaceId"]
    api.side_effect(
        "network interface", interface, blocks_deletion_of=[inputs["subnetId"], *inputs.get("securityGroups", [])]
    )
    name = f"{system_id}.efs.{api.region}.amazonaws.com"
    return Made(
        id=target_id,
        outputs={
            "availabilityZoneId": target["AvailabilityZoneId"],
            "availabilityZoneName": target["AvailabilityZoneName"],
            "dnsName": name,
            "fileSystemArn": arn(api, "elasticfilesystem", f"file-system/{system_id}"),
            "ipAddress": target["IpAddress"],
            "mountTargetDnsName": f"{target['AvailabilityZoneName']}.{name}",
            "networkInterfaceId": interface,
            "ownerId": api.account_id,
        },
    )


def _update_target(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if new.get("securityGroups") != old.get("securityGroups"):
        groups = new.get("securityGroups")
        api.call("efs", "ModifyMountTargetSecurityGroups", MountTargetId=id, SecurityGroups=groups)
    return {}


def _delete_target(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("efs", "DeleteMountTarget", MountTargetId=id)


KINDS: tuple[ResourceKind, ...] = (
    ResourceKind(
        token=FILE_SYSTEM,
        create=_create,
        update=_update,
        delete=_delete,
        fixed=frozenset({"availabilityZoneName", "creationToken", "encrypted", "kmsKeyId", "performanceMode"}),
        refers={"kmsKeyId": "aws:kms/key:Key"},
        ready_after_min=lambda _inputs: 0.2,
    ),
    ResourceKind(
        token="aws:efs/fileSystemPolicy:FileSystemPolicy",
        create=_put_policy,
        update=_update_policy,
        delete=_delete_policy,
        fixed=frozenset({"fileSystemId"}),
        refers={"fileSystemId": FILE_SYSTEM},
    ),
    ResourceKind(
        token="aws:efs/mountTarget:MountTarget",
        create=_create_target,
        update=_update_target,
        delete=_delete_target,
        fixed=frozenset({"fileSystemId", "subnetId", "ipAddress", "ipAddressType", "ipv6Address"}),
        refers={
            "fileSystemId": FILE_SYSTEM,
            "subnetId": "aws:ec2/subnet:Subnet",
            "securityGroups": "aws:ec2/securityGroup:SecurityGroup",
        },
        ready_after_min=lambda _inputs: MOUNTABLE_MIN,
    ),
)
