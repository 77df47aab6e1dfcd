"""Images of a plan, looked for in ECR. AWS's side: botocore's stubs, which hold to its model."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from components.images import Architecture, Target
from components.plan.images import Built, Copied, Given, ImagePlan
from providers.aws.images.preflight import image_problems

DIGEST, CONFIG = f"sha256:{'ab' * 32}", f"sha256:{'cd' * 32}"
ACCOUNT, REGION = "123456789012", "us-east-2"
OWN = ImagePlan(
    registry="stack.registry", repository="penstock", tag="0.1.0-efa", architectures=(Architecture.AMD64,),
    origin=Built(target=Target.EFA), asked_at="training.image",
)  # fmt: skip
THEIRS = replace(OWN, registry=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com", repository="train", origin=Given())
ELSEWHERE = replace(THEIRS, registry="210987654321.dkr.ecr.eu-west-1.amazonaws.com")


class Ecr:
    """A stubbed client for each region."""

    def __init__(self) -> None:
        make: Any = boto3.Session("simulated", "simulated").client
        self.clients = {region: make("ecr", region_name=region) for region in (REGION, "eu-west-1")}
        self.stubs = {region: Stubber(client) for region, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def there(self, account: str, repository: str, wanted: dict[str, str], region: str = REGION) -> None:
        known = {"registryId": account, "repositoryName": repository}
        detail = {"imageDigest": DIGEST, "imagePushedAt": datetime.fromisoformat("2026-11-30T00:00:00+00:00")}
        self.stubs[region].add_response("describe_images", {"imageDetails": [detail]}, {**known, "imageIds": [wanted]})

    def gone(self, code: str, region: str = REGION) -> None:
        self.stubs[region].add_client_error("describe_images", code)

    def built_for(self, manifest: dict[str, Any]) -> None:
        image = {"imageManifest": json.dumps(manifest)}
        self.stubs[REGION].add_response("batch_get_image", {"images": [image]})
        if "config" in manifest:
            self.stubs[REGION].add_response("get_download_url_for_layer", {"downloadUrl": "https://layer"})

    def problems(self, *images: ImagePlan, architecture: str = "amd64") -> list[str]:
        def client(_service: str, region_name: str = REGION) -> Any:
            return self.clients[region_name]

        def read(url: str) -> bytes:
            assert url == "https://layer"
            return json.dumps({"architecture": architecture, "os": "linux"}).encode()

        return [str(one) for one in image_problems(images, "lab", ACCOUNT, REGION, client, read)]

    def described(self, image: ImagePlan) -> None:
        """The second look, by which the digest of a tag is known."""
        self.there(ACCOUNT, "lab/penstock" if image.is_the_stacks else image.repository, {"imageTag": image.tag})


@pytest.fixture
def ecr() -> Ecr:
    return Ecr()


def test_an_image_that_is_there_for_the_nodes_is_no_problem(ecr: Ecr) -> None:
    ecr.described(OWN)
    ecr.described(OWN)
    ecr.built_for({"config": {"digest": CONFIG}})
    assert ecr.problems(OWN) == []
    ecr.stubs[REGION].assert_no_pending_responses()


def test_a_pinned_image_is_looked_for_by_its_digest(ecr: Ecr) -> None:
    ecr.there(ACCOUNT, "lab/penstock", {"imageDigest": DIGEST})
    ecr.built_for({"manifests": [{"platform": {"architecture": "amd64"}}, {"platform": {"architecture": "arm64"}}]})
    assert ecr.problems(replace(OWN, digest=DIGEST)) == []


@pytest.mark.parametrize("code", ["RepositoryNotFoundException", "ImageNotFoundException"])
def test_an_own_image_that_is_not_there_comes_with_the_command(ecr: Ecr, code: str) -> None:
    ecr.gone(code)
    (told,) = ecr.problems(OWN)
    assert told.startswith("training.image: 'lab/penstock:0.1.0-efa' in the stack's registry is not there; run ")
    assert told.endswith("`penstock images push lab`, which builds and pushes it")


def test_the_gates_image_alone_has_another_way_out(ecr: Ecr) -> None:
    ecr.gone("RepositoryNotFoundException")
    (told,) = ecr.problems(replace(OWN, asked_at="platform.gate"))
    assert told.endswith("which builds and pushes it, or set platform.gate.enabled to false")


def test_an_image_in_another_account_and_region_is_asked_for_there(ecr: Ecr) -> None:
    ecr.gone("ImageNotFoundException", "eu-west-1")
    (told,) = ecr.problems(ELSEWHERE)
    assert "'210987654321.dkr.ecr.eu-west-1.amazonaws.com/train:0.1.0-efa' is not there; push it there, or" in told


def test_a_missing_right_is_told_and_is_not_taken_for_absence(ecr: Ecr) -> None:
    ecr.gone("AccessDeniedException", "eu-west-1")

    def client(_service: str, region_name: str = REGION) -> Any:
        return ecr.clients[region_name]

    (found,) = image_problems([ELSEWHERE], "lab", ACCOUNT, REGION, client)
    assert not found.stops
    assert "allow ecr:DescribeImages" in found.message
    assert "not there" not in found.message


def test_an_image_for_another_processor_is_told(ecr: Ecr) -> None:
    ecr.described(THEIRS)
    ecr.described(THEIRS)
    ecr.built_for({"config": {"digest": CONFIG}})
    (told,) = ecr.problems(THEIRS, architecture="arm64")
    assert "is for arm64, and nodes that pull it are amd64; push one that is built for amd64, under another tag" in told


def test_missing_copies_are_one_problem(ecr: Ecr) -> None:
    copies = [
        replace(OWN, repository=f"quay.io/a/{n}", tag="1", origin=Copied(source=f"quay.io/a/{n}:1")) for n in "bc"
    ]
    for _ in copies:
        ecr.gone("RepositoryNotFoundException")
    (told,) = ecr.problems(*copies)
    assert "2 images of add-ons are not in the stack's registry ('lab/quay.io/a/b:1'" in told
    assert told.endswith("run `penstock images push lab`")


def test_a_registry_that_is_not_ecrs_is_not_asked(ecr: Ecr) -> None:
    assert ecr.problems(replace(THEIRS, registry="ghcr.io")) == []
