"""Judging manifests: built-in kinds by kubernetes-validate, others by the schema of their definition, closed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it has no stubs
import pytest
import yaml

KUBERNETES = "1.36"
BUILT_IN = {
    *("v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1"),
    *("rbac.authorization.k8s.io/v1", "apiextensions.k8s.io/v1"),
}


def judge(manifest: Mapping[str, Any], crds: Path | None) -> bool:
    """Whether there was anybody to judge it; AssertionError or the judge's own for what is wrong with it."""
    if manifest["apiVersion"] in BUILT_IN:
        kubernetes_validate.validate(dict(manifest), KUBERNETES, strict=True)
        return True
    group = manifest["apiVersion"].split("/")[0]
    schema = _schemas(crds, group).get((manifest["apiVersion"], manifest["kind"])) if crds else None
    if schema is None:
        return False
    # Without a check of the schema itself: patterns in it are of another dialect than Python's.
    jsonschema.Draft202012Validator(schema).validate(dict(manifest))
    return True


def crds_of(repository: Path) -> Path:
    """The definitions beside the checkout; without them the test is skipped."""
    folder = repository.parent / "shared" / "crds"
    if not folder.is_dir():
        pytest.skip("the upstream custom resource definitions are not beside this checkout (../shared/crds)")
    return folder


def _schemas(folder: Path, group: str) -> dict[tuple[str, str], Any]:
    return dict(_read(folder, group))


def _read(folder: Path, group: str) -> Iterator[tuple[tuple[str, str], Any]]:
    for file in sorted(folder.glob("*.yaml")):
        text = file.read_text()
        if f"group: {group}\n" not in text:
            continue
        for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if document and document.get("kind") == "CustomResourceDefinition":
                spec = document["spec"]
                for version in spec["versions"]:
                    schema = closed(version["schema"]["openAPIV3Schema"], top=True)
                    yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), schema


def closed(schema: Any, *, top: bool = False) -> Any:
    """The schema with every object closed that names its fields: what it does not know is a mistake."""
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed_part(key, value) for key, value in schema.items()}
    if top:
        made.setdefault("properties", {})["metadata"] = {"type": "object"}
    keeps = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-embedded-resource")
    if "properties" in made and "additionalProperties" not in made and not keeps:
        made["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return made


def _closed_part(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: closed(part) for name, part in value.items()}
    if key in ("items", "additionalProperties"):
        return closed(value)
    return value
