"""Rights on AWS of the stack's own jobs and services: its buckets, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
from pulumi_aws import eks, iam

from components.plan.kubernetes import NAMESPACE
from providers.aws.control_plane.eks.types import PolicyStatement
from providers.aws.control_plane.identity import SERVICE_OF_PODS, policy_of, role_of
from providers.aws.eks_handle import EksHandle
from providers.aws.storage.handle import StorageHandle

ACCOUNT = "default"
"""Service account of every pod that names none: all that runs in the stack's namespace is the stack's."""

_OF_BUCKETS = ("s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads")
_OF_OBJECTS = (
    "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
)  # fmt: skip
_OF_KEYS = ("kms:Decrypt", "kms:GenerateDataKey")
"""To read and to write what a bucket encrypts with its key (S3 User Guide, Using SSE-KMS)."""


class WorkloadRole(pulumi.ComponentResource):
    """A role of the pods in the stack's namespace, which without it may do nothing on AWS: nodes lend them none."""

    def __init__(
        self, name: str, *, cluster: EksHandle, storage: StorageHandle, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("penstock:aws:WorkloadRole", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        made = role_of(SERVICE_OF_PODS, name, parent=self)
        arns = {
            key: given
            for key, given in (
                ("objects", storage.object_store and storage.object_store.arn),
                ("express", storage.express_store and storage.express_store.arn),
                ("key", storage.key_arn),
            )
            if given is not None
        }
        policy = pulumi.Output.all(**arns).apply(lambda found: policy_of(tuple(_rights(found))))
        allowed = iam.RolePolicy(name, role=made.role.name, policy=policy, opts=own)
        eks.PodIdentityAssociation(
            name,
            cluster_name=cluster.cluster_name,
            namespace=NAMESPACE,
            service_account=ACCOUNT,
            role_arn=made.role.arn,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.register_outputs({})


def _rights(arns: dict[str, str]) -> Iterator[PolicyStatement]:
    """A bucket of one zone gives its rights by a session (S3 Express One Zone, CreateSession)."""
    if objects := arns.get("objects"):
        yield PolicyStatement(actions=_OF_BUCKETS, resources=(objects,))
        yield PolicyStatement(actions=_OF_OBJECTS, resources=(f"{objects}/*",))
    if express := arns.get("express"):
        yield PolicyStatement(actions=("s3express:CreateSession",), resources=(express,))
    if key := arns.get("key"):
        yield PolicyStatement(actions=_OF_KEYS, resources=(key,))
