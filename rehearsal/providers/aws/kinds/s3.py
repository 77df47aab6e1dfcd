"""S3: buckets, each with what is set on it by a resource of its own; directory buckets, which moto lacks."""

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import Answer, CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import pascal
from rehearsal.providers.aws.kinds.parts import tag_list

BUCKET = "aws:s3/bucket:Bucket"
DIRECTORY_BUCKET = "aws:s3/directoryBucket:DirectoryBucket"
WITHOUT_CONSTRAINT = "us-east-1"
"""S3's first region, which a request must not name."""
OF_BUCKET = frozenset({"__defaults", "bucket", "bucketPrefix", "forceDestroy", "objectLockEnabled", "region", "tags"})
OF_DIRECTORY_BUCKET = frozenset(
    {"__defaults", "bucket", "dataRedundancy", "forceDestroy", "location", "region", "tags", "type"}
)
RENAMED = {
    "rules.id": "ID",
    "rules.applyServerSideEncryptionByDefault.sseAlgorithm": "SSEAlgorithm",
    "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
    "versioningConfiguration.mfaDelete": "MFADelete",
}


def _create_bucket(api: CloudApi, inputs: Inputs) -> Made:
    _refuse_others(inputs, OF_BUCKET, "set it with a resource of its own")
    name = inputs["bucket"]
    place = None if api.region == WITHOUT_CONSTRAINT else {"LocationConstraint": api.region}
    lock = inputs.get("objectLockEnabled")
    api.call("s3", "CreateBucket", Bucket=name, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=lock)
    api.created(name)
    _set_tags(api, name, inputs)
    return Made(
        id=name,
        outputs={
            "arn": f"arn:aws:s3:::{name}",
            "bucket": name,
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{api.region}.amazonaws.com",
        },
    )


def _refuse_others(inputs: Inputs, known: frozenset[str], remedy: str) -> None:
    if others := sorted(set(inputs) - known):
        raise CloudApiError("InvalidArgument", f"{', '.join(others)}: not simulated on the bucket itself; {remedy}")


def _set_tags(api: CloudApi, name: str, inputs: Inputs) -> None:
    tags = tag_list(inputs)
    if tags:
        api.call("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": tags})


def _update_bucket(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if old.get("tags") and not new.get("tags"):
        api.call("s3", "DeleteBucketTagging", Bucket=id)
    elif old.get("tags") != new.get("tags"):
        _set_tags(api, id, new)
    return {}


def _delete_bucket(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    """With its objects where the program says so; otherwise S3 refuses a bucket that has any."""
    if outputs.get("forceDestroy"):
        found = api.call("s3", "ListObjectVersions", Bucket=id)
        for entry in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
            api.call("s3", "DeleteObject", Bucket=id, Key=entry["Key"], VersionId=entry["VersionId"])
    api.call("s3", "DeleteBucket", Bucket=id)


def _create_directory_bucket(api: CloudApi, inputs: Inputs) -> Made:
    _refuse_others(inputs, OF_DIRECTORY_BUCKET, "leave it out")
    name, location = inputs["bucket"], inputs["location"]
    how = {
        "Location": {"Name": location["name"], "Type": location.get("type", "AvailabilityZone")},
        "Bucket": {
            "DataRedundancy": inputs.get("dataRedundancy", "SingleAvailabilityZone"),
            "Type": inputs.get("type", "Directory"),
        },
        "Tags": tag_list(inputs),
    }
    api.keep("s3", "CreateBucket", {}, Bucket=name, CreateBucketConfiguration=how)
    where = f"arn:aws:s3express:{api.region}:{api.account_id}:bucket/{name}"
    return Made(id=name, outputs={"arn": where, "bucket": name})


def _delete_directory_bucket(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("s3", "DeleteBucket", {}, Bucket=id)


def _send(api: CloudApi, operation: str, bucket: str, **parameters: Any) -> Answer:
    """To moto, or for a directory bucket to the account's own store."""
    if api.find(DIRECTORY_BUCKET, bucket):
        return api.keep("s3", operation, {}, Bucket=bucket, **parameters)
    return api.call("s3", operation, Bucket=bucket, **parameters)


def _setting(
    token: str, put: str, request: Callable[[Inputs], Mapping[str, Any]], remove: str, removal: Mapping[str, Any]
) -> ResourceKind:
    """A setting of a bucket, made by one request and taken back by another. Its id is the bucket's name."""

    def create(api: CloudApi, inputs: Inputs) -> Made:
        _send(api, put, inputs["bucket"], **request(inputs))
        return Made(id=inputs["bucket"], outputs={})

    def update(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
        _send(api, put, id, **request(new))
        return {}

    def delete(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
        _send(api, remove, id, **removal)

    return ResourceKind(
        token=f"aws:s3/{token[0].lower()}{token[1:]}:{token}", create=create, update=update, delete=delete,
        fixed=frozenset({"bucket", "expectedBucketOwner"}),
    )  # fmt: skip


def _without_bucket(inputs: Inputs) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name != "bucket"}


def _versioning(inputs: Inputs) -> Mapping[str, Any]:
    return pascal(_without_bucket(inputs), RENAMED)


def _encryption(inputs: Inputs) -> Mapping[str, Any]:
    others = pascal({name: value for name, value in inputs.items() if name not in ("bucket", "rules")}, RENAMED)
    rules = pascal({"rules": inputs["rules"]}, RENAMED)
    return {"ServerSideEncryptionConfiguration": rules, **others}


def _public_access(inputs: Inputs) -> Mapping[str, Any]:
    asked = {name: value for name, value in inputs.items() if name not in ("bucket", "skipDestroy")}
    return {"PublicAccessBlockConfiguration": pascal(asked, RENAMED)}


def _lifecycle(inputs: Inputs) -> Mapping[str, Any]:
    others = pascal({name: value for name, value in inputs.items() if name not in ("bucket", "rules")}, RENAMED)
    return {"LifecycleConfiguration": pascal({"rules": inputs["rules"]}, RENAMED), **others}


def _policy(inputs: Inputs) -> Mapping[str, Any]:
    return pascal(_without_bucket(inputs), RENAMED)


KINDS: tuple[ResourceKind, ...] = (
    ResourceKind(
        token=BUCKET,
        create=_create_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        fixed=frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
        own_name="bucket",
        longest_name=63,
    ),
    ResourceKind(
        token=DIRECTORY_BUCKET,
        create=_create_directory_bucket,
        delete=_delete_directory_bucket,
    ),
    _setting(
        "BucketVersioning", "PutBucketVersioning", _versioning, "PutBucketVersioning",
        {"VersioningConfiguration": {"Status": "Suspended"}},
    ),
    _setting(
        "BucketServerSideEncryptionConfiguration", "PutBucketEncryption", _encryption, "DeleteBucketEncryption", {}
    ),
    _setting("BucketPublicAccessBlock", "PutPublicAccessBlock", _public_access, "DeletePublicAccessBlock", {}),
    _setting(
        "BucketLifecycleConfiguration", "PutBucketLifecycleConfiguration", _lifecycle, "DeleteBucketLifecycle", {}
    ),
    _setting("BucketPolicy", "PutBucketPolicy", _policy, "DeleteBucketPolicy", {}),
)  # fmt: skip
