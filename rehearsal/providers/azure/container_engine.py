"""The simulated Container Registry, and the programs that push into it: where there is a registry of that name.

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

ENDPOINT = "AZURE_RESOURCE_MANAGER_ENDPOINT"
IMAGES, BY_HAND = "images in Container Registry", "groups and registries made by hand"


def container_programs(folder: Path) -> Mapping[str, str]:
    """The environment in which these programs are found before any that is installed."""
    return programs_of(__file__, folder)


def stored_images(store: Store) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Of every image in the registries: repository with its host, tag, digest, processors."""
    for name, one in store.fact(IMAGES, {}).items():
        repository, _, tag = name.rpartition(":")
        yield repository, tag, one["digest"], tuple(one["built"])


def put_image(store: Store, image: str, built: Sequence[str]) -> None:
    """Puts the image there, with a digest of its own for each name."""
    digest = f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
    store.set_fact(IMAGES, {**store.fact(IMAGES, {}), image: {"digest": digest, "built": list(built)}})


def described(store: Store, host: str, repository: str, reference: str) -> dict[str, Any] | None:
    """The registry's description of an image by its tag or digest; None where it is not there."""
    for image, one in store.fact(IMAGES, {}).items():
        where, _, tag = image.rpartition(":")
        if where == f"{host}/{repository}" and reference in (tag, one["digest"]):
            return {"digest": one["digest"], "tag": tag, "built": one["built"]}
    return None


def _put(image: str, built: Sequence[str]) -> str:
    import httpx

    answer = httpx.post(f"{os.environ[ENDPOINT]}/push", json={"image": image, "built": list(built)})
    return "" if answer.status_code < 400 else answer.text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:], _put))
