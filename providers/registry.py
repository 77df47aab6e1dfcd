"""Registry of the clouds. Imports no cloud: penstock's plugin reads it in a process that must start at once."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from components.plan.stack import StackPlan
    from components.provider import ApiOperations, CloudOperations, GroupOperations
    from components.registry import ImageRegistry

MODULES = {
    "aws": "providers.aws",
    "azure": "providers.azure",
    "existing": "providers.existing",
    "gcp": "providers.gcp",
    "local": "providers.local",
}
"""By its name in a stack file, the package that implements a cloud (`CloudProvider`). One more line is one more cloud.

A cloud is imported when a stack is on it, and no other cloud's SDK with it.
"""


def operations(cloud: str) -> "CloudOperations":
    """The operations of that cloud."""
    return cast("CloudOperations", import_module(f"{MODULES[cloud]}.operations"))


def api_operations(cloud: str) -> "ApiOperations":
    """The operations on the APIs of that cloud's projects."""
    return cast("ApiOperations", import_module(f"{MODULES[cloud]}.operations"))


def group_operations(cloud: str) -> "GroupOperations":
    """The operations on groups of endpoints, of a cloud whose controllers make such."""
    return cast("GroupOperations", import_module(f"{MODULES[cloud]}.operations"))


def open_registry(plan: "StackPlan") -> "ImageRegistry":
    """The stack's own registry, of a cloud whose catalog says that it keeps one."""
    module = import_module(f"{MODULES[plan.cluster.cloud]}.images.registry")
    return cast("ImageRegistry", module.open_registry(plan))
