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
"""A pool's group: `kind`, `region`, `group`, `least`, `cluster` for one of EKS's own, `prepaid` where it is,
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
        _resize(scaler, least=0, nodes=0)


def restore(scaler: Scaler, nodes: int) -> None:
    """Gives the pool its planned size back; PenstockError in AWS's own words where it refuses."""
    with _explained(f"{scaler['group']} could not be set to {nodes} nodes again"):
        _resize(scaler, least=int(scaler["least"]), nodes=nodes)


def _resize(scaler: Scaler, *, least: int, nodes: int) -> None:
    """EKS keeps the size of its own groups (UpdateNodegroupConfig; maxSize is one at least)."""
    known = {key: scaler[key] for key in ("profile", "role_arn") if key in scaler}
    account = session(scaler["region"], **known)
    if scaler["kind"] == "eks":
        size = {"minSize": least, "desiredSize": nodes}
        group = {"clusterName": scaler["cluster"], "nodegroupName": scaler["group"]}
        account.client("eks").update_nodegroup_config(**group, scalingConfig=size)
    else:
        size = {"MinSize": least, "DesiredCapacity": nodes}
        account.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=scaler["group"], **size)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise PenstockError(f"{what}: {error}") from error
