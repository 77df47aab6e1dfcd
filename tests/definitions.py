"""Objects against the definitions of their kinds: those of the simulated Kubernetes, core and custom."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from components.kubernetes.definitions import CustomKind, custom_kinds
from rehearsal.kubernetes.schemas import CoreKind, Schemas

SCHEMAS = Schemas("1.36")


@cache
def _kinds() -> Mapping[tuple[str, str], CoreKind | CustomKind]:
    return {**SCHEMAS.core_kinds, **custom_kinds()}


def judge(manifest: Mapping[str, Any]) -> None:
    """AssertionError with all that its definition does not allow, or where there is no definition."""
    name = str(manifest["apiVersion"]), str(manifest["kind"])
    assert name in _kinds(), f"{name}: no definition of it is in definitions.json.gz (generate_crds.py writes it)"
    assert SCHEMAS.problems(manifest, _kinds()[name]) == [], manifest["metadata"]["name"]
