"""Rights on AWS of the stack's own jobs and services: its buckets, and nothing else."""

from __future__ import annotations

import pulumi
from pulumi_aws import eks, iam

from components.plan.kubernetes import NAMESPACE
from components.platform.versions import versions
from providers.aws.control_plane.identity import SERVICE_OF_PODS, role_of
from providers.aws.eks_handle import EksHandle
from providers.aws.storage.access import bucket_rights
from providers.aws.storage.handle import StorageHandle

ACCOUNT = "default"
"""Service account of every pod that names none: all that runs in the stack's namespace is the stack's."""


class WorkloadRole(pulumi.ComponentResource):
    """A role of the pods that jobs and services run in. Without it they may do nothing on AWS: nodes lend them none."""

    def __init__(
        self, name: str, *, cluster: EksHandle, storage: StorageHandle, scheduler: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("penstock:aws:WorkloadRole", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        made = role_of(SERVICE_OF_PODS, name, parent=self)
        policy = bucket_rights(storage)
        assert policy is not None, "the plan knows that there is a bucket"
        allowed = iam.RolePolicy(name, role=made.role.name, policy=policy, opts=own)
        for space in _namespaces(scheduler):
            eks.PodIdentityAssociation(
                name if space == NAMESPACE else f"{name}-{space}",
                cluster_name=cluster.cluster_name,
                namespace=space,
                service_account=ACCOUNT,
                role_arn=made.role.arn,
                tags={"Name": name},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
            )
        self.register_outputs({})


def _namespaces(scheduler: str) -> tuple[str, ...]:
    """Namespaces of the pods that jobs run in: Slurm's jobs run in those of its nodes."""
    return (NAMESPACE, versions()["slurm"].namespace) if scheduler == "slurm" else (NAMESPACE,)
