"""The simulated resources, one module for each group of Azure's services. A module lists its own in TYPES."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from rehearsal.cloud.kind import ResourceKind
from rehearsal.providers.azure.arm import ArmType


def kind_of(token: str) -> ResourceKind | None:
    """The kind of this resource type, None for one that is not simulated."""
    return _kinds().get(token)


@cache
def types() -> Mapping[str, ArmType]:
    """Every type by its token."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {one.token: one for module in modules for one in getattr(module, "TYPES", ())}


@cache
def _kinds() -> Mapping[str, ResourceKind]:
    return {token: one.kind() for token, one in types().items()}
