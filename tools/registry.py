"""Programs out of container images: the plain registry protocol, no container runtime.

OCI distribution specification: an anonymous token, the manifest of this machine's architecture, its layers. Everything
is held to the digest that names it.
"""

import hashlib
import json
import re
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPMessage
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlencode

from tools.download import StatusError, UnavailableError, fetch, read, refuse
from tools.steps import Step

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
MOST_LINKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """An image whose entrypoint is the program."""

    registry: str
    """Its address: `https://registry.k8s.io`."""
    repository: str
    tag: str
    digest: str = ""
    """Of the manifest (or list of manifests) behind the tag, where it is pinned."""

    def __str__(self) -> str:
        return f"{self.registry.partition('://')[2]}/{self.repository}:{self.tag}"


def extract_program(image: ImageReference, architecture: str, target: Path, step: Step) -> None:
    """Writes the program that the image starts to `target`.

    UnavailableError where the image cannot be had or holds it in a way that is not understood; SetupError where
    something is not what its digest says.
    """
    source = _Repository(image)
    manifest = source.manifest(architecture)
    program = _entrypoint(source.json_blob(manifest["config"]["digest"]), image)
    _search(source, manifest["layers"], program, target, step)
    target.chmod(0o755)


class _Repository:
    """One repository of a registry, with the token that it asked for."""

    def __init__(self, image: ImageReference) -> None:
        self.image = image
        self._address = f"{image.registry}/v2/{image.repository}"
        self._headers: dict[str, str] = {}

    def manifest(self, architecture: str) -> dict[str, Any]:
        """The manifest for Linux on this architecture."""
        found = self._manifest(self.image.digest or self.image.tag)
        if "manifests" not in found:
            return found
        for entry in found["manifests"]:
            platform = entry.get("platform", {})
            if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
                return self._manifest(entry["digest"])
        raise UnavailableError(f"{self.image} has nothing for linux on {architecture}")

    def json_blob(self, digest: str) -> dict[str, Any]:
        """A small blob, verified."""
        url = f"{self._address}/blobs/{digest}"
        body, _ = self._read(url)
        return _verified_json(url, body, digest)

    def layer(self, digest: str, target: Path, step: Step) -> None:
        """Puts a layer to `target`, verified."""
        url = f"{self._address}/blobs/{digest}"
        try:
            fetch(url, digest, target, step, self._headers)
        except StatusError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            # A token lasts some minutes, a layer on a slow line longer; what arrived is kept.
            self._headers = self._authorized(error.challenge)
            fetch(url, digest, target, step, self._headers)

    def _manifest(self, reference: str) -> dict[str, Any]:
        url = f"{self._address}/manifests/{reference}"
        body, headers = self._read(url, {"Accept": ", ".join(INDEXES + MANIFESTS)})
        digest = reference if ":" in reference else headers.get("Docker-Content-Digest") or _sha256(body)
        return _verified_json(url, body, digest)

    def _read(self, url: str, headers: Mapping[str, str] | None = None) -> tuple[bytes, HTTPMessage]:
        wanted = {**(headers or {})}
        try:
            return read(url, {**wanted, **self._headers})
        except StatusError as error:
            if error.status != HTTPStatus.UNAUTHORIZED or self._headers:
                raise
            self._headers = self._authorized(error.challenge)
        return read(url, {**wanted, **self._headers})

    def _authorized(self, challenge: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token(challenge)}"}

    def _token(self, challenge: str) -> str:
        """The token for nobody in particular, from where the registry's challenge says."""
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if not challenge.lower().startswith("bearer ") or "realm" not in asked:
            raise UnavailableError(f"{self.image.registry} asks for a login")
        query = {key: asked[key] for key in ("service", "scope") if key in asked}
        body, _ = read(f"{asked['realm']}?{urlencode(query)}")
        try:
            answer = json.loads(body)
            return str(answer.get("token") or answer["access_token"])
        except (ValueError, KeyError, AttributeError) as error:
            raise UnavailableError(f"{asked['realm']} gives no token") from error


def _sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _verified_json(url: str, body: bytes, digest: str) -> dict[str, Any]:
    if _sha256(body) != digest:
        raise refuse(url, _sha256(body), digest)
    try:
        content = json.loads(body)
    except ValueError as error:
        raise UnavailableError(f"{url} is not JSON") from error
    if not isinstance(content, dict):
        raise UnavailableError(f"{url} is no manifest")
    return content


def _entrypoint(config: Mapping[str, Any], image: ImageReference) -> PurePosixPath:
    """The file of the image that is started."""
    started = config.get("config", {})
    command = [*(started.get("Entrypoint") or ()), *(started.get("Cmd") or ())]
    if not command:
        raise UnavailableError(f"{image} starts nothing")
    return _clean(PurePosixPath("/", started.get("WorkingDir") or "/", command[0]))


def _search(
    source: _Repository, layers: Sequence[Mapping[str, Any]], path: PurePosixPath, target: Path, step: Step
) -> None:
    """The file as the topmost layer that knows of it has it; layers below are not asked for."""
    file, links = target.with_name(f"{target.name}.layer"), 0
    for layer in reversed(layers):
        source.layer(layer["digest"], file, step)
        while (link := _from_layer(file, layer, path, target, source.image)) is not None:
            if target.exists():
                file.unlink()
                return
            path, links = link, links + 1
            if links > MOST_LINKS:
                raise UnavailableError(f"{source.image}: its links lead in circles at /{path}")
    raise UnavailableError(f"{source.image} has no /{path}")


def _from_layer(
    file: Path, layer: Mapping[str, Any], path: PurePosixPath, target: Path, image: ImageReference
) -> PurePosixPath | None:
    """`path` once it is written to `target`; where a link leads to; None where lower layers decide."""
    hidden = False
    try:
        with tarfile.open(file) as tar:
            for member in tar:
                name = _clean(PurePosixPath("/", member.name))
                if member.issym() and (name == path or name in path.parents):
                    return _clean(PurePosixPath("/", name.parent, member.linkname, path.relative_to(name)))
                if name == path and (content := tar.extractfile(member)):
                    with target.open("wb") as written:
                        shutil.copyfileobj(content, written)
                    return path
                hidden = hidden or _hides(name, path)
    except (tarfile.TarError, EOFError, KeyError) as error:  # KeyError: a hard link to what the layer lacks
        raise UnavailableError(f"{image}: this Python cannot read a layer of {layer.get('mediaType')}") from error
    if hidden:
        raise UnavailableError(f"{image}: a layer deletes /{path}")
    return None


def _hides(name: PurePosixPath, path: PurePosixPath) -> bool:
    """True where an entry is a whiteout of the path, or of a folder above it."""
    if name.name == OPAQUE:
        return name.parent in path.parents
    if not name.name.startswith(WHITEOUT):
        return False
    deleted = name.parent / name.name.removeprefix(WHITEOUT)
    return deleted == path or deleted in path.parents


def _clean(path: PurePosixPath) -> PurePosixPath:
    """The path within the image, without a leading slash and without `.` and `..`."""
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)
