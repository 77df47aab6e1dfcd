"""The key of a cluster: of its secrets and of its control plane's logs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
from pulumi_aws import kms


class ClusterKey(pulumi.ComponentResource):
    """A key of the cluster's own, with new material every year, that CloudWatch may use for its log groups."""

    arn: pulumi.Output[str]
    usable: pulumi.Resource
    """Resource that the log group waits for: CloudWatch refuses a key that does not let it in."""

    def __init__(
        self,
        name: str,
        *,
        cluster: str,
        region: str,
        log_groups: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("penstock:aws:ClusterKey", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        key = kms.Key(
            f"{name}-key",
            description=f"secrets and control plane logs of the EKS cluster {cluster}",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            tags={"Name": name},
            opts=own,
        )
        kms.Alias(f"{name}-alias", name=f"alias/{cluster}-eks", target_key_id=key.key_id, opts=own)
        policy = key.arn.apply(lambda arn: key_policy(arn, region, log_groups))
        self.usable = kms.KeyPolicy(f"{name}-policy", key_id=key.key_id, policy=policy, opts=own)
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def key_policy(key_arn: str, region: str, log_groups: Sequence[str]) -> str:
    """The account administers the key through IAM, and CloudWatch Logs of the region uses it for these log groups.

    The account is the key's own, so that nothing has to be asked of AWS before the key is there.
    """
    account = key_arn.split(":")[4]
    administration = {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    logs = {
        "Sid": "ControlPlaneLogs",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {
            "ArnEquals": {
                "kms:EncryptionContext:aws:logs:arn": [
                    f"arn:aws:logs:{region}:{account}:log-group:{group}" for group in log_groups
                ]
            }
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [administration, logs]})
