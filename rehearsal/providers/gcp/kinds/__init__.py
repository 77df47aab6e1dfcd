"""The simulated resources, one module for each of Google's services. A module lists its own in KINDS."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from rehearsal.cloud.kind import ResourceKind


def kind_of(token: str) -> ResourceKind | None:
    """The kind of this resource type, None for one that is not simulated."""
    return _kinds().get(token)


@cache
def _kinds() -> Mapping[str, ResourceKind]:
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {kind.token: kind for module in modules for kind in getattr(module, "KINDS", ())}
