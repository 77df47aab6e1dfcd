"""Sizes of groups that programs set and ask for through AWS's API themselves: the account follows, and its nodes.

Before moto, which knows the groups of EKS and makes no node of them, and does not know the others. Their sizes are told
from the account, where an autoscaler may have changed them since.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from rehearsal.cloud.account import Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.aws.capacity import NODE_GROUP, SCALING_GROUP
from rehearsal.providers.aws.kinds.eks_nodes import refuse_sizes

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

NODE_GROUP_PATH = re.compile(r"/clusters/(?P<cluster>[^/]+)/node-groups/(?P<group>[^/]+)")
NODE_GROUP_CONFIG = re.compile(rf"{NODE_GROUP_PATH.pattern}/update-config")
SCALING_GROUP_SIZES = {"MinSize": "minSize", "MaxSize": "maxSize", "DesiredCapacity": "desiredCapacity"}
"""By the API's names, the SDK's."""
SPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"


def resizing(cloud: SimulatedCloud, moto: "WSGIApplication") -> "WSGIApplication":
    """The API, with groups that change size in the account too."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        path = str(environ.get("PATH_INFO", ""))
        try:
            if found := _scaling_group(cloud, body):
                start("200 OK", [("Content-Type", "text/xml")])
                return [found]
            _node_group(cloud, path, body)
            if environ.get("REQUEST_METHOD") == "GET" and (thing := _described(cloud, path)):
                return _with_sizes(thing, moto, environ, start)
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
    cloud.resize_from_outside(thing, {"scalingConfig": sizes})
    names = {"clusterName": named["cluster"], "nodegroupName": named["group"]} if named else {}
    # For moto in another process: it goes on from the requests that are written down.
    cloud.account.store.log("eks", "UpdateNodegroupConfig", thing.region, {**names, "scalingConfig": sizes})


def _described(cloud: SimulatedCloud, path: str) -> Object | None:
    named = NODE_GROUP_PATH.fullmatch(path)
    return cloud.account.get(NODE_GROUP, f"{named['cluster']}:{named['group']}") if named else None


def _with_sizes(
    thing: Object, moto: "WSGIApplication", environ: "WSGIEnvironment", start: "StartResponse"
) -> list[bytes]:
    """Moto's answer about the group, with the sizes that it has in the account. One that lacks machines is degraded
    (EKS API Reference, Issue: AsgInstanceLaunchFailures; aws/containers-roadmap 2326).
    """
    head: list[Any] = []

    def keep(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        head[:] = [status, headers]

    found = json.loads(b"".join(moto(environ, keep)))
    if "nodegroup" in found:
        found["nodegroup"]["scalingConfig"] = thing.inputs["scalingConfig"]
        if thing.missing:
            code, _, message = thing.reason.partition(": ")
            issue = {"code": code, "message": message, "resourceIds": _machines_of(thing)}
            found["nodegroup"] |= {"status": "DEGRADED", "health": {"issues": [issue]}}
    body = json.dumps(found).encode()
    status, headers = head
    others = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start(status, [*others, ("Content-Length", str(len(body)))])
    return [body]


def _machines_of(group: Object) -> list[str]:
    """Names of the auto scaling groups behind a group of EKS's."""
    made = group.outputs.get("resources") or ()
    return [one["name"] for resource in made for one in resource.get("autoscalingGroups", ())]


def _scaling_group(cloud: SimulatedCloud, body: bytes) -> bytes:
    """The answer, where sizes of groups are set or asked for; empty where it is about something else."""
    asked: Mapping[str, list[str]] = parse_qs(body.decode()) if body.startswith(b"Action=") else {}
    match asked.get("Action"):
        case ["UpdateAutoScalingGroup"]:
            return _resized(cloud, asked)
        case ["DescribeScalingActivities"]:
            thing = cloud.account.get(SCALING_GROUP, asked["AutoScalingGroupName"][0])
            return "".join(_activities(thing)).encode() if thing else b""
        case ["DescribeAutoScalingGroups"]:
            names = [names[0] for key, names in asked.items() if key.startswith("AutoScalingGroupNames.member.")]
            things = [thing for name in names if (thing := cloud.account.get(SCALING_GROUP, name))]
            return "".join(_described_groups(things)).encode() if things else b""
        case _:
            return b""


def _resized(cloud: SimulatedCloud, asked: Mapping[str, list[str]]) -> bytes:
    group = asked["AutoScalingGroupName"][0]
    sizes: dict[str, Any] = {ours: int(asked[name][0]) for name, ours in SCALING_GROUP_SIZES.items() if name in asked}
    if thing := cloud.account.get(SCALING_GROUP, group):
        cloud.resize_from_outside(thing, sizes)
    elif thing := next((one for one in cloud.account.objects() if group in _machines_of(one)), None):
        sizes["desiredSize"] = sizes.pop("desiredCapacity")
        cloud.resize_from_outside(thing, {"scalingConfig": {**thing.inputs["scalingConfig"], **sizes}})
    else:
        return b""
    return f'<UpdateAutoScalingGroupResponse xmlns="{SPACE}"/>'.encode()


def _described_groups(things: Iterable[Object]) -> Iterator[str]:
    yield f'<DescribeAutoScalingGroupsResponse xmlns="{SPACE}"><DescribeAutoScalingGroupsResult><AutoScalingGroups>'
    for thing in things:
        sizes = (f"<{name}>{thing.inputs.get(ours, 0)}</{name}>" for name, ours in SCALING_GROUP_SIZES.items())
        yield f"<member><AutoScalingGroupName>{thing.id}</AutoScalingGroupName>{''.join(sizes)}</member>"
    yield "</AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"


def _activities(group: Object) -> Iterator[str]:
    """The last one alone, where it failed."""
    yield f'<DescribeScalingActivitiesResponse xmlns="{SPACE}"><DescribeScalingActivitiesResult><Activities>'
    if group.missing:
        yield "<member><ActivityId>1</ActivityId><StatusCode>Failed</StatusCode>"
        yield f"<StatusMessage>{escape(group.reason)}</StatusMessage></member>"
    yield "</Activities></DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>"
