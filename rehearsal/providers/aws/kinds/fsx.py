"""FSx for Lustre: file systems and their links to buckets.

moto makes, describes and removes file systems, and knows neither changes nor links; it fills in no mount name.
"""

from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import pascal
from rehearsal.providers.aws.kinds.parts import arn, tag_change, tag_list

FILE_SYSTEM = "aws:fsx/lustreFileSystem:LustreFileSystem"
SUBNET = "aws:ec2/subnet:Subnet"
OF_EVERY_SYSTEM = ("fileSystemTypeVersion", "kmsKeyId", "securityGroupIds", "storageCapacity", "storageType")
"""Fields that are no matter of Lustre in the API."""
AT_DELETE = frozenset({"skipFinalBackup", "finalBackupTags"})
RENAMED = {"dataReadCacheConfiguration.size": "SizeGiB"}
CHANGEABLE = frozenset(
    {
        "autoImportPolicy", "automaticBackupRetentionDays", "dailyAutomaticBackupStartTime", "dataCompressionType",
        "dataReadCacheConfiguration", "logConfiguration", "metadataConfiguration", "perUnitStorageThroughput",
        "rootSquashConfiguration", "throughputCapacity", "weeklyMaintenanceStartTime",
    }
)  # fmt: skip
GIB_PER_SERVER = 2_400
CREATED_MIN, LINKED_MIN, DELETED_MIN = 10.0, 4.0, 5.0
"""Minutes, as users see them for file systems of a few TiB."""


def _create(api: CloudApi, inputs: Inputs) -> Made:
    if "backupId" in inputs:
        raise CloudApiError("InvalidParameterValue", "backupId: a restore from a backup is not simulated")
    subnet = inputs["subnetIds"]
    system = api.call(
        "fsx", "CreateFileSystem", FileSystemType="LUSTRE", SubnetIds=[subnet], Tags=tag_list(inputs),
        LustreConfiguration=_of_lustre(inputs), **_of_every_system(inputs),
    )["FileSystem"]  # fmt: skip
    system_id = system["FileSystemId"]
    api.created(system_id)
    servers = 1 + int(inputs.get("storageCapacity") or GIB_PER_SERVER) // GIB_PER_SERVER
    interface = api.new_id("eni")
    api.side_effect(
        "network interface", interface, blocks_deletion_of=[subnet, *inputs.get("securityGroupIds", [])], count=servers
    )
    return Made(
        id=system_id,
        outputs={
            "arn": arn(api, "fsx", f"file-system/{system_id}"),
            "dnsName": f"{system_id}.fsx.{api.region}.amazonaws.com",
            "mountName": system_id[-8:],
            "networkInterfaceIds": [interface],
            "ownerId": api.account_id,
            "vpcId": (api.find(SUBNET, subnet) or {}).get("vpcId"),
        },
    )


def _of_every_system(inputs: Inputs) -> dict[str, Any]:
    return pascal({name: inputs[name] for name in OF_EVERY_SYSTEM if name in inputs}, {})


def _of_lustre(inputs: Inputs) -> dict[str, Any]:
    """All the rest: what the API's model does not have, it refuses by name."""
    elsewhere = {*OF_EVERY_SYSTEM, *AT_DELETE, "subnetIds"}
    return pascal({name: value for name, value in inputs.items() if name not in elsewhere}, RENAMED)


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    change = tag_change(old, new)
    if change.gone:
        api.keep("fsx", "UntagResource", {}, ResourceARN=old["arn"], TagKeys=change.gone)
    if change.set:
        api.keep("fsx", "TagResource", {}, ResourceARN=old["arn"], Tags=change.set)
    changed = {name: new[name] for name in new if new[name] != old.get(name)}
    lustre = pascal({name: value for name, value in changed.items() if name in CHANGEABLE}, RENAMED)
    whole = pascal({n: v for n, v in changed.items() if n in ("storageCapacity", "fileSystemTypeVersion")}, {})
    if lustre or whole:
        api.keep("fsx", "UpdateFileSystem", {}, FileSystemId=id, LustreConfiguration=lustre or None, **whole)
    return {}


def _delete(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    """The request names a final backup or none: FSx's own default is none, pulumi-aws's too."""
    skip = outputs.get("skipFinalBackup", True)
    tags = [{"Key": key, "Value": value} for key, value in (outputs.get("finalBackupTags") or {}).items()]
    how = {"SkipFinalBackup": skip, "FinalBackupTags": tags or None}
    api.call("fsx", "DeleteFileSystem", FileSystemId=id, LustreConfiguration=how)


def _create_link(api: CloudApi, inputs: Inputs) -> Made:
    link_id = api.new_id("dra")
    asked = {name: value for name, value in inputs.items() if name != "deleteDataInFilesystem"}
    answer = {"Association": {"AssociationId": link_id}}
    api.keep("fsx", "CreateDataRepositoryAssociation", answer, Tags=tag_list(inputs), **pascal(asked, {}))
    where = f"association/{inputs['fileSystemId']}/{link_id}"
    return Made(id=link_id, outputs={"arn": arn(api, "fsx", where), "associationId": link_id})


def _update_link(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    changed = {name: new[name] for name in ("s3", "importedFileChunkSize") if new.get(name) != old.get(name)}
    if changed:
        api.keep("fsx", "UpdateDataRepositoryAssociation", {}, AssociationId=id, **pascal(changed, {}))
    return {}


def _delete_link(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    remove = outputs.get("deleteDataInFilesystem", False)
    api.keep("fsx", "DeleteDataRepositoryAssociation", {}, AssociationId=id, DeleteDataInFileSystem=remove)


KINDS: tuple[ResourceKind, ...] = (
    ResourceKind(
        token=FILE_SYSTEM,
        create=_create,
        update=_update,
        delete=_delete,
        fixed=frozenset(
            {
                "backupId", "copyTagsToBackups", "deploymentType", "driveCacheType", "efaEnabled", "exportPath",
                "importPath", "importedFileChunkSize", "kmsKeyId", "securityGroupIds", "storageType", "subnetIds",
            }
        ),
        refers={
            "subnetIds": SUBNET,
            "securityGroupIds": "aws:ec2/securityGroup:SecurityGroup",
            "kmsKeyId": "aws:kms/key:Key",
        },
        ready_after_min=lambda _inputs: CREATED_MIN,
        deleted_after_min=lambda _inputs: DELETED_MIN,
    ),
    ResourceKind(
        token="aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation",
        create=_create_link,
        update=_update_link,
        delete=_delete_link,
        fixed=frozenset({"batchImportMetaDataOnCreate", "dataRepositoryPath", "fileSystemId", "fileSystemPath"}),
        refers={"fileSystemId": FILE_SYSTEM},
        ready_after_min=lambda _inputs: LINKED_MIN,
    ),
)  # fmt: skip
