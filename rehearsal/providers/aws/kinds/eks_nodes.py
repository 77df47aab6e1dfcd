"""EKS's node groups: the auto scaling group behind each, and the nodes in it, counted and not made one by one."""

import hashlib
from typing import Any
from uuid import UUID

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.parts import given

# Minutes until a group's nodes are Ready, and until they are gone: about what eksctl's users see.
READY_MIN, GONE_MIN = 3.0, 4.0


def _create(api: CloudApi, inputs: Inputs) -> Made:
    cluster, name = inputs["clusterName"], inputs["nodeGroupName"]
    template = inputs.get("launchTemplate")
    refuse_sizes(_sizes(inputs))
    refuse_release(inputs)
    made = api.call(
        "eks", "CreateNodegroup", clusterName=cluster, nodegroupName=name, scalingConfig=_sizes(inputs),
        subnets=inputs["subnetIds"], nodeRole=inputs["nodeRoleArn"], tags=inputs.get("tags") or None,
        launchTemplate=given(template, "id", "name", "version") if template else None,
        **given(
            inputs, "amiType", "capacityType", "diskSize", "instanceTypes", "labels", "taints", "updateConfig",
            "nodeRepairConfig", "version", "releaseVersion", "remoteAccess",
        ),
    )["nodegroup"]  # fmt: skip
    scaling_group = f"eks-{name}-{_number(api.new_id('asg'))}"
    _nodes(api, inputs, scaling_group)
    return Made(
        id=f"{cluster}:{name}",
        outputs={
            "arn": made["nodegroupArn"],
            "amiType": inputs.get("amiType", "AL2023_x86_64_STANDARD"),
            "capacityType": inputs.get("capacityType", "ON_DEMAND"),
            "resources": [{"autoscalingGroups": [{"name": scaling_group}]}],
            "status": "ACTIVE",
        },
    )


def _number(seed: str) -> UUID:
    """Another for each group that is made, as in `eks-mng-2-82bf5c07-70d3-9015-d7e4-4ce657bd6b3d` (eksctl 4732)."""
    return UUID(bytes=hashlib.sha256(seed.encode()).digest()[:16])


def _nodes(api: CloudApi, inputs: Inputs, scaling_group: str) -> None:
    """The group that holds the nodes, and all of them as one entry in the subnets they may lie in."""
    api.side_effect("auto scaling group", scaling_group)
    count = _sizes(inputs).get("desiredSize", 0)
    if count and not is_unknown(count):
        api.side_effect(
            "instances", f"{scaling_group}-nodes", blocks_deletion_of=list(inputs["subnetIds"]), count=count
        )


def _sizes(inputs: Inputs) -> dict[str, Any]:
    return given(inputs["scalingConfig"], "minSize", "maxSize", "desiredSize")


def refuse_sizes(sizes: Inputs) -> None:
    """Refuses sizes that contradict each other, in EKS's words (seen in terraform-aws-modules/terraform-aws-eks 3306
    and 3683: a raised minimum beside a desired size that is ignored, and so sent as it was).
    """
    least, most, desired = (sizes.get(name, 0) for name in ("minSize", "maxSize", "desiredSize"))
    if any(map(is_unknown, (least, most, desired))):
        return
    if least > desired:
        what = f"Minimum capacity {least:g} can't be greater than desired size {desired:g}"
    elif desired > most:
        what = f"Desired capacity {desired:g} can't be greater than max size {most:g}"
    else:
        return
    raise CloudApiError("InvalidParameterException", what, operation="eks:UpdateNodegroupConfig")


def refuse_release(inputs: Inputs) -> None:
    """Refuses a release of another Kubernetes version (EKS API Reference, UpdateNodegroupVersion: releaseVersion)."""
    version, release = inputs.get("version"), inputs.get("releaseVersion")
    if is_unknown(version) or is_unknown(release) or not version or not release:
        return
    if not str(release).startswith(f"{version}."):
        what = f"Requested release version {release} is not valid for kubernetes version {version}."
        raise CloudApiError("InvalidParameterException", what, operation="eks:UpdateNodegroupVersion")


def _update(api: CloudApi, _id: str, old: Outputs, new: Inputs) -> Outputs:
    names = {"clusterName": new["clusterName"], "nodegroupName": new["nodeGroupName"]}
    template, before = new.get("launchTemplate") or {}, old.get("launchTemplate") or {}
    moved = [name for name in ("version", "releaseVersion") if new.get(name, old.get(name)) != old.get(name)]
    if template != before or moved:
        refuse_release(new)
        request = given(new, "version", "releaseVersion") | {"launchTemplate": given(template, "id", "version") or None}
        api.keep("eks", "UpdateNodegroupVersion", {}, **names, **request)
    changes = _settings(new)
    if changes != _settings(old):
        refuse_sizes(_sizes(new))
        labels = {"addOrUpdateLabels": new["labels"]} if new.get("labels") else None
        taints = {"addOrUpdateTaints": new["taints"]} if new.get("taints") else None
        api.keep("eks", "UpdateNodegroupConfig", {}, **names, **changes["sent"], labels=labels, taints=taints)
    return {}


def _settings(inputs: Inputs) -> dict[str, Any]:
    sent = given(inputs, "updateConfig", "nodeRepairConfig") | {"scalingConfig": _sizes(inputs)}
    return {"sent": sent, "labels": inputs.get("labels"), "taints": inputs.get("taints")}


def _delete(api: CloudApi, _id: str, outputs: Outputs) -> None:
    names = {"clusterName": outputs["clusterName"], "nodegroupName": outputs["nodeGroupName"]}
    api.call("eks", "DeleteNodegroup", **names)


KINDS = (
    ResourceKind(
        token="aws:eks/nodeGroup:NodeGroup",
        create=_create,
        update=_update,
        delete=_delete,
        fixed=frozenset(
            {
                "amiType",
                "capacityType",
                "clusterName",
                "diskSize",
                "instanceTypes",
                "nodeGroupName",
                "nodeGroupNamePrefix",
                "nodeRoleArn",
                "remoteAccess",
                "subnetIds",
            }
        ),
        refers={
            "clusterName": "aws:eks/cluster:Cluster",
            "nodeRoleArn": "aws:iam/role:Role",
            "subnetIds": "aws:ec2/subnet:Subnet",
            "launchTemplate.id": "aws:ec2/launchTemplate:LaunchTemplate",
        },
        own_name="nodeGroupName",
        longest_name=63,
        ready_after_min=lambda inputs: READY_MIN if _sizes(inputs).get("desiredSize") else 0.5,
        deleted_after_min=lambda inputs: GONE_MIN if _sizes(inputs).get("desiredSize") else 0.5,
    ),
)
