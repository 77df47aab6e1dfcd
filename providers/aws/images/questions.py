"""Questions to ECR about one image, in this or another account and region."""

import json
from collections.abc import Callable
from typing import Any

from components.plan.images import ImagePlan
from providers.aws.images.address import HOST

ABSENT = ("RepositoryNotFoundException", "ImageNotFoundException")

ACTION = "ecr:DescribeImages"


def place_of(image: ImagePlan, account: str, region: str) -> tuple[str, str] | None:
    """Account and region of the registry that it lies in; None where that is none of ECR's."""
    if image.is_the_stacks:
        return account, region
    found = HOST.fullmatch(image.registry)
    return (found["account"], found["region"]) if found else None


def full_name(image: ImagePlan, stack: str) -> str:
    """Name of its repository in its account: the stack's lie below the stack's name."""
    return f"{stack}/{image.repository}" if image.is_the_stacks else image.repository


def described(ecr: Any, account: str, repository: str, image: ImagePlan) -> dict[str, Any]:
    """ECR's description; a ClientError whose code begins as one of ABSENT where it is not there."""
    wanted = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
    answer = ecr.describe_images(registryId=account, repositoryName=repository, imageIds=[wanted])
    found: dict[str, Any] = answer["imageDetails"][0]
    return found


def architectures(
    ecr: Any, account: str, repository: str, digest: str, read: Callable[[str], bytes]
) -> frozenset[str]:  # fmt: skip
    """Processors that it is built for: of an index those that it lists, else that of its configuration, which `read`
    gets from the address that ECR gives out.
    """
    known = {"registryId": account, "repositoryName": repository}
    answer = ecr.batch_get_image(**known, imageIds=[{"imageDigest": digest}])
    manifest = json.loads(answer["images"][0]["imageManifest"])
    if "manifests" in manifest:
        platforms = (one.get("platform", {}) for one in manifest["manifests"])
        return frozenset(one["architecture"] for one in platforms if one.get("architecture") not in (None, "unknown"))
    layer = ecr.get_download_url_for_layer(**known, layerDigest=manifest["config"]["digest"])
    return frozenset({json.loads(read(layer["downloadUrl"]))["architecture"]})
