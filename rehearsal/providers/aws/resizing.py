"""Sizes of groups that programs set through AWS's API themselves: the account follows, and its cluster's nodes.

Before moto, which knows the groups of EKS and makes no node of them, and does not know the others.
"""

import json
import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.aws.capacity import NODE_GROUP, SCALING_GROUP
from rehearsal.providers.aws.kinds.eks_nodes import refuse_sizes

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

NODE_GROUP_CONFIG = re.compile(r"/clusters/(?P<cluster>[^/]+)/node-groups/(?P<group>[^/]+)/update-config")
SCALING_GROUP_SIZES = {"MinSize": "minSize", "MaxSize": "maxSize", "DesiredCapacity": "desiredCapacity"}
"""By the API's names, the SDK's."""
DONE = b'<UpdateAutoScalingGroupResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"/>'


def resizing(cloud: SimulatedCloud, moto: "WSGIApplication") -> "WSGIApplication":
    """The API, with groups that change size in the account too."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        try:
            if _scaling_group(cloud, body):
                start("200 OK", [("Content-Type", "text/xml")])
                return [DONE]
            _node_group(cloud, str(environ.get("PATH_INFO", "")), body)
        except CloudApiError as error:
            start("400 Bad Request", [("Content-Type", "application/json"), ("x-amzn-ErrorType", error.code)])
            return [json.dumps({"message": error.message}).encode()]
        return moto(environ, start)

    return answer


def _node_group(cloud: SimulatedCloud, path: str, body: bytes) -> None:
    """Sets the group where that is what is asked; CloudApiError where EKS refuses the sizes."""
    named = NODE_GROUP_CONFIG.fullmatch(path)
    thing = cloud.account.get(NODE_GROUP, f"{named['cluster']}:{named['group']}") if named else None
    asked = json.loads(body).get("scalingConfig") if thing else None
    if not thing or not asked:
        return
    sizes = {**thing.inputs["scalingConfig"], **asked}
    refuse_sizes(sizes)
    cloud.change_from_outside(thing, {"scalingConfig": sizes})
    names = {"clusterName": named["cluster"], "nodegroupName": named["group"]} if named else {}
    # For moto in another process: it goes on from the requests that are written down.
    cloud.account.store.log("eks", "UpdateNodegroupConfig", thing.region, {**names, "scalingConfig": sizes})


def _scaling_group(cloud: SimulatedCloud, body: bytes) -> bool:
    """Sets the group where that is what is asked; False where it is something else."""
    if not body.startswith(b"Action=UpdateAutoScalingGroup"):
        return False
    asked: Mapping[str, list[str]] = parse_qs(body.decode())
    thing = cloud.account.get(SCALING_GROUP, asked["AutoScalingGroupName"][0])
    if thing is None:
        return False
    sizes: dict[str, Any] = {ours: int(asked[name][0]) for name, ours in SCALING_GROUP_SIZES.items() if name in asked}
    cloud.change_from_outside(thing, sizes)
    return True
