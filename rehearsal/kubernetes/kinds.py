"""Kinds of the server: those of every cluster, and one for each definition in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.kubernetes.definitions import CustomKind, custom_kinds
from rehearsal.kubernetes.schemas import CoreKind, Schemas

DEFINITION_GROUP, DEFINITION = "apiextensions.k8s.io", "CustomResourceDefinition"
FROM_DATA = "penstock.dev/upstream"  # annotation of a definition whose schema is the data file's


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A kind in one version, as a request names it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    spec: CoreKind | CustomKind

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def what(self) -> str:
        """`deployments.apps`, for a message."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def shown(self) -> str:
        """`Deployment.apps`, for a message about an object's content."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def key(self, namespace: str, name: str) -> str:
        """Key under which the object is stored; versions of a kind share it."""
        return f"{self.group}|{self.kind}|{namespace if self.namespaced else ''}|{name}"


def core_kinds(schemas: Schemas) -> Iterator[Served]:
    for one in schemas.core_kinds.values():
        yield Served(
            group=one.group, version=one.version, kind=one.kind, plural=one.plural, namespaced=one.namespaced, spec=one
        )


def defined_kinds(definition: Mapping[str, Any]) -> Iterator[Served]:
    """Kinds that a CustomResourceDefinition adds."""
    spec = definition["spec"]
    upstream = FROM_DATA in (definition["metadata"].get("annotations") or {})
    for version in spec["versions"]:
        if not version.get("served", True):
            continue
        api_version, kind = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
        own = CustomKind(
            group=spec["group"], version=version["name"], kind=kind, plural=spec["names"]["plural"],
            namespaced=spec["scope"] == "Namespaced", source="the program",
            schema=(version.get("schema") or {}).get("openAPIV3Schema") or {},
        )  # fmt: skip
        known = custom_kinds().get((api_version, kind), own) if upstream else own
        yield Served(
            group=own.group, version=own.version, kind=kind, plural=own.plural, namespaced=own.namespaced, spec=known
        )


def definition_of(name: str, kinds: Iterable[CustomKind]) -> dict[str, Any]:
    """The CustomResourceDefinition of kinds of the data file, its schema left there."""
    versions = sorted(kinds, key=lambda one: one.version)
    first = versions[0]
    names = {
        "kind": first.kind,
        "plural": first.plural,
        "singular": first.kind.lower(),
        "listKind": f"{first.kind}List",
    }
    open_schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": f"{DEFINITION_GROUP}/v1", "kind": DEFINITION,
        "metadata": {"name": name, "annotations": {FROM_DATA: first.source}},
        "spec": {
            "group": first.group, "names": names, "scope": "Namespaced" if first.namespaced else "Cluster",
            "versions": [
                {
                    "name": one.version, "served": True, "storage": one is versions[-1], "schema": open_schema,
                    "subresources": {"status": {}},
                }
                for one in versions
            ],
        },
    }  # fmt: skip
