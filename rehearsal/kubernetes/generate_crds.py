"""Writes definitions.json.gz: the structural schemas of the kinds that penstock renders, from upstream's definitions.

    python -m rehearsal.kubernetes.generate_crds FOLDER [NAME@VERSION=FOLDER ...]

Each FOLDER holds CustomResourceDefinitions in YAML; a later one takes the place of an earlier one's kinds. Descriptions
are left out, and what is a core type (a pod template within a job) becomes a reference to the core type.
"""

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from components.kubernetes.definitions import DATA, GROUPS_OF_CHARTS

KINDS = frozenset(
    {
        *("AdmissionCheck", "ClusterQueue", "Cohort", "LocalQueue", "ResourceFlavor", "Topology", "Workload"),
        *("WorkloadPriorityClass", "ProvisioningRequestConfig", "MultiKueueCluster", "MultiKueueConfig"),
        *("JobSet", "TrainJob", "TrainingRuntime", "ClusterTrainingRuntime", "MPIJob", "LeaderWorkerSet"),
        *("Job", "Queue", "PodGroup", "HyperNode", "RayCluster", "RayJob", "RayService", "RayCronJob"),
        *("Accounting", "Controller", "LoginSet", "NodeSet", "RestApi", "Token"),
        *("ClusterPolicy", "NVIDIADriver", "NicClusterPolicy", "ComputeDomain", "NodeFeatureRule", "NodeFeature"),
        *("EC2NodeClass", "NodeClaim", "NodePool", "ScaledObject", "ScaledJob", "TriggerAuthentication"),
        *("ClusterTriggerAuthentication", "PodMonitor", "PrometheusRule", "ServiceMonitor", "Prometheus"),
        *("Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant", "GRPCRoute", "BackendTLSPolicy", "EnvoyProxy"),
        *("Certificate", "ClusterIssuer", "Issuer", "CephCluster", "CephBlockPool", "CephFilesystem"),
        *("HostDeviceNetwork", "MacvlanNetwork", "IPoIBNetwork", "NetworkAttachmentDefinition"),
        *("BindRequest", "Config", "SchedulingShard", "Command", "Numatopology", "Alertmanager"),
    }
)
OTHERS = frozenset({("kubeflow.org", "v1")})  # MPIJob of the retired training operator
CORE = "io.k8s.api.core.v1."
# A schema that has these properties is the core type: the definitions spell it out, thousands of lines each time.
CORE_TYPES: Mapping[str, frozenset[str]] = {
    "PodSpec": frozenset({"containers", "initContainers", "volumes"}),
    "Container": frozenset({"image", "volumeMounts", "env"}),
    "Volume": frozenset({"configMap", "emptyDir", "hostPath"}),
    "Affinity": frozenset({"nodeAffinity", "podAffinity"}),
    "PersistentVolumeClaimSpec": frozenset({"accessModes", "storageClassName", "volumeName"}),
    "Toleration": frozenset({"tolerationSeconds", "operator", "effect"}),
    "EnvVar": frozenset({"name", "value", "valueFrom"}),
    "Probe": frozenset({"failureThreshold", "periodSeconds", "exec"}),
    "PodSecurityContext": frozenset({"fsGroup", "supplementalGroups"}),
    "SecurityContext": frozenset({"capabilities", "readOnlyRootFilesystem"}),
}
KEPT = frozenset(
    {
        *("type", "enum", "pattern", "format", "required", "nullable", "default", "minimum", "maximum", "minLength"),
        *("maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "oneOf", "anyOf", "allOf", "not"),
        *("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-list-type"),
        *("x-kubernetes-list-map-keys", "x-kubernetes-embedded-resource", "exclusiveMinimum", "exclusiveMaximum"),
    }
)


def main(places: list[str]) -> None:
    """Writes the data file and says what it holds."""
    groups = {group for groups in GROUPS_OF_CHARTS.values() for group in groups}
    kinds: dict[str, Any] = {}
    for place in places:
        label, _, folder = place.rpartition("=")
        for source, definition in _definitions(Path(folder), label):
            spec = definition["spec"]
            if spec["names"]["kind"] in KINDS and spec["group"] in groups:
                kinds |= dict(_kinds(source, definition))
    text = json.dumps({"kinds": dict(sorted(kinds.items()))}, separators=(",", ":"), sort_keys=True)
    DATA.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    sys.stdout.write(f"{len(kinds)} kinds, {len(text)} characters, {DATA.stat().st_size} bytes in {DATA.name}\n")


def _definitions(folder: Path, label: str) -> Iterator[tuple[str, Any]]:
    for file in sorted(folder.rglob("*.yaml")):
        text = file.read_text()
        first = text.partition("\n")[0]
        source = label or (first.removeprefix("# ").partition(" (")[0] if first.startswith("# ") else file.name)
        for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(document, dict) and "names" in (document.get("spec") or {}):
                yield source, document


def _kinds(source: str, definition: Any) -> Iterator[tuple[str, Any]]:
    spec = definition["spec"]
    for version in spec["versions"]:
        if not version.get("served", True) or (spec["group"], version["name"]) in OTHERS:
            continue
        schema = version["schema"]["openAPIV3Schema"]
        yield (
            f"{spec['group']}/{version['name']}/{spec['names']['kind']}",
            {
                "source": source,
                "plural": spec["names"]["plural"],
                "namespaced": spec["scope"] == "Namespaced",
                "storage": bool(version.get("storage")),
                "status": "status" in (version.get("subresources") or {}),
                "schema": _top(schema),
            },
        )


def _top(schema: Any) -> Any:
    """The schema without what every object has, and with the status left open: controllers write it."""
    kept = _compact(schema)
    properties = kept.get("properties", {})
    for name in ("apiVersion", "kind", "metadata"):
        properties.pop(name, None)
    if "status" in properties:
        properties["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return kept


def _compact(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if core := _core_type(schema):
        return {"$core": CORE + core}
    kept = {key: value for key, value in schema.items() if key in KEPT}
    if "properties" in schema:
        kept["properties"] = {name: _compact(part) for name, part in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            kept[key] = _compact(schema[key])
    return kept


def _core_type(schema: Mapping[str, Any]) -> str:
    properties = schema.get("properties") or {}
    if set(properties) == {"metadata", "spec"} and "containers" in (properties["spec"].get("properties") or {}):
        return "PodTemplateSpec"
    return next((name for name, marks in CORE_TYPES.items() if marks <= set(properties)), "")


if __name__ == "__main__":
    main(sys.argv[1:])
