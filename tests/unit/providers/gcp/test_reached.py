"""Kubeconfigs by each way into a cluster, and the registry that its nodes pull from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.errors import PenstockError
from components.images import Architecture
from components.plan.images import Given, ImagePlan
from providers.gcp.control_plane.kubeconfig import document
from providers.gcp.images.registry import ArtifactRegistry
from providers.gcp.plan import GcpPlan
from providers.gcp.session import GoogleError
from providers.gcp.types import DnsGkeReach, GkePlan, InsideGkeReach, PublicGkeReach, ReachPlan
from tests.unit.providers.aws.whole_stacks import planned
from tests.unit.providers.gcp.answers import Answers
from tests.unit.providers.gcp.whole_stacks import STACK


@pytest.mark.parametrize(
    ("reach", "server"),
    [
        (DnsGkeReach(), {"server": "https://host"}),
        (
            PublicGkeReach(cidrs=("192.0.2.0/24",)),
            {"server": "https://host", "certificate-authority-data": "Q0E="},
        ),
        (InsideGkeReach(), {"server": "https://host", "certificate-authority-data": "Q0E="}),
    ],
)
def test_a_name_has_a_public_certificate_and_an_address_the_clusters(
    reach: ReachPlan, server: dict[str, str], tmp_path: Path
) -> None:
    """With the cluster's own authority the certificate of the name is refused (hashicorp/kubernetes 2637)."""
    found = document(replace(control_plane(tmp_path), reach=reach), "host", "Q0E=")
    assert found["clusters"][0]["cluster"] == server
    assert found["users"][0]["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"
    assert "token" not in str(found["users"])


def test_another_account_enters_by_gclouds_own_credentials(tmp_path: Path) -> None:
    plan = replace(control_plane(tmp_path), impersonate="ops@my-project.iam.gserviceaccount.com")
    command = document(plan, "host", "")["users"][0]["user"]["exec"]
    assert command["env"] == [{"name": "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "value": plan.impersonate}]
    assert "args" not in command


def control_plane(folder: Path) -> GkePlan:
    found = planned(STACK, folder, "gcp-test").cluster
    assert isinstance(found, GcpPlan)
    assert isinstance(found.control_plane, GkePlan)
    return found.control_plane


REPOSITORY = "projects/p/locations/r/repositories/s"
IMAGE = ImagePlan(
    registry="stack.registry", repository="penstock", tag="1", digest="", architectures=(Architecture.AMD64,),
    origin=Given(), asked_at="training.image",
)  # fmt: skip
FOUND = {
    "name": f"{REPOSITORY}/dockerImages/penstock@sha256:abc", "imageSizeBytes": "12",
    "uploadTime": "2026-11-30T10:00:00Z",
}  # fmt: skip


def registry(answers: dict[str, Any]) -> ArtifactRegistry:
    return ArtifactRegistry("s", {"penstock-stack": "s"}, "p", "r", Answers(answers))  # type: ignore[arg-type]


def test_an_image_is_found_by_its_tag() -> None:
    there = {
        f"GET {REPOSITORY}/packages/penstock/tags/1": {
            "version": f"{REPOSITORY}/packages/penstock/versions/sha256:abc"
        },
        f"GET {REPOSITORY}/dockerImages/penstock@sha256:abc": FOUND,
    }
    found = registry(there).found(IMAGE)
    assert found is not None
    assert (found.digest, found.size_bytes) == ("sha256:abc", 12)
    assert registry({}).found(IMAGE) is None


def test_a_repository_is_made_once_and_never_taken_from_another_stack() -> None:
    fresh = {"POST projects/p/locations/r/repositories": {"name": "projects/p/locations/r/operations/1"}}
    assert registry(fresh).make("penstock") is True
    assert registry({f"GET {REPOSITORY}": {"labels": {"penstock-stack": "s"}}}).make("penstock") is False
    with pytest.raises(PenstockError, match="is not this stack's"):
        registry({f"GET {REPOSITORY}": {}}).make("penstock")


def test_a_right_that_is_lacking_is_named() -> None:
    denied = {f"GET {REPOSITORY}": GoogleError(403, "IAM_PERMISSION_DENIED", "denied")}
    with pytest.raises(PenstockError, match=r"artifactregistry\.repositories\.get"):
        registry(denied).make("penstock")


def test_a_login_is_given_for_googles_registries_alone() -> None:
    (login,) = registry({}).logins(["r-docker.pkg.dev", "docker.io", "1.dkr.ecr.us-east-2.amazonaws.com"])
    assert (login.host, login.user) == ("r-docker.pkg.dev", "oauth2accesstoken")
