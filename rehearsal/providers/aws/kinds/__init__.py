"""The simulated resources, one module for each of AWS's services. A module lists its own in KINDS."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from rehearsal.cloud.kind import Kind


def kind_of(token: str) -> Kind | None:
    """The kind of this resource type, None where nobody wrote one."""
    return _kinds().get(token)


@cache
def _kinds() -> Mapping[str, Kind]:
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name not in ("kind", "parts")]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {kind.token: kind for module in modules for kind in getattr(module, "KINDS", ())}
