"""A plain manifest as a resource of the engine."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.images import STACK_REGISTRY
from components.plan.kubernetes import Manifest

Registry = pulumi.Output[str] | None
"""Address of the stack's own registry; None where the cloud keeps none."""


def resolved(value: Any, registry: Registry) -> Any:
    """Plain data with the registry's address in place of `stack.registry`; what does not name it stays plain."""
    match value:
        case str() if STACK_REGISTRY in value:
            assert registry is not None, "the plan refuses images of a registry that there is not"
            return registry.apply(lambda address: value.replace(STACK_REGISTRY, address))
        case Mapping():
            return {key: resolved(part, registry) for key, part in value.items()}
        case Sequence() if not isinstance(value, str):
            return [resolved(part, registry) for part in value]
        case _:
            return value


def apply_manifest(
    name: str,
    manifest: Manifest,
    opts: pulumi.ResourceOptions,
    *,
    registry: Registry = None,
    **over: pulumi.Input[Any],
) -> pulumi.CustomResource:
    """The object as the Kubernetes provider's resource of its kind; `over` sets top-level fields that are outputs.

    The SDK's own class for custom resources takes a `spec` alone, and its typed classes know core kinds only.
    """
    known: Mapping[str, Any] = resolved({**manifest, **over}, registry)
    return pulumi.CustomResource(_resource_token(manifest), name, dict(known), opts)


def _resource_token(manifest: Manifest) -> str:
    """`kubernetes:core/v1:ConfigMap`: the engine's name of the manifest's kind."""
    api_version: str = manifest["apiVersion"]
    return f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{manifest['kind']}"


def resource_name(prefix: str, manifest: Manifest) -> str:
    """The engine's name of one manifest among others: unique, as kind and name are within a namespace."""
    return f"{prefix}-{manifest['kind'].lower()}-{manifest['metadata']['name']}"


def place_name(prefix: str, manifest: Manifest) -> str:
    """The engine's name of the only manifest of its kind there, whatever that is called: another takes its place."""
    return f"{prefix}-{manifest['kind'].lower()}"
