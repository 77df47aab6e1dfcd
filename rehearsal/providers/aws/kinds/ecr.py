"""ECR: image repositories, how long they keep images, and mirrors of public registries."""

from typing import Any

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import camel
from rehearsal.providers.aws.kinds.parts import arn, tag_change, tag_list

REPOSITORY = "aws:ecr/repository:Repository"
RENAMED = {"name": "repositoryName", "encryptionConfigurations": "encryptionConfiguration"}
CHANGES = {
    "imageTagMutability": "PutImageTagMutability",
    "imageScanningConfiguration": "PutImageScanningConfiguration",
}


def _create(api: CloudApi, inputs: Inputs) -> Made:
    asked: dict[str, Any] = {name: value for name, value in inputs.items() if name != "forceDelete"}
    if encryption := inputs.get("encryptionConfigurations"):
        (asked["encryptionConfigurations"],) = encryption
    made = api.call("ecr", "CreateRepository", tags=tag_list(inputs), **camel(asked, RENAMED))["repository"]
    name = inputs["name"]
    return Made(
        id=name,
        outputs={
            "arn": arn(api, "ecr", f"repository/{name}"),
            "registryId": made["registryId"],
            "repositoryUrl": f"{api.account_id}.dkr.ecr.{api.region}.amazonaws.com/{name}",
        },
    )


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    change = tag_change(old, new)
    if change.gone:
        api.call("ecr", "UntagResource", resourceArn=old["arn"], tagKeys=change.gone)
    if change.set:
        api.call("ecr", "TagResource", resourceArn=old["arn"], tags=change.set)
    for name, operation in CHANGES.items():
        if name in new and new[name] != old.get(name):
            api.call("ecr", operation, repositoryName=id, **camel({name: new[name]}, RENAMED))
    return {}


def _delete(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ecr", "DeleteRepository", repositoryName=id, force=outputs.get("forceDelete"))


def _put_lifecycle(api: CloudApi, inputs: Inputs) -> Made:
    name = inputs["repository"]
    asked = camel(inputs, {"repository": "repositoryName", "policy": "lifecyclePolicyText"})
    answer = api.call("ecr", "PutLifecyclePolicy", **asked)
    return Made(id=name, outputs={"registryId": answer["registryId"]})


def _update_lifecycle(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    return _put_lifecycle(api, new).outputs


def _delete_lifecycle(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ecr", "DeleteLifecyclePolicy", repositoryName=id)


def _create_mirror(api: CloudApi, inputs: Inputs) -> Made:
    api.keep("ecr", "CreatePullThroughCacheRule", {}, **camel(inputs, {}))
    return Made(id=inputs["ecrRepositoryPrefix"], outputs={"registryId": api.account_id})


def _update_mirror(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    asked = camel({name: new[name] for name in ("credentialArn", "customRoleArn") if name in new}, {})
    api.keep("ecr", "UpdatePullThroughCacheRule", {}, ecrRepositoryPrefix=id, **asked)
    return {}


def _delete_mirror(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("ecr", "DeletePullThroughCacheRule", {}, ecrRepositoryPrefix=id)


KINDS: tuple[ResourceKind, ...] = (
    ResourceKind(
        token=REPOSITORY,
        create=_create,
        update=_update,
        delete=_delete,
        fixed=frozenset({"name", "encryptionConfigurations"}),
        own_name="name",
        longest_name=256,
    ),
    ResourceKind(
        token="aws:ecr/lifecyclePolicy:LifecyclePolicy",
        create=_put_lifecycle,
        update=_update_lifecycle,
        delete=_delete_lifecycle,
        fixed=frozenset({"repository"}),
        refers={"repository": REPOSITORY},
    ),
    ResourceKind(
        token="aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        create=_create_mirror,
        update=_update_mirror,
        delete=_delete_mirror,
        fixed=frozenset({"ecrRepositoryPrefix", "upstreamRegistryUrl", "upstreamRepositoryPrefix"}),
    ),
)
