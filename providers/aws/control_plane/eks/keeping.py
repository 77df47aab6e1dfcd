"""Logs and metrics of a cluster that AWS keeps, as resources: what they go into, and the right to write there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import amp, cloudwatch, eks, iam

from providers.aws.control_plane.eks.kept import COLLECTOR, METRICS, METRICS_ACCOUNT, KeptPlan, namespace_of
from providers.aws.control_plane.eks.key import ClusterKey
from providers.aws.control_plane.identity import SERVICE_OF_PODS, allowing_each, role_of
from providers.aws.eks_handle import EksHandle


class Keeping(pulumi.ComponentResource):
    """A log group and a workspace under the cluster's key, there before anything writes. Each has one writer, which may
    write there and nowhere else.
    """

    values: Mapping[str, Mapping[str, Any]]
    """By add-on, values that only building tells."""

    def __init__(
        self,
        name: str,
        *,
        plan: KeptPlan,
        region: str,
        cluster: EksHandle,
        key: ClusterKey,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("penstock:aws:Keeping", name, None, opts)
        self._cluster, self._key = cluster, key
        self.values = {}
        if plan.log_group:
            self._logs(f"{name}-logs", plan)
        if plan.metrics:
            self.values = {METRICS: self._metrics(f"{name}-metrics", region)}
        self.register_outputs({})

    def _logs(self, name: str, plan: KeptPlan) -> None:
        group = cloudwatch.LogGroup(
            name,
            name=plan.log_group,
            kms_key_id=self._key.arn,
            retention_in_days=plan.log_days,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._key.usable]),
        )
        actions = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
        policy = group.arn.apply(lambda arn: allowing_each(actions, (arn, f"{arn}:*")))
        self._writer(name, policy, namespace_of(COLLECTOR), COLLECTOR)

    def _metrics(self, name: str, region: str) -> Mapping[str, Any]:
        """Values by which Prometheus hands on all that it collects."""
        space = amp.Workspace(
            name,
            alias=self._cluster.cluster_name,
            kms_key_arn=self._key.arn,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._key.usable]),
        )
        policy = space.arn.apply(lambda arn: allowing_each(("aps:RemoteWrite",), (arn,)))
        self._writer(name, policy, namespace_of(METRICS), METRICS_ACCOUNT)
        url = space.prometheus_endpoint.apply(lambda endpoint: f"{endpoint}api/v1/remote_write")
        target = {"url": url, "sigv4": {"region": region}, "queueConfig": dict(_QUEUE)}
        account = {"create": True, "name": METRICS_ACCOUNT}
        return {"prometheus": {"serviceAccount": account, "prometheusSpec": {"remoteWrite": [target]}}}

    def _writer(self, name: str, policy: pulumi.Output[str], namespace: str, account: str) -> None:
        made = role_of(SERVICE_OF_PODS, name, parent=self)
        own = pulumi.ResourceOptions(parent=self)
        allowed = iam.RolePolicy(name, role=made.role.name, policy=policy, opts=own)
        eks.PodIdentityAssociation(
            name,
            cluster_name=self._cluster.cluster_name,
            namespace=namespace,
            service_account=account,
            role_arn=made.role.arn,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )


_QUEUE = {"maxSamplesPerSend": 1000, "maxShards": 200, "capacity": 2500}
"""As AMP's User Guide has it, Set up ingestion from a new Prometheus server using Helm."""
