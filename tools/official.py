"""Official places of the lab's programs and data, and how each is verified; docs/lab.md has their sources."""

import platform
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.download import UnavailableError, fetch, listed_digest, read
from tools.registry import ImageReference, extract_program
from tools.steps import Step

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
GITHUB = "https://github.com"
KUBERNETES = "https://dl.k8s.io/release/v{version}/bin/linux/{architecture}"
KUBERNETES_REGISTRY = "https://registry.k8s.io"
GITHUB_REGISTRY = "https://ghcr.io"
DOCKER_REGISTRY = "https://registry-1.docker.io"  # docker.io/NAME is at registry-1.docker.io/v2/NAME
QUAY = "https://quay.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A file of a release: the program, or an archive that holds it."""

    url: str
    checksums: str
    """The published list of SHA-256 sums, asked for where none is pinned; "" where none is published."""
    member: str = ""
    """The program's name in the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Images of a program; the tag is `v` and the version."""

    registry: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The repository of a Go module, whose archive of a tag holds the module's files."""

    repository: str
    folder: str = ""
    """Of the module in the repository; its tags begin with it."""

    def archive(self, version: str) -> str:
        """The address of the version's archive."""
        prefix = f"{self.folder}/" if self.folder else ""
        return f"{GITHUB}/{self.repository}/archive/refs/tags/{prefix}v{version}.tar.gz"


PROGRAMS: Mapping[str, Release | Repository] = {
    "etcd": Release(
        url=f"{GITHUB}/etcd-io/etcd/releases/download/v{{version}}/etcd-v{{version}}-linux-{{architecture}}.tar.gz",
        checksums=f"{GITHUB}/etcd-io/etcd/releases/download/v{{version}}/SHA256SUMS",
        member="etcd",
    ),
    **{
        name: Release(url=f"{KUBERNETES}/{name}", checksums=f"{KUBERNETES}/{name}.sha256")
        for name in ("kube-apiserver", "kube-scheduler", "kube-controller-manager")
    },
    "kwok": Release(
        url=f"{GITHUB}/kubernetes-sigs/kwok/releases/download/v{{version}}/kwok-linux-{{architecture}}", checksums=""
    ),
    "helm": Release(
        url="https://get.helm.sh/helm-v{version}-linux-{architecture}.tar.gz",
        checksums="https://get.helm.sh/helm-v{version}-linux-{architecture}.tar.gz.sha256sum",
        member="helm",
    ),
    "kueue": Repository(registry=KUBERNETES_REGISTRY, name="kueue/kueue"),
    "jobset": Repository(registry=KUBERNETES_REGISTRY, name="jobset/jobset"),
    "trainer": Repository(registry=GITHUB_REGISTRY, name="kubeflow/trainer/trainer-controller-manager"),
    "kuberay": Repository(registry=QUAY, name="kuberay/operator"),
    **{
        name: Repository(registry=DOCKER_REGISTRY, name=f"volcanosh/{name}")
        for name in ("vc-scheduler", "vc-controller-manager", "vc-webhook-manager")
    },
}

SOURCES: Mapping[str, Sources] = {
    "kwok": Sources(repository="kubernetes-sigs/kwok"),
    "kueue": Sources(repository="kubernetes-sigs/kueue"),
    "jobset": Sources(repository="kubernetes-sigs/jobset"),
    "trainer": Sources(repository="kubeflow/trainer"),
    "kuberay": Sources(repository="ray-project/kuberay", folder="ray-operator"),
    "volcano": Sources(repository="volcano-sh/volcano"),
}
"""By module of tools/lab.py."""

PINS: Mapping[str, str] = {
    "https://github.com/kubernetes-sigs/kwok/releases/download/v0.8.0/kwok-linux-amd64":
        "sha256:f5a4385a2ae1b9dd7f8acae18e002a75c0ebba124ae9d7259aa8dadb50711f46",
    "https://github.com/kubernetes-sigs/kwok/releases/download/v0.8.0/kwok-linux-arm64":
        "sha256:628f7d277860f524a2a775c217adcc58828e7b59ab0933680315784f1b8b0e37",
    "https://get.helm.sh/helm-v4.2.2-linux-amd64.tar.gz":
        "sha256:9adafecab4d406853bba163a70e9f104f47dbbf65ce24b7653bae7e36150bcb6",
    "https://get.helm.sh/helm-v4.2.2-linux-arm64.tar.gz":
        "sha256:78803142087a0069fa4b50d3f32a84d3ef25c14d1ee8a40fbccf86a6216d2f36",
    "https://registry.k8s.io/jobset/jobset:v0.12.0":
        "sha256:e75536f1135b7bb2f19f8c3b620782fbdd9091d73398e3a272f9a5fed322980d",
}  # fmt: skip
"""Digests known here, by address (of an image: with its tag). A test finds those of versions no longer in use."""


def bring(program: str, version: str, target: Path, step: Step) -> None:
    """Writes the program to `target` from its official place. UnavailableError where that cannot be reached or used."""
    source = PROGRAMS[program]
    if isinstance(source, Release):
        _bring_release(source, version, target, step)
    else:
        extract_program(image(source, version), architecture(), target, step)
    target.chmod(0o755)


def architecture() -> str:
    """This machine's, by the names that Go has for them."""
    found = ARCHITECTURES.get(platform.machine())
    if platform.system() != "Linux" or not found:
        raise UnavailableError(f"there is no release for {platform.system()} on {platform.machine()}")
    return found


def image(source: Repository, version: str) -> ImageReference:
    """The image of a version, by its digest where that is pinned."""
    tag = f"v{version}"
    pin = PINS.get(f"{source.registry}/{source.name}:{tag}", "")
    return ImageReference(registry=source.registry, repository=source.name, tag=tag, digest=pin)


def _bring_release(source: Release, version: str, target: Path, step: Step) -> None:
    url, checksums = (
        text.format(version=version, architecture=architecture()) for text in (source.url, source.checksums)
    )
    digest = PINS.get(url) or _published(url, checksums)
    if not source.member:
        fetch(url, digest, target, step)
        return
    archive = target.with_suffix(".tar.gz")
    fetch(url, digest, archive, step)
    try:
        _unpack(archive, source.member, target)
    finally:
        archive.unlink()


def _published(url: str, checksums: str) -> str:
    if not checksums:
        raise UnavailableError(f"{url} has no published checksum, and none is pinned")
    body, _ = read(checksums)
    return listed_digest(url.rpartition("/")[2], body.decode(errors="replace"))


def _unpack(archive: Path, name: str, target: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if PurePosixPath(member.name).name == name and member.isfile() else None
            if content:
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                return
    raise UnavailableError(f"the archive of the release has no {name}")
