"""Buckets as Pulumi resources: one that keeps versions, and one of a single zone."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import s3

from providers.aws.storage.handle import BucketHandle
from providers.aws.storage.types import BucketPlan, ExpressPlan

ABANDONED_UPLOAD_DAYS = 7


class ObjectStore(pulumi.ComponentResource):
    """A bucket: versioned, encrypted with the given key, closed to the public, over TLS only.

    Kept, it stays in the account with all that protects it. Not kept, it goes with its objects.
    """

    handle: BucketHandle

    def __init__(
        self, name: str, *, plan: BucketPlan, key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("penstock:aws:ObjectStore", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=plan.keep)
        bucket = s3.Bucket(name, bucket=plan.name, force_destroy=not plan.keep, tags={"Name": name}, opts=kept)
        private = s3.BucketPublicAccessBlock(
            name, bucket=bucket.id, block_public_acls=True, block_public_policy=True, ignore_public_acls=True,
            restrict_public_buckets=True, opts=kept,
        )  # fmt: skip
        versions = s3.BucketVersioning(
            name,
            bucket=bucket.id,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=kept,
        )
        encrypt(name, bucket.id, key_arn, kept)
        s3.BucketLifecycleConfiguration(
            name, bucket=bucket.id, rules=_lifecycle(plan), opts=_after(kept, versions)
        )  # fmt: skip
        # S3 refuses two changes of a bucket's access at once.
        s3.BucketPolicy(name, bucket=bucket.id, policy=bucket.arn.apply(_tls_only), opts=_after(kept, private))
        self.handle = BucketHandle(name=bucket.bucket, arn=bucket.arn)
        self.register_outputs({"bucket": bucket.bucket})


class ExpressStore(pulumi.ComponentResource):
    """A directory bucket. Kept, it stays in the account; not kept, it goes with its objects."""

    handle: BucketHandle

    def __init__(
        self, name: str, *, plan: ExpressPlan, key_arn: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`key_arn` also tells the account, whose number makes the bucket's name the zone's only one."""
        super().__init__("penstock:aws:ExpressStore", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=plan.keep)
        bucket = s3.DirectoryBucket(
            name,
            bucket=key_arn.apply(lambda arn: f"{plan.base}-{arn.split(':')[4]}--{plan.zone_id}--x-s3"),
            location=s3.DirectoryBucketLocationArgs(name=plan.zone_id, type="AvailabilityZone"),
            force_destroy=not plan.keep,
            tags={"Name": name},
            opts=kept,
        )
        encrypt(name, bucket.id, key_arn, kept)
        self.handle = BucketHandle(name=bucket.bucket, arn=bucket.arn)
        self.register_outputs({"bucket": bucket.bucket})


def encrypt(
    name: str, bucket: pulumi.Input[str], key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> s3.BucketServerSideEncryptionConfiguration:  # fmt: skip
    """With a bucket key: else each object would be a request to KMS."""
    how = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms", kms_master_key_id=key_arn
    )
    rule = s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=how, bucket_key_enabled=True
    )
    return s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket, rules=[rule], opts=opts)


def _after(opts: pulumi.ResourceOptions, resource: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[resource]))


def _lifecycle(plan: BucketPlan) -> list[s3.BucketLifecycleConfigurationRuleArgs]:
    everything = s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    expiry = s3.BucketLifecycleConfigurationRuleExpirationArgs(days=plan.expire_days) if plan.expire_days else None
    versions = s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
        noncurrent_days=plan.keep_versions_days
    )
    uploads = s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
        days_after_initiation=ABANDONED_UPLOAD_DAYS
    )
    rule = s3.BucketLifecycleConfigurationRuleArgs(
        id="penstock",
        status="Enabled",
        filter=everything,
        expiration=expiry,
        noncurrent_version_expiration=versions,
        abort_incomplete_multipart_upload=uploads,
    )
    return [rule]


def _tls_only(arn: str) -> str:
    statement = {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
