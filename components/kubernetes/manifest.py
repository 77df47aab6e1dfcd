"""A plain manifest as a resource of the engine."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.plan.kubernetes import Manifest


def apply_manifest(
    name: str, manifest: Manifest, opts: pulumi.ResourceOptions, **over: pulumi.Input[Any]
) -> pulumi.CustomResource:
    """The object as the Kubernetes provider's resource of its kind; `over` sets top-level fields that are outputs.

    The SDK's own class for custom resources takes a `spec` alone, and its typed classes know core kinds only.
    """
    known: Mapping[str, Any] = {**manifest, **over}
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
