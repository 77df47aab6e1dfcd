"""Stand-in for container engines, by which penstock's own command puts images into the simulated registry before `up`.

`podman` builds nothing and remembers for which processor; what it or `skopeo` pushes is in ECR from then on, where ECR
has such a repository. Run by itself, this file is either program.
"""

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PROGRAMS = ("podman", "skopeo")
BOTH = ("amd64", "arm64")
DOCUMENT = "application/vnd.oci.image.manifest.v1+json"


def container_programs(folder: Path) -> Mapping[str, str]:
    """The environment in which these programs are found before any that is installed."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    for name in PROGRAMS:
        program = place / name
        line = shlex.join([sys.executable, __file__, name])
        program.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        program.chmod(0o700)
    return {"PATH": f"{place}{os.pathsep}{os.environ.get('PATH', '')}"}


def stored_images() -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Of every image in the simulated account: repository with its host, tag, digest, processors."""
    from moto.ecr.models import ecr_backends

    for account, regions in ecr_backends.items():
        for region, backend in regions.items():
            for repository in backend.repositories.values():
                host = f"{account}.dkr.ecr.{region}.amazonaws.com"
                for image in repository.images:
                    built = json.loads(image.image_manifest).get("annotations", {}).get("built for", "amd64")
                    yield f"{host}/{repository.name}", image.image_tag or "", image.image_digest, tuple(built.split())


def main(program: str, arguments: list[str]) -> int:
    verb = arguments[0]
    if verb == "login":
        return 0 if sys.stdin.read() else _fail("no password")
    if program == "skopeo":
        return _put(arguments[-1].removeprefix("docker://"), BOTH)
    if verb == "build":
        _notes(arguments[arguments.index("--tag") + 1]).write_text(arguments[arguments.index("--platform") + 1])
        return 0
    if verb == "push":
        notes = _notes(arguments[-1])
        if not notes.is_file():
            return _fail(f"{arguments[-1]}: image not known")
        return _put(arguments[-1], (notes.read_text().partition("/")[2],))
    return _fail(f"a rehearsal builds, pushes and copies only, and not: {' '.join(arguments)}")


def _put(image: str, built: tuple[str, ...]) -> int:
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
        return _fail(f"{image}: {error}")
    return 0


def _notes(image: str) -> Path:
    """A file that remembers the build, beside the profile of AWS that the rehearsal has."""
    digest = hashlib.sha256(image.encode()).hexdigest()[:16]
    return Path(os.environ["AWS_CONFIG_FILE"]).with_name(f"image-{digest}")


def _fail(what: str) -> int:
    sys.stderr.write(f"{what}\n")
    return 125


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
