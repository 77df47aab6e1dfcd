"""Operations on what AWS has built, which penstock's plugin asks for: a drain, and pools set to no nodes and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from components.errors import PenstockError
from providers.aws.drain import Clients
from providers.aws.drain import drain as drain_network
from providers.aws.session import session

DRAIN_INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "region": str, "cluster": str, "vpc": str, "patienceS": (int, float), "identity": dict,
}  # fmt: skip

Scaler = Mapping[str, str]
"""A pool's group: `kind`, `region`, `group`, `least`, `most`, `cluster` for one of EKS's own, `prepaid` where it is,
and what is asked of `profile` and `role_arn`."""


def drain(inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Frees the network of what controllers made; PenstockError in AWS's own words where it refuses."""
    cluster = inputs["cluster"]
    with _explained(f"what controllers of {cluster} made is still there"):
        clients = Clients.of(inputs["region"], inputs.get("identity") or {})
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
    account = _account(scaler)
    if scaler["kind"] == "eks":
        size = {"minSize": least, "maxSize": most, "desiredSize": nodes}
        account.client("eks").update_nodegroup_config(**_node_group(scaler), scalingConfig=size)
    else:
        size = {"MinSize": least, "MaxSize": most, "DesiredCapacity": nodes}
        account.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=scaler["group"], **size)


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
