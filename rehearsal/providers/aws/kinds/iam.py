"""IAM: roles, policies, instance profiles."""

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind, nothing_to_change
from rehearsal.providers.aws.kinds.parts import tag_list

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"


def _create_role(api: CloudApi, inputs: Inputs) -> Made:
    role = api.call(
        "iam", "CreateRole", RoleName=inputs["name"], AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Path=inputs.get("path"), Description=inputs.get("description"),
        MaxSessionDuration=inputs.get("maxSessionDuration"), PermissionsBoundary=inputs.get("permissionsBoundary"),
        Tags=tag_list(inputs),
    )["Role"]  # fmt: skip
    return Made(
        id=inputs["name"],
        outputs={
            "arn": role["Arn"],
            "createDate": role["CreateDate"],
            "uniqueId": role["RoleId"],
            "path": inputs.get("path", "/"),
            "maxSessionDuration": inputs.get("maxSessionDuration", 3600),
        },
    )


def _update_role(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if old.get("assumeRolePolicy") != new.get("assumeRolePolicy"):
        api.call("iam", "UpdateAssumeRolePolicy", RoleName=id, PolicyDocument=new["assumeRolePolicy"])
    if (old.get("description"), old.get("maxSessionDuration")) != (
        new.get("description"),
        new.get("maxSessionDuration"),
    ):
        api.call(
            "iam", "UpdateRole", RoleName=id, Description=new.get("description"),
            MaxSessionDuration=new.get("maxSessionDuration"),
        )  # fmt: skip
    return {}


def _delete_role(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("iam", "DeleteRole", RoleName=id)


def _create_policy(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(
        "iam", "CreatePolicy", PolicyName=inputs["name"], PolicyDocument=inputs["policy"], Path=inputs.get("path"),
        Description=inputs.get("description"), Tags=tag_list(inputs),
    )["Policy"]  # fmt: skip
    return Made(id=made["Arn"], outputs={"arn": made["Arn"], "policyId": made["PolicyId"]})


def _update_policy(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if old["policy"] != new["policy"]:
        api.call("iam", "CreatePolicyVersion", PolicyArn=id, PolicyDocument=new["policy"], SetAsDefault=True)
    return {}


def _delete_policy(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("iam", "DeletePolicy", PolicyArn=id)


def _put_role_policy(api: CloudApi, inputs: Inputs) -> Made:
    api.call(
        "iam", "PutRolePolicy", RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return Made(id=f"{inputs['role']}:{inputs['name']}", outputs={})


def _update_role_policy(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    api.call("iam", "PutRolePolicy", RoleName=new["role"], PolicyName=new["name"], PolicyDocument=new["policy"])
    return {}


def _delete_role_policy(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call("iam", "DeleteRolePolicy", RoleName=outputs["role"], PolicyName=outputs["name"])


def _attach(api: CloudApi, inputs: Inputs) -> Made:
    api.call("iam", "AttachRolePolicy", RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return Made(id=f"{inputs['role']}/{inputs['policyArn']}", outputs={})


def _detach(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call("iam", "DetachRolePolicy", RoleName=outputs["role"], PolicyArn=outputs["policyArn"])


def _create_profile(api: CloudApi, inputs: Inputs) -> Made:
    profile = api.call(
        "iam", "CreateInstanceProfile", InstanceProfileName=inputs["name"], Path=inputs.get("path"),
        Tags=tag_list(inputs),
    )["InstanceProfile"]  # fmt: skip
    api.created(inputs["name"])
    if "role" in inputs:
        api.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=inputs["name"], RoleName=inputs["role"])
    return Made(id=inputs["name"], outputs={"arn": profile["Arn"], "uniqueId": profile["InstanceProfileId"]})


def _delete_profile(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    """A profile whose creation stopped halfway has no role to remove; moto fails where AWS says NoSuchEntity."""
    for role in api.call("iam", "GetInstanceProfile", InstanceProfileName=id)["InstanceProfile"]["Roles"]:
        api.call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=id, RoleName=role["RoleName"])
    api.call("iam", "DeleteInstanceProfile", InstanceProfileName=id)


def _create_service_role(api: CloudApi, inputs: Inputs) -> Made:
    role = api.call(
        "iam", "CreateServiceLinkedRole", AWSServiceName=inputs["awsServiceName"],
        Description=inputs.get("description"), CustomSuffix=inputs.get("customSuffix"),
    )["Role"]  # fmt: skip
    return Made(id=role["Arn"], outputs={"arn": role["Arn"], "name": role["RoleName"], "path": role["Path"]})


def _delete_service_role(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call("iam", "DeleteServiceLinkedRole", RoleName=outputs["name"])


KINDS = (
    ResourceKind(
        token=ROLE,
        create=_create_role,
        update=_update_role,
        delete=_delete_role,
        fixed=frozenset({"name", "namePrefix", "path"}),
        own_name="name",
        longest_name=64,
    ),
    ResourceKind(
        token=POLICY,
        create=_create_policy,
        update=_update_policy,
        delete=_delete_policy,
        fixed=frozenset({"name", "namePrefix", "path", "description"}),
        own_name="name",
        longest_name=128,
    ),
    ResourceKind(
        token="aws:iam/rolePolicy:RolePolicy",
        create=_put_role_policy,
        update=_update_role_policy,
        delete=_delete_role_policy,
        fixed=frozenset({"name", "namePrefix", "role"}),
        refers={"role": ROLE},
        own_name="name",
        longest_name=128,
    ),
    ResourceKind(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        create=_attach,
        delete=_detach,
        refers={"role": ROLE},
    ),
    ResourceKind(
        token="aws:iam/instanceProfile:InstanceProfile",
        create=_create_profile,
        update=nothing_to_change,
        delete=_delete_profile,
        fixed=frozenset({"name", "namePrefix", "path", "role"}),
        refers={"role": ROLE},
        own_name="name",
        longest_name=128,
    ),
    ResourceKind(
        token="aws:iam/serviceLinkedRole:ServiceLinkedRole",
        create=_create_service_role,
        update=nothing_to_change,
        delete=_delete_service_role,
        fixed=frozenset({"awsServiceName", "customSuffix"}),
    ),
)
