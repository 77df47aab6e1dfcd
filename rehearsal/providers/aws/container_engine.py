"""The simulated ECR, and the programs that push into it: where it has a repository of that name.

Run by itself, this file is either program.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.cloud.container_engine import main, programs_of
from rehearsal.cloud.store import Store

DOCUMENT = "application/vnd.oci.image.manifest.v1+json"


def container_programs(folder: Path) -> Mapping[str, str]:
    """The environment in which these programs are found before any that is installed."""
    return programs_of(__file__, folder)


def stored_images(store: Store) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:  # noqa: ARG001 (moto has them)
    """Of every image in the simulated account: repository with its host, tag, digest, processors."""
    from moto.ecr.models import ecr_backends

    for account, regions in ecr_backends.items():
        for region, backend in regions.items():
            for repository in backend.repositories.values():
                host = f"{account}.dkr.ecr.{region}.amazonaws.com"
                for image in repository.images:
                    built = json.loads(image.image_manifest).get("annotations", {}).get("built for", "amd64")
                    yield f"{host}/{repository.name}", image.image_tag or "", image.image_digest, tuple(built.split())


def _put(image: str, built: Sequence[str]) -> str:
    import boto3
    from botocore.exceptions import ClientError

    name, _, tag = image.rpartition(":")
    host, _, repository = name.partition("/")
    layer = {"digest": f"sha256:{hashlib.sha256(image.encode()).hexdigest()}", "size": 1000, "mediaType": "layer"}
    manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": DOCUMENT, "layers": [layer]}
    manifest["annotations"] = {"built for": " ".join(built)}
    try:
        boto3.client("ecr", region_name=host.split(".")[3]).put_image(
            repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=tag
        )
    except ClientError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:], _put))
