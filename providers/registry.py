"""Registry of the clouds. Imports no cloud: penstock's plugin reads it in a process that must start at once."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from components.provider import CloudOperations

MODULES = {"aws": "providers.aws", "existing": "providers.existing", "local": "providers.local"}
"""By its name in a stack file, the package that implements a cloud (`CloudProvider`). One more line is one more cloud.

A cloud is imported when a stack is on it, and no other cloud's SDK with it.
"""


def operations(cloud: str) -> "CloudOperations":
    """The operations of that cloud."""
    return cast("CloudOperations", import_module(f"{MODULES[cloud]}.operations"))
