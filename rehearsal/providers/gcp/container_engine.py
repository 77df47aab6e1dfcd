"""The simulated Artifact Registry, and the programs that push into it: where it has a repository of that name.

Run by itself, this file is either program; it hands an image to the rehearsal's own endpoint.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.cloud.container_engine import main, programs_of
from rehearsal.cloud.store import Store

ENDPOINT = "GOOGLE_ARTIFACT_REGISTRY_CUSTOM_ENDPOINT"
IMAGES, REPOSITORIES = "images in Artifact Registry", "repositories made by hand"
PUSHED_AT = "2026-01-01T00:00:00+00:00"


def container_programs(folder: Path) -> Mapping[str, str]:
    """The environment in which these programs are found before any that is installed."""
    return programs_of(__file__, folder)


def stored_images(store: Store) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Of every image in the registry: repository with its host, tag, digest, processors."""
    for name, one in store.fact(IMAGES, {}).items():
        repository, _, tag = name.rpartition(":")
        yield repository, tag, one["digest"], tuple(one["built"])


def put_image(store: Store, image: str, built: Sequence[str]) -> None:
    """Puts the image there, with a digest of its own for each name."""
    digest = f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
    store.set_fact(IMAGES, {**store.fact(IMAGES, {}), image: {"digest": digest, "built": list(built)}})


def described(store: Store, repository: str, package: str, *, tag: str = "", digest: str = "") -> dict[str, Any] | None:
    """The registry's description of an image, by its tag or digest; None where it is not there. `repository`: its path
    in the API.
    """
    project, place, name = (repository.split("/")[index] for index in (1, 3, 5))
    for image, one in store.fact(IMAGES, {}).items():
        where, _, its_tag = image.rpartition(":")
        if where == f"{place}-docker.pkg.dev/{project}/{name}/{package}" and (
            tag == its_tag or digest == one["digest"]
        ):
            found = one["digest"]
            return {
                "name": f"{repository}/dockerImages/{package}@{found}", "tags": [its_tag], "imageSizeBytes": "1000",
                "uploadTime": PUSHED_AT, "version": f"{repository}/packages/{package}/versions/{found}",
            }  # fmt: skip
    return None


def _put(image: str, built: Sequence[str]) -> str:
    import httpx

    answer = httpx.post(f"{os.environ[ENDPOINT]}push", json={"image": image, "built": list(built)})
    return "" if answer.status_code < 400 else answer.text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:], _put))
