"""Environment, command line and downward fields of a container, as a kubelet would make them. Pure."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Object = Mapping[str, Any]
Objects = Mapping[tuple[str, str], Object | None]
"""(`ConfigMap` | `Secret`, name) -> the object, None where the namespace has none."""

API_SERVICE = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443",
               "KUBERNETES_SERVICE_PORT_HTTPS": "443", "KUBERNETES_PORT": "tcp://10.96.0.1:443"}  # fmt: skip
_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_FIELD_KEY = re.compile(r"metadata\.(annotations|labels)\['(.+)'\]")
_SUFFIXES: dict[str, int | Decimal] = {
    "": 1, "m": Decimal("0.001"), "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


class MissingError(Exception):
    """A ConfigMap, a Secret or a key of one that the container needs is not there (yet)."""


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` becomes its value, `$$` one dollar; what is not known stays as it is written."""

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "$"
        return env.get(name, match.group(0))

    return _REFERENCE.sub(replace, text)


def quantity(text: str | float) -> Decimal:
    """A Kubernetes quantity as a number: `500m` is 0.5, `2Gi` is 2147483648."""
    match = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)", str(text))
    if not match or match.group(2) not in _SUFFIXES:
        raise ValueError(f"{text!r} is not a quantity")
    return Decimal(match.group(1)) * _SUFFIXES[match.group(2)]


def references(container: Object) -> set[tuple[str, str]]:
    """The (kind, name) of each ConfigMap and Secret that the container's environment is made of."""
    found = set()
    for source in container.get("envFrom") or ():
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if key in source:
                found.add((kind, source[key]["name"]))
    for row in container.get("env") or ():
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if key in (row.get("valueFrom") or {}):
                found.add((kind, row["valueFrom"][key]["name"]))
    return found


def environment(
    container: Object, pod: Object, objects: Objects, *, base: Mapping[str, str], allocatable: Mapping[str, str]
) -> dict[str, str]:
    """The container's environment; MissingError where something it needs is not in `objects`.

    `base` is what the image sets. Later rows win, and may refer to earlier ones by `$(NAME)`.
    """
    env = dict(base) | API_SERVICE
    for source in container.get("envFrom") or ():
        env |= _from_object(source, objects)
    for row in container.get("env") or ():
        value = _value(row, container, pod, objects, env=env, allocatable=allocatable)
        if value is not None:
            env[row["name"]] = value
    return env


def field(pod: Object, path: str) -> str:
    """Value that `fieldRef.fieldPath` names; empty where the pod has none."""
    if match := _FIELD_KEY.fullmatch(path):
        return str((pod["metadata"].get(match.group(1)) or {}).get(match.group(2), ""))
    if path in ("metadata.annotations", "metadata.labels"):
        rows = pod["metadata"].get(path.split(".")[1]) or {}
        return "\n".join(f'{key}="{_escape(value)}"' for key, value in sorted(rows.items()))
    if path in ("status.podIPs", "status.hostIPs"):
        return ",".join(row["ip"] for row in pod["status"].get(path.split(".")[1], ()))
    found: Any = pod
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def resource_field(container: Object, resource: str, divisor: str, allocatable: Mapping[str, str]) -> str:
    """`limits.memory` and its like, in units of `divisor`, rounded up; the node's own where no limit is set."""
    kind, _, name = resource.partition(".")
    rows = (container.get("resources") or {}).get(kind) or {}
    value = quantity(rows.get(name, allocatable.get(name, "0")))
    return str(math.ceil(value / (quantity(divisor) if quantity(divisor) else 1)))


def data_of(kind: str, found: Object) -> dict[str, bytes]:
    """The content of a ConfigMap or Secret."""
    if kind == "Secret":
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}


def _from_object(source: Object, objects: Objects) -> dict[str, str]:
    kind, reference = (
        ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else ("Secret", source["secretRef"])
    )
    found = objects.get((kind, reference["name"]))
    if found is None:
        if reference.get("optional"):
            return {}
        raise MissingError(f'{kind.lower()} "{reference["name"]}" not found')
    prefix = source.get("prefix") or ""
    return {prefix + key: value.decode(errors="replace") for key, value in data_of(kind, found).items()}


def _value(
    row: Object, container: Object, pod: Object, objects: Objects, *, env: Mapping[str, str],
    allocatable: Mapping[str, str],
) -> str | None:  # fmt: skip
    source = row.get("valueFrom")
    if not source:
        return expand(str(row.get("value") or ""), env)
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        reference = source["resourceFieldRef"]
        return resource_field(container, reference["resource"], reference.get("divisor") or "1", allocatable)
    kind, reference = (
        ("ConfigMap", source["configMapKeyRef"]) if "configMapKeyRef" in source else ("Secret", source["secretKeyRef"])
    )
    return _key(kind, reference, objects)


def _key(kind: str, reference: Object, objects: Objects) -> str | None:
    found = objects.get((kind, reference["name"]))
    content = data_of(kind, found) if found else {}
    if reference["key"] in content:
        return content[reference["key"]].decode(errors="replace")
    if reference.get("optional"):
        return None
    if found is None:
        raise MissingError(f'{kind.lower()} "{reference["name"]}" not found')
    raise MissingError(f"couldn't find key {reference['key']} in {kind} {reference['name']}")


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
