"""A pod's volumes: folders and files of this machine which its containers mount."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.kubernetes.api import Object
from lab.node import kernel
from lab.node.client import Client
from lab.node.environment import data_of, expand, quantity, resource_field
from lab.node.environment import field as pod_field
from lab.node.files import Files, write_folder
from lab.node.mounts import BindMount

TOKEN_LIFE_S = 3600
DEFAULT_MODE = 0o644


class VolumeError(Exception):
    """A volume cannot be mounted (yet): one sentence, as `FailedMount` tells it."""


@dataclass(slots=True, kw_only=True)
class PodVolume:
    """A volume that is ready."""

    path: Path
    read_only: bool = False
    sources: Sequence[Mapping[str, Any]] = ()
    """API objects that its files are made of and follow; the pod's fields among them."""
    mode: int = DEFAULT_MODE
    written: Files | None = None
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)


class PodVolumes:
    """The volumes of one pod: made by `prepare`, kept up to date by `refresh`, taken away by `close`."""

    def __init__(self, client: Client, pod: Object, folder: Path, home: Path, allocatable: Mapping[str, str]) -> None:
        self._client, self._pod, self._folder, self._home = client, pod, folder, home
        self._allocatable = allocatable
        self._memory: list[Path] = []
        self._ready: dict[str, PodVolume] = {}

    async def prepare(self, pod: Object) -> None:
        """All volumes ready; VolumeError for the first that is not. May be called again after that."""
        self._pod = pod
        for row in pod["spec"].get("volumes") or ():
            if row["name"] not in self._ready:
                self._ready[row["name"]] = await self._make(row)

    def mounts(self, container: Object, env: Mapping[str, str]) -> list[BindMount]:
        """Mounts that the container's volumeMounts mean; VolumeError where a sub path leaves its volume."""
        return [self._mount(row, env) for row in container.get("volumeMounts") or ()]

    async def refresh(self, pod: Object) -> None:
        """Writes anew what has changed: ConfigMaps, Secrets, tokens about to expire, the pod's own fields."""
        self._pod = pod
        for volume in self._ready.values():
            if volume.sources:
                await self._write(volume)

    @property
    def follows_objects(self) -> bool:
        return any(volume.sources for volume in self._ready.values())

    def close(self) -> None:
        for path in self._memory:
            kernel.unmount(path)

    async def _make(self, row: Object) -> PodVolume:
        own = self._folder / row["name"]
        own.mkdir(parents=True, exist_ok=True)
        if "emptyDir" in row:
            return self._empty(own, row["emptyDir"] or {})
        if "hostPath" in row:
            return PodVolume(path=_host_path(row["hostPath"]))
        if "persistentVolumeClaim" in row:
            return await self._claim(row["persistentVolumeClaim"])
        for kind in ("configMap", "secret", "downwardAPI", "projected"):
            if kind in row:
                return await self._filled(own, kind, row[kind])
        if "csi" in row or "nfs" in row:
            return _mapped(self._home, row)
        raise VolumeError(f"volume {row['name']!r} is of a kind that the lab does not have: {sorted(row)[0]}")

    def _empty(self, own: Path, source: Mapping[str, Any]) -> PodVolume:
        own.chmod(0o777)
        if source.get("medium") == "Memory":
            limit = source.get("sizeLimit")
            kernel.mount_memory(own, int(quantity(limit)) if limit else None)
            self._memory.append(own)
        return PodVolume(path=own)

    async def _filled(self, own: Path, kind: str, source: Mapping[str, Any]) -> PodVolume:
        sources = source.get("sources") or () if kind == "projected" else [{kind: source}]
        mode = source.get("defaultMode", DEFAULT_MODE)
        volume = PodVolume(path=own, read_only=True, sources=sources, mode=mode)
        await self._write(volume)
        return volume

    async def _write(self, volume: PodVolume) -> None:
        files: dict[str, tuple[bytes, int]] = {}
        for source in volume.sources:
            for kind, content in source.items():
                files |= await self._files(volume, kind, content)
        if files != volume.written:
            write_folder(volume.path, files)
            volume.written = files

    async def _files(self, volume: PodVolume, kind: str, source: Mapping[str, Any]) -> Files:
        if kind == "downwardAPI":
            return {
                row["path"]: (self._downward(row).encode(), row.get("mode", volume.mode)) for row in source["items"]
            }
        if kind == "serviceAccountToken":
            return {source["path"]: ((await self._token(volume, source)).encode(), 0o600)}
        if kind not in ("configMap", "secret"):
            raise VolumeError(f"the lab has no projected volumes of {kind}")
        name = source.get("secretName") or source["name"]
        found = await self._client.get(
            "Secret" if kind == "secret" else "ConfigMap", name, self._pod["metadata"]["namespace"]
        )
        if found is None:
            if source.get("optional"):
                return {}
            raise VolumeError(f'{kind.lower()} "{name}" not found')
        return select_files("Secret" if kind == "secret" else "ConfigMap", found, source, volume.mode)

    def _downward(self, row: Mapping[str, Any]) -> str:
        if "fieldRef" in row:
            return pod_field(self._pod, row["fieldRef"]["fieldPath"])
        reference = row["resourceFieldRef"]
        container = next(one for one in self._pod["spec"]["containers"] if one["name"] == reference["containerName"])
        return resource_field(container, reference["resource"], reference.get("divisor") or "1", self._allocatable)

    async def _token(self, volume: PodVolume, source: Mapping[str, Any]) -> str:
        text, until = volume.tokens.get(source["path"], ("", 0.0))
        if time.monotonic() >= until:
            life_s = source.get("expirationSeconds", TOKEN_LIFE_S)
            volume.tokens[source["path"]] = await self._client.token(self._pod, source.get("audience"), life_s)
            text, _ = volume.tokens[source["path"]]
        return text

    async def _claim(self, source: Mapping[str, Any]) -> PodVolume:
        namespace, name = self._pod["metadata"]["namespace"], source["claimName"]
        claim = await self._client.get("PersistentVolumeClaim", name, namespace)
        if claim is None:
            raise VolumeError(f'persistentvolumeclaim "{name}" not found')
        bound = claim["spec"].get("volumeName")
        found = await self._client.get("PersistentVolume", bound) if bound else None
        if found is None or claim.get("status", {}).get("phase") != "Bound":
            raise VolumeError(f'persistentvolumeclaim "{name}" is not bound')
        volume = persistent_volume(found["spec"], self._home)
        volume.read_only = volume.read_only or bool(source.get("readOnly"))
        return volume

    def _mount(self, row: Mapping[str, Any], env: Mapping[str, str]) -> BindMount:
        volume = self._ready[row["name"]]
        inside = row.get("subPath") or expand(row.get("subPathExpr") or "", env)
        source = volume.path / inside
        if inside and ".." in Path(inside).parts:
            raise VolumeError(f"subPath {inside!r} leaves volume {row['name']!r}")
        if inside and not source.exists():
            source.mkdir(parents=True)
        read_only = volume.read_only or bool(row.get("readOnly"))
        return BindMount(source=source.resolve(), path="/" + row["mountPath"].strip("/"), read_only=read_only)


def select_files(kind: str, found: Object, source: Mapping[str, Any], mode: int) -> Files:
    """The files that a ConfigMap or Secret becomes; VolumeError where an item names a key that it lacks."""
    try:
        content = data_of(kind, found)
        if not source.get("items"):
            return {key: (value, mode) for key, value in content.items()}
        return {
            row["path"]: (content[row["key"]], row.get("mode", mode))
            for row in source["items"]
            if row["key"] in content or not source.get("optional")
        }
    except KeyError as error:
        raise VolumeError(f"{kind} {found['metadata']['name']} has no key {error}") from None


def persistent_volume(spec: Mapping[str, Any], home: Path) -> PodVolume:
    """Folder of a persistent volume in the lab; a network file system is a folder under `home`, one for each handle."""
    if "hostPath" in spec:
        return PodVolume(path=_host_path({"type": "DirectoryOrCreate", **spec["hostPath"]}))
    if "local" in spec:
        return PodVolume(path=_host_path({"path": spec["local"]["path"], "type": "Directory"}))
    return _mapped(home, spec)


def _mapped(home: Path, spec: Mapping[str, Any]) -> PodVolume:
    if "csi" in spec:
        source, parts = spec["csi"], (spec["csi"]["driver"], spec["csi"].get("volumeHandle") or "inline")
    elif "nfs" in spec:
        source, parts = spec["nfs"], ("nfs", spec["nfs"]["server"] + spec["nfs"]["path"])
    else:
        raise VolumeError("the lab has no such kind of persistent volume; use hostPath, local, csi or nfs")
    path = home / "volumes" / "/".join(part.replace("/", "_") for part in parts)
    path.mkdir(parents=True, exist_ok=True)
    return PodVolume(path=path, read_only=bool(source.get("readOnly")))


def _host_path(source: Mapping[str, Any]) -> Path:
    path, kind = Path(source["path"]), source.get("type") or ""
    try:
        if kind == "DirectoryOrCreate":
            path.mkdir(parents=True, exist_ok=True)
        elif kind == "FileOrCreate":
            path.touch()
    except OSError as error:
        raise VolumeError(f"hostPath {path} cannot be made: {error.strerror}") from None
    if not path.exists() or (kind.startswith("Directory") and not path.is_dir()):
        raise VolumeError(f"hostPath type check failed: {path} is not a {kind or 'path'} of this machine")
    return path
