"""Operations on what AWS has built, which penstock's plugin asks for: a drain, and pools set to no nodes and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from components.errors import PenstockError
from providers.aws.drain import Clients
from providers.aws.drain import drain as drain_network
from providers.aws.late_logs import delete_late_logs
from providers.aws.session import session

DRAIN_INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "region": str, "cluster": str, "vpc": str, "patienceS": (int, float), "identity": dict,
}  # fmt: skip

Scaler = Mapping[str, str]
"""A pool's group: `kind`, `region`, `group`, `least`, `most`, `cluster` for one of EKS's own, `machines` for the auto
scaling group behind it, `prepaid` where it is, and what is asked of `profile` and `role_arn`."""

_NOT_ACTIVE = ("ResourceInUseException", "InvalidRequestException")
"""Answers of EKS about a group that it calls degraded, as one whose machines were not to be had (aws/containers-roadmap
2204 and 2326): it stays so until some come, and so its auto scaling group is asked in its place."""


def drain(inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Frees the network of what controllers made; without one, removes what EKS wrote after the cluster's end.

    PenstockError in AWS's own words where it refuses.
    """
    cluster, identity = inputs["cluster"], inputs.get("identity") or {}
    if not inputs["vpc"]:
        with _explained(f"logs that EKS wrote for {cluster} after its end may be there"):
            delete_late_logs(session(inputs["region"], **identity).client("logs"), cluster, say, inputs["patienceS"])
        return
    with _explained(f"what controllers of {cluster} made is still there"):
        clients = Clients.of(inputs["region"], identity)
        drain_network(clients, cluster, inputs["vpc"], say, inputs["patienceS"])


def scale_to_zero(scaler: Scaler) -> None:
    """Tells the pool to let its nodes go; PenstockError in AWS's own words where it refuses."""
    with _explained(f"{scaler['group']} could not be set to no nodes"):
        _resize(scaler, least=0, most=int(scaler["most"]), nodes=0)


def restore(scaler: Scaler, nodes: int) -> int:
    """Gives the pool its planned limits and size, and returns the size; PenstockError in AWS's own words where it
    refuses. A pool with a range keeps more nodes that it has: they came for work, and nobody here knows which are idle.
    """
    least, most = int(scaler["least"]), int(scaler["most"])
    with _explained(f"{scaler['group']} could not be set to {nodes} nodes"):
        size = nodes if least == most else min(max(nodes, _size(scaler)), most)
        _resize(scaler, least=least, most=most, nodes=size)
    return size


def limit(scaler: Scaler) -> None:
    """Gives the pool its planned limits, and leaves its size alone where that lies within; PenstockError in AWS's own
    words where it refuses. An auto scaling group of one's own has its limits from the engine.
    """
    if scaler["kind"] != "eks":
        return
    least, most = int(scaler["least"]), int(scaler["most"])
    with _explained(f"{scaler['group']} could not be limited to {least} to {most} nodes"):
        _resize(scaler, least=least, most=most, nodes=min(max(_size(scaler), least), most))


def turn_to(scaler: Scaler, other: Scaler, missing: int) -> int:
    """Asks for the missing nodes of a pool in the group that stands in for it, and no longer in its own; returns the
    size of that group. PenstockError in AWS's own words where it refuses.
    """
    with _explained(f"{other['group']} could not stand in for {missing} nodes of {scaler['group']}"):
        least, most, size = int(other["least"]), int(other["most"]), _size(other)
        own = max(int(scaler["least"]), _size(scaler) - missing)
        _resize(scaler, least=int(scaler["least"]), most=int(scaler["most"]), nodes=own)
        nodes = min(max(least, size + missing), most)
        _resize(other, least=least, most=most, nodes=nodes)
    return nodes


def shortage(scaler: Scaler) -> str:
    """The reason for which AWS starts no machines for the pool, in its own words; empty where it gives none."""
    account = _account(scaler)
    with _explained(f"AWS was not asked why {scaler['group']} lacks nodes"):
        if scaler["kind"] == "eks":
            group = account.client("eks").describe_nodegroup(**_node_group(scaler))["nodegroup"]
            issues = (group.get("health") or {}).get("issues", ())
            return "; ".join(str(one.get("message", one.get("code", ""))) for one in issues)
        asked = {"AutoScalingGroupName": scaler["group"], "MaxRecords": 1}
        found = account.client("autoscaling").describe_scaling_activities(**asked)["Activities"]
        failed = (one for one in found if one["StatusCode"] == "Failed")
        return "; ".join(str(one.get("StatusMessage", "")) for one in failed)


def _size(scaler: Scaler) -> int:
    """The nodes that the pool is to have now, whoever has asked for them; PenstockError for a group that is not there.

    EKS tells the size that its group has come to by the autoscaler (API reference, NodegroupScalingConfig).
    """
    account = _account(scaler)
    if scaler["kind"] == "eks":
        group = account.client("eks").describe_nodegroup(**_node_group(scaler))["nodegroup"]
        return int(group["scalingConfig"]["desiredSize"])
    found = account.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[scaler["group"]])
    for group in found["AutoScalingGroups"]:
        return int(group["DesiredCapacity"])
    raise PenstockError(f"there is no auto scaling group {scaler['group']}")


def _resize(scaler: Scaler, *, least: int, most: int, nodes: int) -> None:
    """EKS keeps the size of its own groups (UpdateNodegroupConfig; maxSize is one at least)."""
    from botocore.exceptions import ClientError

    account = _account(scaler)
    if scaler["kind"] == "eks":
        size = {"minSize": least, "maxSize": most, "desiredSize": nodes}
        try:
            account.client("eks").update_nodegroup_config(**_node_group(scaler), scalingConfig=size)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_ACTIVE or "machines" not in scaler:
                raise
        else:
            return
    size = {"MinSize": least, "MaxSize": most, "DesiredCapacity": nodes}
    group = scaler["machines"] if scaler["kind"] == "eks" else scaler["group"]
    account.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, **size)


def _node_group(scaler: Scaler) -> dict[str, str]:
    return {"clusterName": scaler["cluster"], "nodegroupName": scaler["group"]}


def _account(scaler: Scaler) -> Any:
    return session(scaler["region"], **{key: scaler[key] for key in ("profile", "role_arn") if key in scaler})


@contextmanager
def _explained(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise PenstockError(f"{what}: {error}") from error
