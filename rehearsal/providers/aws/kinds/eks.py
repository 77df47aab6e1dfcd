"""EKS: clusters, add-ons, who may enter."""

import hashlib
from secrets import token_hex
from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.parts import arn, given

CLUSTER = "aws:eks/cluster:Cluster"
ROLE = "aws:iam/role:Role"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
SUBNET = "aws:ec2/subnet:Subnet"
# Times as AWS states them or users see them. Source: EKS user guide, "Create a cluster"; eksctl's own waiters.
CLUSTER_MIN, CLUSTER_GONE_MIN, ADD_ON_MIN = 9.0, 3.0, 1.0
CONTROL_PLANE_INTERFACES = 2


def _create_cluster(api: CloudApi, inputs: Inputs) -> Made:
    name, settings = inputs["name"], inputs["vpcConfig"]
    made = api.call("eks", "CreateCluster", **_request(inputs), tags=inputs.get("tags") or None)["cluster"]
    api.created(name)
    group_id = _cluster_group(api, name, settings)
    if inputs.get("enabledClusterLogTypes"):
        _write_logs(api, name)
    network = dict(inputs.get("kubernetesNetworkConfig") or {})
    return Made(
        id=name,
        outputs={
            "arn": made["arn"],
            "certificateAuthority": {"data": api.authority},
            "clusterId": "",
            "createdAt": made["createdAt"],
            "endpoint": f"https://{token_hex(16).upper()}.gr7.{api.region}.eks.amazonaws.com",
            "identities": [{"oidcs": [{"issuer": _issuer(api, name)}]}],
            "kubernetesNetworkConfig": {"ipFamily": "ipv4", "serviceIpv4Cidr": "172.20.0.0/16"} | network,
            "platformVersion": "eks.1",
            "status": "ACTIVE",
            "vpcConfig": _vpc_config(api, settings, group_id),
        },
    )


def _request(inputs: Inputs) -> dict[str, Any]:
    """The request's members, which are the SDK's but for their form."""
    settings = inputs["vpcConfig"]
    encryption = inputs.get("encryptionConfig")
    logging = inputs.get("enabledClusterLogTypes")
    return given(
        inputs, "name", "version", "roleArn", "bootstrapSelfManagedAddons", "upgradePolicy", "zonalShiftConfig",
        "deletionProtection", "controlPlaneScalingConfig", "remoteNetworkConfig", "computeConfig", "storageConfig",
    ) | {
        "resourcesVpcConfig": given(
            settings, "subnetIds", "securityGroupIds", "endpointPublicAccess", "endpointPrivateAccess",
            "publicAccessCidrs",
        ),
        "accessConfig": inputs.get("accessConfig"),
        "kubernetesNetworkConfig": inputs.get("kubernetesNetworkConfig"),
        "encryptionConfig": [encryption] if encryption else None,
        "logging": {"clusterLogging": [{"types": logging, "enabled": True}]} if logging else None,
    }  # fmt: skip


def _cluster_group(api: CloudApi, name: str, settings: Inputs) -> str:
    """The security group that EKS makes for the cluster and its nodes, and the control plane's interfaces in it."""
    subnets = settings["subnetIds"]
    found = api.call("ec2", "DescribeSubnets", SubnetIds=list(subnets))["Subnets"]
    vpc_id = found[0]["VpcId"]
    made = api.call(
        "ec2", "CreateSecurityGroup", GroupName=f"eks-cluster-sg-{name}-{_digest(name)[:10]}", VpcId=vpc_id,
        Description="EKS created security group applied to ENI that is attached to EKS Control Plane",
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": f"kubernetes.io/cluster/{name}", "Value": "owned"}]}
        ],
    )  # fmt: skip
    api.side_effect("security group", made["GroupId"], blocks_deletion_of=[vpc_id])
    for subnet in subnets[:CONTROL_PLANE_INTERFACES] if isinstance(subnets, list) else ():
        within = [subnet, *settings.get("securityGroupIds", ())]
        api.side_effect("network interface", api.new_id("eni"), blocks_deletion_of=within)
    return str(made["GroupId"])


def _write_logs(api: CloudApi, name: str) -> None:
    """The first of them. EKS makes the group where there is none (EKS User Guide, control plane logs)."""
    group = f"/aws/eks/{name}/cluster"
    if not api.find(LOG_GROUP, group):
        api.call("logs", "CreateLogGroup", logGroupName=group)
    api.call("logs", "CreateLogStream", logGroupName=group, logStreamName=f"kube-apiserver-{_digest(name)[:32]}")


def _vpc_config(api: CloudApi, settings: Inputs, group_id: str) -> dict[str, Any]:
    first = api.find(SUBNET, str(settings["subnetIds"][0])) or {}
    defaults = {"endpointPublicAccess": True, "endpointPrivateAccess": False}
    return defaults | dict(settings) | {"clusterSecurityGroupId": group_id, "vpcId": first.get("vpcId", "")}


def _update_cluster(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if "version" in new and old.get("version") != new["version"]:
        _refuse_other_steps(str(old.get("version", "")), str(new["version"]))
        api.keep("eks", "UpdateClusterVersion", {}, name=id, version=new["version"])
    changes = _request(new)
    before = _request(dict(old))
    for member in ("resourcesVpcConfig", "logging", "accessConfig", "upgradePolicy", "controlPlaneScalingConfig"):
        if changes.get(member) and changes.get(member) != before.get(member):
            api.keep("eks", "UpdateClusterConfig", {}, name=id, **{member: _updatable(member, changes[member])})
    return {"vpcConfig": dict(old["vpcConfig"]) | dict(new["vpcConfig"])}


def _refuse_other_steps(there: str, asked: str) -> None:
    """One minor up is taken, and nothing else (EKS User Guide, "Update existing cluster to new Kubernetes version")."""
    if not there or int(asked.split(".")[1]) - int(there.split(".")[1]) == 1:
        return
    what = f"Unsupported Kubernetes minor version update from {there} to {asked}"
    raise CloudApiError("InvalidParameterException", what, operation="eks:UpdateClusterVersion")


def _updatable(member: str, value: Any) -> Any:
    if member == "accessConfig":
        return given(value, "authenticationMode")
    return value


def _delete_cluster(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("eks", "DeleteCluster", name=id)
    group_id = (outputs.get("vpcConfig") or {}).get("clusterSecurityGroupId")
    if group_id:
        api.call("ec2", "DeleteSecurityGroup", GroupId=group_id)


def _create_add_on(api: CloudApi, inputs: Inputs) -> Made:
    cluster, name = inputs["clusterName"], inputs["addonName"]
    request = given(
        inputs, "clusterName", "addonName", "addonVersion", "serviceAccountRoleArn", "configurationValues",
        "podIdentityAssociations", "tags",
    )  # fmt: skip
    api.keep("eks", "CreateAddon", {}, **request, resolveConflicts=inputs.get("resolveConflictsOnCreate"))
    return Made(id=f"{cluster}:{name}", outputs={"arn": arn(api, "eks", f"addon/{cluster}/{name}/{_digest(name)[:8]}")})


def _update_add_on(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    request = given(
        new, "clusterName", "addonName", "addonVersion", "serviceAccountRoleArn", "configurationValues",
        "podIdentityAssociations",
    )  # fmt: skip
    api.keep("eks", "UpdateAddon", {}, **request, resolveConflicts=new.get("resolveConflictsOnUpdate"))
    return {}


def _delete_add_on(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.keep(
        "eks", "DeleteAddon", {}, clusterName=outputs["clusterName"], addonName=outputs["addonName"],
        preserve=outputs.get("preserve"),
    )  # fmt: skip


def _create_entry(api: CloudApi, inputs: Inputs) -> Made:
    cluster, principal = inputs["clusterName"], inputs["principalArn"]
    request = given(inputs, "clusterName", "principalArn", "kubernetesGroups", "type", "tags")
    api.keep("eks", "CreateAccessEntry", {}, **request, username=inputs.get("userName"))
    entry = f"access-entry/{cluster}/role/{principal.rpartition('/')[2]}/{_digest(principal)[:8]}"
    return Made(id=f"{cluster}:{principal}", outputs={"accessEntryArn": arn(api, "eks", entry)})


def _update_entry(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    request = given(new, "clusterName", "principalArn", "kubernetesGroups")
    api.keep("eks", "UpdateAccessEntry", {}, **request, username=new.get("userName"))
    return {}


def _delete_entry(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.keep("eks", "DeleteAccessEntry", {}, **given(outputs, "clusterName", "principalArn"))


def _associate_policy(api: CloudApi, inputs: Inputs) -> Made:
    request = given(inputs, "clusterName", "principalArn", "policyArn", "accessScope")
    api.keep("eks", "AssociateAccessPolicy", {}, **request)
    return Made(id="#".join(str(inputs[name]) for name in ("clusterName", "principalArn", "policyArn")), outputs={})


def _disassociate_policy(api: CloudApi, _id: str, outputs: Outputs) -> None:
    request = given(outputs, "clusterName", "principalArn", "policyArn")
    api.keep("eks", "DisassociateAccessPolicy", {}, **request)


def _associate_identity(api: CloudApi, inputs: Inputs) -> Made:
    association_id = api.new_id("a")
    request = given(
        inputs, "clusterName", "namespace", "serviceAccount", "roleArn", "targetRoleArn", "disableSessionTags", "tags"
    )
    api.keep("eks", "CreatePodIdentityAssociation", {}, **request)
    resource = f"podidentityassociation/{inputs['clusterName']}/{association_id}"
    outputs = {"associationArn": arn(api, "eks", resource), "associationId": association_id}
    return Made(id=association_id, outputs=outputs)


def _update_identity(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    request = given(new, "clusterName", "roleArn", "targetRoleArn", "disableSessionTags")
    api.keep("eks", "UpdatePodIdentityAssociation", {}, associationId=id, **request)
    return {}


def _disassociate_identity(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("eks", "DeletePodIdentityAssociation", {}, clusterName=outputs["clusterName"], associationId=id)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _issuer(api: CloudApi, name: str) -> str:
    return f"https://oidc.eks.{api.region}.amazonaws.com/id/{_digest(name)[:32].upper()}"


_CLUSTER_NAME = {"clusterName": CLUSTER}

KINDS = (
    ResourceKind(
        token=CLUSTER,
        create=_create_cluster,
        update=_update_cluster,
        delete=_delete_cluster,
        fixed=frozenset(
            {"name", "roleArn", "kubernetesNetworkConfig", "encryptionConfig", "bootstrapSelfManagedAddons"}
        ),
        refers={"roleArn": ROLE, "vpcConfig.subnetIds": SUBNET},
        own_name="name",
        longest_name=100,
        ready_after_min=lambda _: CLUSTER_MIN,
        deleted_after_min=lambda _: CLUSTER_GONE_MIN,
    ),
    ResourceKind(
        token="aws:eks/addon:Addon",
        create=_create_add_on,
        update=_update_add_on,
        delete=_delete_add_on,
        fixed=frozenset({"addonName", "clusterName"}),
        refers=_CLUSTER_NAME,
        ready_after_min=lambda _: ADD_ON_MIN,
    ),
    ResourceKind(
        token="aws:eks/accessEntry:AccessEntry",
        create=_create_entry,
        update=_update_entry,
        delete=_delete_entry,
        fixed=frozenset({"clusterName", "principalArn", "type"}),
        refers=_CLUSTER_NAME,
    ),
    ResourceKind(
        token="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        create=_associate_policy,
        delete=_disassociate_policy,
        refers=_CLUSTER_NAME,
    ),
    ResourceKind(
        token="aws:eks/podIdentityAssociation:PodIdentityAssociation",
        create=_associate_identity,
        update=_update_identity,
        delete=_disassociate_identity,
        fixed=frozenset({"clusterName", "namespace", "serviceAccount"}),
        refers=_CLUSTER_NAME,
    ),
)
