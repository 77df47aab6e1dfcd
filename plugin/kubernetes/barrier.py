"""Definitions and webhooks of a set that are not ready yet, as the API server itself finds them.

A webhook stands inside the cluster, where nothing outside can reach it. But the API server can: an object that is only
tried out (a dry run) goes through the webhooks of its kind, and the answer tells whether they were reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.kubernetes.api import ApiError, KubernetesApi

DEFINITIONS = "apiextensions.k8s.io/v1"
NOT_REACHED = "failed calling webhook"
"""Words of the API server for a webhook that did not answer; one that refuses is quoted instead."""

PROBE_NAME = "penstock-ready"
Object = Mapping[str, Any]


def missing(api: KubernetesApi, crds: Sequence[str], webhooks: Sequence[str]) -> list[str]:
    """In words, what is not ready; nothing where all is."""
    found = {name: api.get(DEFINITIONS, "CustomResourceDefinition", name) for name in crds}
    waiting = [words for name, body in found.items() if (words := _definition(name, body))]
    waiting += [words for one in webhooks if (words := _endpoints(api, one))]
    if waiting:
        return waiting
    return [words for one in webhooks if (words := _answer(api, one))]


def _definition(name: str, body: Object | None) -> str:
    if body is None:
        return f"the definition {name}, which is not there"
    conditions = {one["type"]: one["status"] for one in (body.get("status") or {}).get("conditions") or ()}
    return "" if conditions.get("Established") == "True" else f"the definition {name}, which is not established"


def _endpoints(api: KubernetesApi, webhook: str) -> str:
    namespace, _, service = webhook.partition("/")
    selector = f"kubernetes.io/service-name={service}"
    slices = api.list("discovery.k8s.io/v1", "EndpointSlice", namespace, labels=selector)
    ends = [end for one in slices for end in one.get("endpoints") or ()]
    ready = [end for end in ends if end.get("conditions", {}).get("ready") is not False]
    return "" if ready else f"the webhook {webhook}, which has no ready pod"


def _answer(api: KubernetesApi, webhook: str) -> str:
    """Empty where one of the kinds that go through the webhook got an answer, or none of ours goes through it."""
    failed = ""
    for body in _samples(api, webhook):
        try:
            api.create(body, dry_run=True)
        except ApiError as error:
            if NOT_REACHED in str(error):
                failed = f"the webhook {webhook}, which does not answer ({error})"
                continue
        return ""
    return failed


def _samples(api: KubernetesApi, webhook: str) -> Iterator[Object]:
    """Small objects of the custom kinds that the API server sends to this webhook when they are made."""
    for plural, group in _resources(api, webhook):
        body = api.get(DEFINITIONS, "CustomResourceDefinition", f"{plural}.{group}")
        if body is not None:
            yield sample(body)


def _resources(api: KubernetesApi, webhook: str) -> list[tuple[str, str]]:
    namespace, _, service = webhook.partition("/")
    found: dict[tuple[str, str], None] = {}
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for configuration in api.list("admissionregistration.k8s.io/v1", kind):
            for one in configuration.get("webhooks") or ():
                where = one["clientConfig"].get("service") or {}
                if (where.get("namespace"), where.get("name")) == (namespace, service):
                    found |= dict.fromkeys(_created(one.get("rules") or ()))
    return list(found)


def _created(rules: Sequence[Object]) -> Iterator[tuple[str, str]]:
    """Kinds of an API group of their own whose making goes through the webhook."""
    for rule in rules:
        if not {"CREATE", "*"} & set(rule.get("operations") or ()):
            continue
        for group in rule.get("apiGroups") or ():
            for plural in rule.get("resources") or ():
                if "." in group and "/" not in plural and plural != "*":
                    yield plural, group


def sample(definition: Object) -> Object:
    """The least that the definition's schema takes: with it an object gets as far as its validating webhook.

    Rules between fields may still refuse it, after the mutating webhook has answered.
    """
    spec = definition["spec"]
    version = next(one for one in spec["versions"] if one["storage"])
    schema = version.get("schema", {}).get("openAPIV3Schema", {})
    body: dict[str, Any] = dict(_least(schema)) if schema else {}
    metadata = {"name": PROBE_NAME} | ({"namespace": "default"} if spec["scope"] == "Namespaced" else {})
    api_version = f"{spec['group']}/{version['name']}"
    return body | {"apiVersion": api_version, "kind": spec["names"]["kind"], "metadata": metadata}


def _least(schema: Object) -> Any:
    """The smallest value of the schema."""
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            known = schema.get("properties", {})
            return {name: _least(known.get(name, {})) for name in schema.get("required", ())}
        case "array":
            return [_least(schema.get("items", {}))] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return "x" * max(1, schema.get("minLength", 1))
