"""Questions to Artifact Registry about one image."""

from typing import Any
from urllib.parse import quote

from components.plan.images import ImagePlan
from providers.gcp.session import Google, GoogleError


def repository_of(project: str, region: str, stack: str) -> str:
    """Path of the repository that bears the stack's name."""
    return f"projects/{project}/locations/{region}/repositories/{stack}"


def described(google: Google, repository: str, image: ImagePlan) -> dict[str, Any] | None:
    """Artifact Registry's description (DockerImage) of an image in that repository; None where it is not there."""
    package = quote(image.repository, safe="")
    try:
        digest = image.digest
        if not digest:
            tag = google.get("artifact_registry", f"{repository}/packages/{package}/tags/{image.tag}")
            digest = str(tag["version"]).rpartition("/")[2]
        return google.get("artifact_registry", f"{repository}/dockerImages/{package}@{digest}")
    except GoogleError as error:
        if error.is_absent:
            return None
        raise


def digest_of(found: dict[str, Any]) -> str:
    """Digest in the name of a description."""
    return str(found["name"]).rpartition("@")[2]
