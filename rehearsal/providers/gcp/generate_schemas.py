"""Writes schemas.json.gz: the requests of Google's APIs that a rehearsal judges, from Google's own descriptions.

    python -m rehearsal.providers.gcp.generate_schemas

Needs google-api-python-client (its discovery documents, 100 MB of which these are a part) and google-cloud-lustre, as
Managed Lustre has no document there; neither is needed to read what this writes. Descriptions are left out, but for
what they say of a member: that it is required, or the service's own to fill in.
"""

import gzip
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("schemas.json.gz")
METHODS: Mapping[str, tuple[str, ...]] = {
    "compute.v1": (
        *(
            f"compute.{collection}.{verb}"
            for collection in (
                "networks", "subnetworks", "routers", "firewalls", "addresses", "globalAddresses", "resourcePolicies",
                "networkFirewallPolicies", "regionNetworkFirewallPolicies", "backendServices", "healthChecks",
                "urlMaps", "targetHttpsProxies", "targetHttpProxies", "globalForwardingRules", "networkEndpointGroups",
                "securityPolicies", "sslCertificates", "sslPolicies", "instanceTemplates", "reservations",
                "futureReservations",
            )
            for verb in ("insert", "patch", "delete")
        ),
    ),
    "container.v1beta1": (
        "container.projects.locations.clusters.create", "container.projects.locations.clusters.update",
        "container.projects.locations.clusters.delete", "container.projects.locations.clusters.setResourceLabels",
        "container.projects.locations.clusters.setMaintenancePolicy",
        "container.projects.locations.clusters.nodePools.create",
        "container.projects.locations.clusters.nodePools.update",
        "container.projects.locations.clusters.nodePools.delete",
        "container.projects.locations.clusters.nodePools.setSize",
        "container.projects.locations.clusters.nodePools.setAutoscaling",
        "container.projects.locations.clusters.nodePools.setManagement",
    ),
    "iam.v1": (
        "iam.projects.serviceAccounts.create", "iam.projects.serviceAccounts.patch",
        "iam.projects.serviceAccounts.delete", "iam.projects.serviceAccounts.setIamPolicy",
    ),
    "cloudresourcemanager.v1": ("cloudresourcemanager.projects.setIamPolicy",),
    "serviceusage.v1": ("serviceusage.services.enable", "serviceusage.services.disable"),
    "storage.v1": (
        "storage.buckets.insert", "storage.buckets.patch", "storage.buckets.delete", "storage.buckets.setIamPolicy",
    ),
    "artifactregistry.v1": tuple(
        f"artifactregistry.projects.locations.repositories.{verb}"
        for verb in ("create", "patch", "delete", "setIamPolicy")
    ),
    "file.v1": tuple(f"file.projects.locations.instances.{verb}" for verb in ("create", "patch", "delete")),
    "servicenetworking.v1": tuple(
        f"servicenetworking.services.connections.{verb}" for verb in ("create", "patch", "deleteConnection")
    ),
    "cloudkms.v1": (
        "cloudkms.projects.locations.keyRings.create", "cloudkms.projects.locations.keyRings.cryptoKeys.create",
        "cloudkms.projects.locations.keyRings.cryptoKeys.patch",
        "cloudkms.projects.locations.keyRings.cryptoKeys.setIamPolicy",
    ),
    "aiplatform.v1": (
        "aiplatform.projects.locations.deploy", "aiplatform.projects.locations.endpoints.undeployModel",
        "aiplatform.projects.locations.endpoints.delete", "aiplatform.projects.locations.models.delete",
    ),
    "certificatemanager.v1": tuple(
        f"certificatemanager.projects.locations.{collection}.{verb}"
        for collection in (
            "dnsAuthorizations", "certificates", "certificateMaps", "certificateMaps.certificateMapEntries",
        )
        for verb in ("create", "patch", "delete")
    ),
    "hypercomputecluster.v1": tuple(
        f"hypercomputecluster.projects.locations.clusters.{verb}" for verb in ("create", "patch", "delete")
    ),
}  # fmt: skip
KEPT = ("type", "format", "enum", "pattern", "$ref", "readOnly")
REQUIRED, OUTPUT = re.compile(r"Required\b"), re.compile(r"\[?Output[ -][Oo]nly\b")
LUSTRE = "lustre.v1"


def main() -> None:
    folder = Path(importlib.import_module("googleapiclient").__path__[0]) / "discovery_cache" / "documents"
    apis = {name: _api(json.loads((folder / f"{name}.json").read_text()), methods) for name, methods in METHODS.items()}
    apis[LUSTRE] = _lustre()
    content = {
        "source": f"google-api-python-client {version('google-api-python-client')}, "
        f"google-cloud-lustre {version('google-cloud-lustre')}",
        "apis": apis,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    DATA.write_bytes(gzip.compress(text, mtime=0))


def _api(document: Mapping[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    there = dict(_methods(document))
    methods = {name: _method(there[name]) for name in wanted if name in there}
    schemas: dict[str, Any] = {}
    for method in methods.values():
        _collect(document["schemas"], method["request"], schemas)
    return {"revision": document["revision"], "methods": methods, "schemas": schemas}


def _methods(place: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for method in place.get("methods", {}).values():
        yield method["id"], method
    for inner in place.get("resources", {}).values():
        yield from _methods(inner)


def _method(method: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        name: {key: one[key] for key in ("pattern", "enum", "required", "type") if key in one}
        for name, one in method.get("parameters", {}).items()
    }
    return {"parameters": parameters, "request": method.get("request", {}).get("$ref", "")}


def _collect(schemas: Mapping[str, Any], name: str, found: dict[str, Any]) -> None:
    if name and name not in found:
        found[name] = {}
        found[name] = _schema(schemas[name])
        for other in _references(schemas[name]):
            _collect(schemas, other, found)


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: schema[key] for key in KEPT if key in schema}
    said = schema.get("description", "")
    if OUTPUT.match(said):
        kept["readOnly"] = True
    if required := (schema.get("annotations") or {}).get("required"):
        kept["required"] = required
    elif REQUIRED.match(said):
        kept["required"] = ["*"]
    if "properties" in schema:
        kept["properties"] = {name: _schema(one) for name, one in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            kept[key] = _schema(schema[key])
    return kept


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for part in schema.values():
            yield from _references(part)


def _lustre() -> dict[str, Any]:
    """The same of Managed Lustre, from the types of Google's client."""
    types: Any = importlib.import_module("google.cloud.lustre_v1").types
    schemas: dict[str, Any] = {}
    _message(types.Instance.pb(types.Instance()).DESCRIPTOR, schemas)
    name = {"required": True, "pattern": "^projects/[^/]+/locations/[^/]+/instances/[^/]+$", "type": "string"}
    parent = {"required": True, "pattern": "^projects/[^/]+/locations/[^/]+$", "type": "string"}
    instance_id = {"required": True, "pattern": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", "type": "string"}
    of = "lustre.projects.locations.instances"
    methods = {
        f"{of}.create": {"parameters": {"parent": parent, "instanceId": instance_id}, "request": "Instance"},
        f"{of}.patch": {"parameters": {"name": name, "updateMask": {"type": "string"}}, "request": "Instance"},
        f"{of}.delete": {"parameters": {"name": name, "force": {"type": "boolean"}}, "request": ""},
    }
    return {"revision": version("google-cloud-lustre"), "methods": methods, "schemas": schemas}


def _message(descriptor: Any, schemas: dict[str, Any]) -> None:
    if descriptor.name in schemas:
        return
    schemas[descriptor.name] = {"type": "object"}
    properties = {field.json_name: _field(field, schemas) for field in descriptor.fields}
    schemas[descriptor.name]["properties"] = properties


def _field(field: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if field.message_type and field.message_type.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    one = _single(field, schemas)
    return {"type": "array", "items": one} if field.is_repeated else one


def _single(field: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if field.enum_type:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if field.message_type:
        if field.message_type.full_name.startswith("google.protobuf."):
            return {"type": "string"}
        _message(field.message_type, schemas)
        return {"$ref": field.message_type.name}
    kinds = {field.TYPE_BOOL: "boolean", field.TYPE_INT32: "integer", field.TYPE_DOUBLE: "number"}
    whole = {"format": "int64"} if field.type == field.TYPE_INT64 else {}
    return {"type": kinds.get(field.type, "string"), **whole}


if __name__ == "__main__":
    main()
