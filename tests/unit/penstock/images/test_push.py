"""`penstock images`: what container programs are asked to do, and what lies in the registry then (moto's ECR)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from components.errors import PenstockError
from components.images import Architecture, Target
from components.plan.images import Built, Copied, Given, ImagePlan
from penstock.images import steps
from penstock.images.containers import copier_here, engine_here
from providers.aws.images.registry import EcrRegistry
from tests.unit.penstock.images.programs import Programs

HOST = "123456789012.dkr.ecr.us-east-2.amazonaws.com"
TAGS = {"penstock:stack": "lab", "team": "a"}
EFA = ImagePlan(
    registry="stack.registry", repository="penstock", tag="0.1.0-efa", architectures=(Architecture.AMD64,),
    origin=Built(target=Target.EFA), asked_at="training.image",
)  # fmt: skip
KUEUE = ImagePlan(
    registry="stack.registry", repository="registry.k8s.io/kueue/kueue", tag="v1", architectures=(Architecture.AMD64,),
    origin=Copied(source="registry.k8s.io/kueue/kueue:v1"), asked_at="platform.registryMirror",
)  # fmt: skip
THEIRS = ImagePlan(
    registry="stack.registry", repository="pretrain", tag="1.0", architectures=(Architecture.AMD64,), origin=Given(),
    asked_at="training.image",
)  # fmt: skip


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrRegistry]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulated")
    with mock_aws():
        yield EcrRegistry("lab", TAGS, "us-east-2", boto3.Session(region_name="us-east-2").client)


def push(registry: EcrRegistry, *images: ImagePlan) -> steps.Push:
    run = steps.Push(registry=registry, engine=engine_here()[0], copier=copier_here(), say=lambda _: None)
    run.bring(images)
    return run


def put(repository: str, tag: str) -> None:
    """Leaves in the registry what a push does."""
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [{"digest": "sha256:1", "size": 5}]})
    ecr: Any = boto3.client("ecr", region_name="us-east-2")
    ecr.put_image(repositoryName=f"lab/{repository}", imageManifest=manifest, imageTag=tag)


def test_an_image_is_built_for_its_nodes_and_pushed_after_a_login(programs: Programs, registry: EcrRegistry) -> None:
    programs.install("docker", "buildah")
    push(registry, EFA)
    name = f"{HOST}/lab/penstock:0.1.0-efa"
    assert programs.lines() == [
        "docker version --format {{.Server.Version}}",
        f"docker login --username AWS --password-stdin {HOST}",
        (
            "docker build --platform linux/amd64 --file CONTEXT/images/cuda/Containerfile --target efa "
            f"--tag {name} CONTEXT"
        ),
        f"docker push {name}",
    ]
    _, login, build, _ = programs.asked()
    assert build["context"] == ["components", "images", "workloads"]
    assert login["input"] == "123456789012-auth-token"  # moto's own
    assert "auth-token" not in " ".join(programs.lines())


def test_the_repository_is_encrypted_fixed_scanned_and_the_stacks(programs: Programs, registry: EcrRegistry) -> None:
    programs.install("podman")
    push(registry, EFA)
    ecr: Any = boto3.client("ecr", region_name="us-east-2")
    (made,) = ecr.describe_repositories()["repositories"]
    assert made["repositoryName"] == "lab/penstock"
    assert made["imageTagMutability"] == "IMMUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert made["encryptionConfiguration"]["encryptionType"] == "KMS"
    tags = ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == TAGS


def test_a_repository_that_is_there_is_used_and_another_stacks_is_refused(registry: EcrRegistry) -> None:
    assert registry.make("penstock")
    assert not registry.make("penstock")
    ecr: Any = boto3.client("ecr", region_name="us-east-2")
    ecr.create_repository(repositoryName="lab/other")
    with pytest.raises(
        PenstockError, match=r"lab/other is there and is not this stack's .*nobody's.*penstock:stack=lab"
    ):
        registry.make("other")


def test_a_failed_build_says_what_is_pushed_already_and_what_goes_on(programs: Programs, registry: EcrRegistry) -> None:
    programs.install("podman", fails="build")
    with pytest.raises(
        PenstockError, match=r"ended with status 125 while building penstock:0\.1\.0-efa; nothing was push"
    ):
        push(registry, EFA)


def test_a_failed_push_is_no_image(programs: Programs, registry: EcrRegistry) -> None:
    programs.install("podman", fails="push")
    with pytest.raises(
        PenstockError, match=r"while pushing penstock:0\.1\.0-efa; nothing was pushed\. The same command"
    ):
        push(registry, EFA)


def test_an_interruption_says_what_is_half_done(
    programs: Programs, registry: EcrRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.install("skopeo", "podman")
    run = steps.Push(registry=registry, engine=engine_here()[0], copier=copier_here(), say=lambda _: None)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("penstock.images.containers.Copier.copy", interrupted)
    with pytest.raises(PenstockError) as told:
        run.bring([EFA, KUEUE])
    assert "interrupted while copying registry.k8s.io/kueue/kueue:v1; pushed: penstock:0.1.0-efa" in str(told.value)


def test_a_public_image_is_copied_for_all_processors(programs: Programs, registry: EcrRegistry) -> None:
    programs.install("podman", "skopeo")
    push(registry, KUEUE)
    assert programs.lines() == [
        f"skopeo login --username AWS --password-stdin {HOST}",
        f"skopeo copy --all docker://registry.k8s.io/kueue/kueue:v1 docker://{HOST}/lab/registry.k8s.io/kueue/kueue:v1",
    ]


def test_without_a_copier_the_engine_carries_it_over(programs: Programs, registry: EcrRegistry) -> None:
    programs.install("podman")
    push(registry, KUEUE)
    target = f"{HOST}/lab/registry.k8s.io/kueue/kueue:v1"
    assert programs.lines()[1:] == [
        "podman pull --platform linux/amd64 registry.k8s.io/kueue/kueue:v1",
        f"podman tag registry.k8s.io/kueue/kueue:v1 {target}",
        f"podman push {target}",
    ]


def test_an_image_of_aws_is_read_with_a_login_of_its_registry(programs: Programs, registry: EcrRegistry) -> None:
    programs.install("crane")
    source = "602401143452.dkr.ecr.us-east-2.amazonaws.com/eks/plugin:v1"
    name = source.removesuffix(":v1")
    theirs = ImagePlan(
        registry="stack.registry", repository=name, tag="v1", architectures=(Architecture.AMD64,),
        origin=Copied(source=source), asked_at="platform.registryMirror",
    )  # fmt: skip
    push(registry, theirs)
    hosts = [line.rpartition(" ")[2] for line in programs.lines() if "auth login" in line]
    assert hosts == [HOST, "602401143452.dkr.ecr.us-east-2.amazonaws.com"]


def test_what_is_there_is_not_missing(registry: EcrRegistry) -> None:
    assert steps.look([EFA], registry) == {EFA: None}
    registry.make("penstock")
    assert steps.look([EFA], registry) == {EFA: None}
    put("penstock", "0.1.0-workloads")
    assert steps.look([EFA], registry) == {EFA: None}
    put("penstock", "0.1.0-efa")
    (found,) = steps.look([EFA], registry).values()
    assert found is not None
    assert found.digest.startswith("sha256:")


def test_without_an_engine_the_lines_are_the_same_that_it_would_run(registry: EcrRegistry) -> None:
    name = f"{HOST}/lab/penstock:0.1.0-efa"
    login = "aws ecr get-login-password --region us-east-2 | {} login --username AWS --password-stdin " + HOST
    assert list(steps.lines([EFA, KUEUE], registry)) == [
        login.format("podman"),
        f"podman build --platform linux/amd64 --file images/cuda/Containerfile --target efa --tag {name} .",
        f"podman push {name}",
        login.format("skopeo"),
        f"skopeo copy --all docker://registry.k8s.io/kueue/kueue:v1 docker://{HOST}/lab/registry.k8s.io/kueue/kueue:v1",
    ]


def test_the_users_own_image_is_pushed_by_two_lines(registry: EcrRegistry) -> None:
    assert list(steps.given_lines([EFA, THEIRS], registry)) == [
        f"podman tag pretrain:1.0 {HOST}/lab/pretrain:1.0", f"podman push {HOST}/lab/pretrain:1.0",
    ]  # fmt: skip


def test_a_copier_alone_builds_nothing(programs: Programs) -> None:
    programs.install("skopeo")
    assert not steps.can_bring([EFA], engine_here()[0], copier_here())
    assert steps.can_bring([KUEUE, THEIRS], engine_here()[0], copier_here())
