"""The log group of a control plane, which EKS makes anew after a destroy: removed then, and looked for before an `up`.

EKS's service-linked role still writes when the cluster is gone and its group with it, and makes the group again:
without key, end and tags, and in the way of the next `up` of that name. A Deny on the cluster's own role does not help
(terraform-aws-modules/terraform-aws-eks 2486 and 2763).
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from components.errors import Problem
from providers.aws.asked import asked

PATH = "cluster"
POLL_S = 5.0


def log_group_of(cluster: str) -> str:
    """The group that EKS writes a cluster's control plane logs into (EKS User Guide, control plane logs)."""
    return f"/aws/eks/{cluster}/cluster"


def delete_late_logs(logs: Any, cluster: str, say: Callable[[str], None], patience_s: float) -> None:
    """Removes the group of a cluster that is gone; where there is none yet, looks again for `patience_s` seconds."""
    name, deadline = log_group_of(cluster), time.monotonic() + patience_s
    while not _is_there(logs, name):
        if time.monotonic() >= deadline:
            return
        time.sleep(POLL_S)
    logs.delete_log_group(logGroupName=name)
    say(f"deleted log group {name}, which EKS had made anew for logs that came after the cluster's end")


def left_log_group(logs: Any, cluster: str, region: str) -> Problem | None:
    """The problem of a group that stands in the way of a cluster that is not there yet; `up` does not ask this."""
    name = log_group_of(cluster)
    if not asked("logs:DescribeLogGroups", PATH, partial(_is_there, logs, name), stops=False):
        return None
    message = (
        f"there is no cluster {cluster}, and log group {name} is there: EKS makes it anew when a cluster of that name"
        f" is destroyed, and `up` cannot make it again; run `aws logs delete-log-group --region {region}"
        f" --log-group-name {name}` (its logs go), or take another stack name"
    )
    return Problem(path=PATH, message=message)


def _is_there(logs: Any, name: str) -> bool:
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(one["logGroupName"] == name for one in found)
