"""Needs of Karpenter on AWS beside its chart, as resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, eks, iam, sqs

from components.platform.versions import versions
from providers.aws.control_plane.eks.karpenter_rights import Statement, queue_statements, statements
from providers.aws.control_plane.identity import SERVICE_OF_PODS, role_of
from providers.aws.eks_handle import EksHandle
from providers.aws.nodes.karpenter import ACCOUNT, profile_name
from providers.aws.types import KARPENTER

_EVENTS = {
    "health": ("aws.health", "AWS Health Event"),
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state": ("aws.ec2", "EC2 Instance State-change Notification"),
}
"""By rule, source and type of the events that it reads (Karpenter, Disruption, Interruption)."""

_KEPT_S = 300
"""Word of a machine that goes is of no use later (as in Karpenter's own cloudformation.yaml)."""


class Karpenter(pulumi.ComponentResource):
    """The controller's role, the instance profile of its machines, and the queue that tells it which of them go. They
    stand before the controller does, and until its last machine has gone.
    """

    values: Mapping[str, Mapping[str, Any]]
    """By add-on, values that only building tells."""

    def __init__(
        self,
        name: str,
        *,
        stack: str,
        region: str,
        cluster: EksHandle,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("penstock:aws:Karpenter", name, None, opts)
        self._own = pulumi.ResourceOptions(parent=self)
        iam.InstanceProfile(
            f"{name}-nodes",
            name=profile_name(stack, region),
            role=cluster.node_role_name,
            tags={"Name": f"{name}-nodes"},
            # Its name is fixed, as NodePools are written before it is made.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        queue = sqs.Queue(
            name,
            sqs_managed_sse_enabled=True,
            message_retention_seconds=_KEPT_S,
            tags={"Name": name},
            opts=self._own,
        )
        rules = dict(self._rules(name, queue))
        policy = pulumi.Output.all(queue.arn, *(rule.arn for rule in rules.values())).apply(
            lambda arns: _document(queue_statements(arns[0], arns[1:]))
        )
        sqs.QueuePolicy(name, queue_url=queue.url, policy=policy, opts=self._own)
        self._identify(name, stack, region, cluster, queue)
        self.values = {KARPENTER: {"settings": {"interruptionQueue": queue.name}}}
        self.register_outputs({"queue": queue.name})

    def _rules(self, name: str, queue: sqs.Queue) -> Iterator[tuple[str, cloudwatch.EventRule]]:
        for event, (source, kind) in _EVENTS.items():
            rule = cloudwatch.EventRule(
                f"{name}-{event}",
                event_pattern=json.dumps({"source": [source], "detail-type": [kind]}),
                tags={"Name": f"{name}-{event}"},
                opts=self._own,
            )
            cloudwatch.EventTarget(f"{name}-{event}", rule=rule.name, arn=queue.arn, opts=self._own)
            yield event, rule

    def _identify(self, name: str, stack: str, region: str, cluster: EksHandle, queue: sqs.Queue) -> None:
        """The role, and the account that has it: there before the pods are, which get it as they start."""
        made = role_of(SERVICE_OF_PODS, name, parent=self)
        policy = pulumi.Output.all(cluster.cluster_arn, queue.arn, cluster.node_role_arn).apply(
            lambda arns: _document(
                statements(cluster=stack, region=region, cluster_arn=arns[0], queue_arn=arns[1], role_arn=arns[2])
            )
        )
        allowed = iam.RolePolicy(name, role=made.role.name, policy=policy, opts=self._own)
        eks.PodIdentityAssociation(
            name,
            cluster_name=cluster.cluster_name,
            namespace=versions()[KARPENTER].namespace,
            service_account=ACCOUNT,
            role_arn=made.role.arn,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )


def _document(those: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": those})
