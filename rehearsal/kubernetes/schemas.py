"""Content that an object may hold: core kinds as kubernetes-validate has them (strict), custom kinds as their
definition says.

Looser than a real server in two things: rules in CEL (`x-kubernetes-validations`) are not evaluated, and what a custom
kind cuts from a core type that it embeds is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from components.kubernetes.definitions import CustomKind

Schema = Mapping[str, Any]
DEFINITIONS = "https://kubernetes.io/api/_definitions.json"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
OPEN = "x-kubernetes-preserve-unknown-fields"
CLUSTER_SCOPED = frozenset(
    {
        *("Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass"),
        *("PriorityClass", "CustomResourceDefinition", "ValidatingWebhookConfiguration", "RuntimeClass", "CSIDriver"),
        *("MutatingWebhookConfiguration", "CSINode", "IngressClass", "APIService", "DeviceClass", "ResourceSlice"),
        *("VolumeAttributesClass", "FlowSchema", "PriorityLevelConfiguration", "ValidatingAdmissionPolicy"),
        *("ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"),
        *("CertificateSigningRequest", "ServiceCIDR", "IPAddress", "VolumeAttachment", "ClusterTrustBundle"),
    }
)
NO_OBJECTS = frozenset({"Binding", "Eviction", "Scale", "TokenRequest", "Status", "DeleteOptions", "WatchEvent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreKind:
    """A kind that every server of this version has."""

    group: str
    version: str
    kind: str
    definition: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def plural(self) -> str:
        word = self.kind.lower()
        if word == "endpoints":
            return word
        if word.endswith(("s", "x", "ch")):
            return word + "es"
        return word[:-1] + "ies" if word.endswith("y") and not word.endswith("ey") else word + "s"

    @property
    def namespaced(self) -> bool:
        return self.kind not in CLUSTER_SCOPED


class Schemas:
    """The schemas of one version of Kubernetes, such as `1.36`."""

    def __init__(self, version: str) -> None:
        self.version = version

    @cached_property
    def definitions(self) -> Mapping[str, Any]:
        """By name; the newest that kubernetes-validate has where it has not this version."""
        from kubernetes_validate import utils  # type: ignore[import-untyped]  # it has none

        minor = utils.major_minor(self.version)
        known = [one for one in utils.all_versions() if utils.major_minor(one) == minor] or [utils.latest_version()]
        path = f"kubernetes-json-schema/v{known[-1]}-local-strict/_definitions.json"
        found: Mapping[str, Any] = utils.schema_contents(path, self.version)["$defs"]
        return found

    @cached_property
    def core_kinds(self) -> Mapping[tuple[str, str], CoreKind]:
        """By apiVersion and kind."""
        found = {}
        for name, schema in self.definitions.items():
            places = schema.get("x-kubernetes-group-version-kind", ())
            if len(places) != 1 or "metadata" not in schema.get("properties", {}):
                continue
            group, version, kind = places[0]["group"], places[0]["version"], places[0]["kind"]
            if kind.endswith("List") or kind in NO_OBJECTS:
                continue
            one = CoreKind(group=group, version=version, kind=kind, definition=name)
            found[one.api_version, kind] = one
        return found

    def problems(self, body: Schema, kind: CoreKind | CustomKind) -> list[str]:
        """`spec.replicas: 'two' is not of type 'integer'`, one for each; empty where all is well."""
        validator = self._core_validator(kind.definition) if isinstance(kind, CoreKind) else self._custom(kind)
        return sorted({text for error in validator.iter_errors(body) for text in _in_words(error)})

    def node(self, kind: CoreKind | CustomKind) -> Node:
        """The schema as server-side apply walks it."""
        if isinstance(kind, CoreKind):
            return Node(self.definitions[kind.definition], self.definitions)
        top = dict(kind.schema)
        top["properties"] = {**kind.schema.get("properties", {}), "metadata": {"$core": META}}
        return Node(top, self.definitions)

    @cache  # noqa: B019 (one object for each process)
    def _core_validator(self, definition: str) -> Any:
        return self._validator({"$ref": f"{DEFINITIONS}#/$defs/{definition}"})

    def _custom(self, kind: CustomKind) -> Any:
        found = self._custom_validators.get(id(kind.schema))
        if found is None:
            closed = _closed(kind.schema)
            known = closed.setdefault("properties", {})
            known |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": _core(META)}
            found = self._custom_validators[id(kind.schema)] = (self._validator(closed), kind.schema)
        return found[0]

    @cached_property
    def _custom_validators(self) -> dict[int, tuple[Any, Schema]]:
        """By the schema's identity, which stands as long as the schema beside the validator."""
        return {}

    def _validator(self, schema: Schema) -> Any:
        from jsonschema import Draft202012Validator

        return Draft202012Validator(schema, registry=self._registry)

    @cached_property
    def _registry(self) -> Any:
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        held = Resource.from_contents({"$id": DEFINITIONS, "$defs": self.definitions}, DRAFT202012)
        registry: Any = Registry()
        return registry.with_resource(DEFINITIONS, held)


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a schema: what merges there, and how."""

    schema: Schema
    definitions: Schema

    def child(self, name: str) -> Node:
        schema = self._resolved
        return self._at((schema.get("properties") or {}).get(name, schema.get("additionalProperties")))

    @property
    def item(self) -> Node:
        return self._at(self._resolved.get("items"))

    @property
    def list_keys(self) -> tuple[str, ...]:
        """Keys that tell a list's elements apart; () where the list is one value."""
        schema = self._own_or_resolved("x-kubernetes-list-type")
        return tuple(schema.get("x-kubernetes-list-map-keys", ())) if self.list_type == "map" else ()

    @property
    def list_type(self) -> str:
        return str(self._own_or_resolved("x-kubernetes-list-type").get("x-kubernetes-list-type", "atomic"))

    @property
    def one_value(self) -> bool:
        """True if the object changes as a whole."""
        return bool(self._own_or_resolved("x-kubernetes-map-type").get("x-kubernetes-map-type") == "atomic")

    def _own_or_resolved(self, word: str) -> Schema:
        return self.schema if word in self.schema else self._resolved

    @property
    def _resolved(self) -> Schema:
        name = self.schema.get("$core") or str(self.schema.get("$ref", "")).rpartition("/")[2]
        found: Schema = self.definitions.get(name, {}) if name else self.schema
        return found

    def _at(self, schema: Any) -> Node:
        return Node(schema if isinstance(schema, Mapping) else {}, self.definitions)


def _core(name: str) -> dict[str, Any]:
    return {"$ref": f"{DEFINITIONS}#/$defs/{name}"}


def _closed(schema: Any) -> dict[str, Any]:
    """A structural schema as JSON Schema that allows nothing it does not name; null is as good as nothing."""
    if not isinstance(schema, Mapping):
        return {}
    if "$core" in schema:
        return _core(schema["$core"])
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string", "null"]}
    kept = {key: value for key, value in schema.items() if not key.startswith("x-") and key not in _HANDLED}
    kept |= {"type": [schema["type"], "null"]} if "type" in schema else {}
    kept |= {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    kept |= {"pattern": schema["pattern"]} if _compiles(schema.get("pattern")) else {}
    kept |= {"items": _closed(schema["items"])} if "items" in schema else {}
    if "properties" in schema:
        kept["properties"] = {name: _closed(part) for name, part in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), Mapping):
        kept["additionalProperties"] = _closed(schema["additionalProperties"])
    elif "properties" in schema and not schema.get(OPEN):
        kept["additionalProperties"] = False
    return kept


_HANDLED = frozenset({"type", "enum", "pattern", "properties", "items", "additionalProperties", "nullable", "default"})


def _compiles(pattern: str | None) -> bool:
    """True if the pattern, written for Go, is one of Python's too."""
    try:
        return pattern is not None and bool(re.compile(pattern))
    except re.error:
        return False


def _in_words(error: Any) -> Iterator[str]:
    path = _path(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = error.schema.get("properties", {})
        yield from (
            f"{_path([*error.absolute_path, name])}: unknown field" for name in error.instance if name not in known
        )
    elif error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        yield from (f"{_path([*error.absolute_path, name])}: required value" for name in missing)
    elif error.validator in ("oneOf", "anyOf"):
        yield f"{path}: {error.instance!r} is none of what is allowed here"
    else:
        yield f"{path}: {error.message}"


def _path(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "(object)"
