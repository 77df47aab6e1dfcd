"""Changes that an update would make, and those of them that only another object can have."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.providers.kubernetes.manifests import QUANTITIES, is_autonamed, normal, pruned, same

IDENTITY = ("metadata.name", "metadata.namespace")
SELECTOR = ("spec.selector",)
# Fields whose change makes pulumi-kubernetes replace the object. Source: provider/pkg/provider/diff.go of 4.32.
REPLACING: Mapping[str, tuple[str, ...]] = {
    "apps/Deployment": SELECTOR,
    "apps/DaemonSet": SELECTOR,
    "apps/StatefulSet": (
        *(*SELECTOR, "spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.serviceName"),
        "spec.volumeClaimTemplates",
    ),
    "batch/Job": (*SELECTOR, "spec.completions", "spec.parallelism", "spec.template"),
    "rbac.authorization.k8s.io/RoleBinding": ("roleRef",),
    "rbac.authorization.k8s.io/ClusterRoleBinding": ("roleRef",),
    "storage.k8s.io/StorageClass": ("parameters", "provisioner"),
    "/PersistentVolume": (
        *("spec.awsElasticBlockStore", "spec.azureDisk", "spec.azureFile", "spec.cephfs", "spec.csi", "spec.fc"),
        *("spec.flexVolume", "spec.gcePersistentDisk", "spec.hostPath", "spec.iscsi", "spec.local", "spec.nfs"),
        *("spec.rbd", "spec.portworxVolume", "spec.vsphereVolume"),
    ),
    "/PersistentVolumeClaim": (*SELECTOR, "spec.accessModes", "spec.storageClassName", "spec.volumeName"),
    "/Pod": ("spec",),
    "/ResourceQuota": ("spec.scopes",),
    "/Secret": ("type", "stringData", "data"),
    "/ConfigMap": ("binaryData", "data"),
    "/Service": ("spec.clusterIP",),
}
# A pod's own fields that change in place.
KEPT_IN_PLACE: Mapping[str, tuple[str, ...]] = {
    "/Pod": ("spec.activeDeadlineSeconds", "spec.tolerations", "spec.schedulingGates")
}
MUTABLE_BY_SETTING = {"/ConfigMap": "enableConfigMapMutable", "/Secret": "enableSecretMutable"}
WORD = re.compile(r"^[A-Za-z_$][\w$]*$")
MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Changes by property path: `add`, `delete` or `update`; those in `replaces` need another object."""

    changes: Mapping[str, str]
    replaces: tuple[str, ...]
    delete_first: bool


def difference(
    live: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any], *, is_patch: bool,
    settings: Mapping[str, Any], namespaced: bool,
) -> Difference:  # fmt: skip
    """Patch that makes the new manifest of the previous one, on the object as it is now."""
    before, after = normal(old), normal(new)
    now = pruned(normal(live), before)
    if namespaced:
        now, after = _in_namespace(now, live), _in_namespace(after, {})
    if (after.get("metadata") or {}).get("name"):
        now["metadata"]["name"] = live["metadata"]["name"]
    changes = dict(_changes(now, after, ""))
    fixed = IDENTITY if is_patch else (*IDENTITY, *_replacing(after, settings))
    kept = KEPT_IN_PLACE.get(_group_kind(after), ())
    replaces = tuple(path for path in changes if _within(path, fixed) and not _within(path, kept))
    same_place = all(_meta(now, name) == _meta(after, name) for name in ("name", "namespace"))
    delete_first = bool(replaces) and same_place and not is_autonamed(new)
    return Difference(changes=changes, replaces=replaces, delete_first=delete_first)


def plain_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Changes by property path of what is no object of Kubernetes."""
    return dict(_changes(old, new, ""))


def _replacing(body: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, ...]:
    key = _group_kind(body)
    setting = MUTABLE_BY_SETTING.get(key)
    if setting and settings.get(setting) and not body.get("immutable"):
        return ("type",)
    return REPLACING.get(key, ())


def _group_kind(body: Mapping[str, Any]) -> str:
    group, slash, _ = str(body.get("apiVersion", "")).partition("/")
    return f"{group if slash else ''}/{body.get('kind')}"


def _within(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in places)


def _meta(body: Mapping[str, Any], name: str) -> Any:
    return (body.get("metadata") or {}).get(name)


def _in_namespace(body: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    meta = dict(body.get("metadata") or {})
    meta["namespace"] = meta.get("namespace") or _meta(live, "namespace") or "default"
    return {**body, "metadata": meta}


def _changes(old: Any, new: Any, path: str, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            within = key if key in QUANTITIES else name
            yield from _changes(old.get(name, MISSING), new.get(name, MISSING), _joined(path, name), within)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            one = old[index] if index < len(old) else MISSING
            other = new[index] if index < len(new) else MISSING
            yield from _changes(one, other, f"{path}[{index}]", key)
    elif old is MISSING:
        if not _empty(new):
            yield path, "add"
    elif new is MISSING:
        yield path, "delete"
    elif not same(old, new, key=key):
        yield path, "update"


def _empty(value: Any) -> bool:
    """True if it is as good as missing: servers drop what holds nothing."""
    return value is None or value in ({}, [])


def _joined(path: str, name: str) -> str:
    step = name if WORD.match(name) else f'["{name}"]'
    return step if not path else f"{path}{step}" if step.startswith("[") else f"{path}.{step}"
