"""Resource types of pulumi-kubernetes: which kind each one is."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

RELEASE = "kubernetes:helm.sh/v3:Release"
CHART = "kubernetes:helm.sh/v4:Chart"


@dataclass(frozen=True, slots=True)
class Token:
    """`kubernetes:apps/v1:Deployment`, read."""

    api_version: str
    kind: str
    is_patch: bool
    """One that manages some fields of an object which others made."""


def read_token(token: str) -> Token:
    """Reads the meaning of a type. `core/v1` is Kubernetes' `v1`."""
    _, api_version, kind = token.split(":", 2)
    is_patch = kind.endswith("Patch")
    return Token(api_version.removeprefix("core/"), kind.removesuffix("Patch") if is_patch else kind, is_patch)


@cache
def sdk_version() -> str:
    """The installed SDK's own version, which the engine expects of its provider."""
    spec = find_spec("pulumi_kubernetes")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pulumi-kubernetes is not installed in this Python; run `make setup`")
    content = json.loads((Path(spec.submodule_search_locations[0]) / "pulumi-plugin.json").read_text())
    return str(content["version"])
