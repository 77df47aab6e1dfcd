"""Rights of a stack's jobs on the stack's own buckets, and on nothing else."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from providers.aws.storage.handle import StorageHandle

_OF_BUCKETS = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
_OF_OBJECTS = [
    "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
]  # fmt: skip


def bucket_rights(storage: StorageHandle) -> pulumi.Output[str] | None:
    """A policy that lets its bearer list, read and write the stack's buckets; None where the stack has none.

    Source: S3 User Guide, "Policies and permissions" (a bucket's rights and its objects' stand apart); S3 Express has
    one right, that to a session, and objects under a key of one's own need the key too (KMS Developer Guide).
    """
    buckets = [None if store is None else store.arn for store in (storage.object_store, storage.express_store)]
    if not any(buckets) or storage.key_arn is None:
        return None
    return pulumi.Output.all(*buckets, storage.key_arn).apply(lambda arns: _document(*arns))


def _document(bucket: str | None, express: str | None, key: str) -> str:
    statements: list[Mapping[str, Any]] = []
    if bucket:
        statements.append(_allow(_OF_BUCKETS, bucket))
        statements.append(_allow(_OF_OBJECTS, f"{bucket}/*"))
    if express:
        statements.append(_allow(["s3express:CreateSession"], express))
    statements.append(_allow(["kms:Decrypt", "kms:GenerateDataKey"], key))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(actions: list[str], resource: str) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": [resource]}
