"""Image repositories and mirrors of public registries, as Pulumi resources."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
from pulumi_aws import ecr

from providers.aws.storage.types import RegistryPlan

UNTAGGED_DAYS = 7


class Registry(pulumi.ComponentResource):
    """Repositories whose tags do not move, scanned on push. They go with their images: these are built anew."""

    urls: Mapping[str, pulumi.Output[str]]
    """Name as asked -> URL."""

    def __init__(
        self, name: str, *, plan: RegistryPlan, key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("penstock:aws:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        repositories = {
            asked: _repository(f"{name}-{asked}", full, plan, key_arn, child)
            for asked, full in plan.repositories.items()
        }
        for prefix, upstream in plan.mirrors.items():
            ecr.PullThroughCacheRule(
                f"{name}-{prefix.rpartition('/')[2]}", ecr_repository_prefix=prefix, upstream_registry_url=upstream,
                opts=child,
            )  # fmt: skip
        self.urls = {asked: repository.repository_url for asked, repository in repositories.items()}
        self.register_outputs({"urls": dict(self.urls)})


def _repository(
    name: str, full: str, plan: RegistryPlan, key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> ecr.Repository:  # fmt: skip
    repository = ecr.Repository(
        name,
        name=full,
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
        encryption_configurations=[
            ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key_arn)
        ],
        force_delete=True,
        tags={"Name": full},
        opts=opts,
    )  # fmt: skip
    ecr.LifecyclePolicy(name, repository=repository.name, policy=_lifecycle(plan.keep_images), opts=opts)
    return repository


def _lifecycle(keep_images: int) -> str:
    untagged = {
        "rulePriority": 1,
        "description": "Images that no tag names",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
        "action": {"type": "expire"},
    }
    oldest = {
        "rulePriority": 2,
        "description": f"All but the latest {keep_images}",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep_images},
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [untagged, oldest]})
