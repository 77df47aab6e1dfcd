"""A pool that cannot be had in time goes back to no nodes: what there is of it would be paid for and used by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.errors import PenstockError

Scaler = Mapping[str, str]


def scale_to_zero(scaler: Scaler | None) -> bool:
    """Whether the pool has been told to let its nodes go; not where nothing can tell it so."""
    match (scaler or {}).get("kind", "none"):
        case "eks":
            _eks(scaler or {})
        case "autoscaling":
            _auto_scaling(scaler or {})
        case _:
            return False
    return True


def _eks(scaler: Scaler) -> None:
    """A managed node group keeps its own size (EKS API: UpdateNodegroupConfig; maxSize is one at least)."""
    _guarded(
        "eks",
        scaler,
        lambda client: client.update_nodegroup_config(
            clusterName=scaler["cluster"],
            nodegroupName=scaler["group"],
            scalingConfig={"minSize": 0, "desiredSize": 0},
        ),
    )


def _auto_scaling(scaler: Scaler) -> None:
    _guarded(
        "autoscaling",
        scaler,
        lambda client: client.update_auto_scaling_group(
            AutoScalingGroupName=scaler["group"], MinSize=0, DesiredCapacity=0
        ),
    )


def _guarded(service: str, scaler: Scaler, request: Any) -> None:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session: Any = boto3.Session(region_name=scaler["region"])
    try:
        request(session.client(service))
    except (BotoCoreError, ClientError) as error:
        raise PenstockError(f"{scaler['group']} could not be set to no nodes: {error}") from error
