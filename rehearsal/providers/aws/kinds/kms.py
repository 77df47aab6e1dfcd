"""KMS: keys, who may use them, and their other names."""

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind

KEY = "aws:kms/key:Key"


def _create_key(api: CloudApi, inputs: Inputs) -> Made:
    tags = [{"TagKey": key, "TagValue": value} for key, value in (inputs.get("tags") or {}).items()]
    key = api.call(
        "kms", "CreateKey", Policy=inputs.get("policy"), Description=inputs.get("description"),
        KeyUsage=inputs.get("keyUsage"), KeySpec=inputs.get("customerMasterKeySpec"),
        MultiRegion=inputs.get("multiRegion"), Tags=tags or None,
    )["KeyMetadata"]  # fmt: skip
    api.created(key["KeyId"])
    if inputs.get("enableKeyRotation"):
        days = inputs.get("rotationPeriodInDays")
        api.call("kms", "EnableKeyRotation", KeyId=key["KeyId"], RotationPeriodInDays=days)
    return Made(id=key["KeyId"], outputs={"arn": key["Arn"], "keyId": key["KeyId"]})


def _update_key(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if old.get("description") != new.get("description"):
        api.call("kms", "UpdateKeyDescription", KeyId=id, Description=new.get("description", ""))
    if "policy" in new and old.get("policy") != new["policy"]:
        api.call("kms", "PutKeyPolicy", KeyId=id, PolicyName="default", Policy=new["policy"])
    if bool(old.get("enableKeyRotation")) != bool(new.get("enableKeyRotation")):
        api.call("kms", "EnableKeyRotation" if new.get("enableKeyRotation") else "DisableKeyRotation", KeyId=id)
    return {}


def _delete_key(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    """It costs nothing from here on, and is gone when the window ends."""
    days = outputs.get("deletionWindowInDays", 30)
    api.call("kms", "ScheduleKeyDeletion", KeyId=id, PendingWindowInDays=days)


def _put_policy(api: CloudApi, inputs: Inputs) -> Made:
    api.call("kms", "PutKeyPolicy", KeyId=inputs["keyId"], PolicyName="default", Policy=inputs["policy"])
    return Made(id=inputs["keyId"], outputs={})


def _update_policy(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    api.call("kms", "PutKeyPolicy", KeyId=id, PolicyName="default", Policy=new["policy"])
    return {}


def _forget_policy(_api: CloudApi, _id: str, _outputs: Outputs) -> None:
    """pulumi-aws would put the default policy back, for a key that goes anyway."""


def _create_alias(api: CloudApi, inputs: Inputs) -> Made:
    api.call("kms", "CreateAlias", AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    outputs = {"arn": f"arn:aws:kms:{api.region}:{api.account_id}:{inputs['name']}"}
    return Made(id=inputs["name"], outputs=outputs)


def _update_alias(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    api.call("kms", "UpdateAlias", AliasName=id, TargetKeyId=new["targetKeyId"])
    return {}


def _delete_alias(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("kms", "DeleteAlias", AliasName=id)


KINDS = (
    ResourceKind(
        token=KEY,
        create=_create_key,
        update=_update_key,
        delete=_delete_key,
        fixed=frozenset({"keyUsage", "customerMasterKeySpec", "multiRegion"}),
    ),
    ResourceKind(
        token="aws:kms/keyPolicy:KeyPolicy",
        create=_put_policy,
        update=_update_policy,
        delete=_forget_policy,
        fixed=frozenset({"keyId"}),
        refers={"keyId": KEY},
    ),
    ResourceKind(
        token="aws:kms/alias:Alias",
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
        fixed=frozenset({"name", "namePrefix"}),
        refers={"targetKeyId": KEY},
    ),
)
