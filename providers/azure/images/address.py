"""Name and place of a stack's registry of Azure Container Registry, made before `up` and kept by `destroy`. Pure."""

import hashlib
import re

HOST = re.compile(r"(?P<name>[a-z0-9]{5,50})\.azurecr\.io")


def registry_name(subscription: str, stack: str) -> str:
    """A name that no other registry of the world has: letters and digits alone, 5 to 50 of them."""
    digest = hashlib.sha256(f"{subscription.lower()}/{stack}".encode()).hexdigest()
    return f"penstock{re.sub(r'[^a-z0-9]', '', stack.lower())[:24]}{digest[:10]}"


def registry_group(stack: str) -> str:
    """Resource group of the registry alone, so that nothing else takes it away."""
    return f"{stack}-images"


def address_of(name: str) -> str:
    """Host below which the stack's images are."""
    return f"{name}.azurecr.io"


def registry_id(subscription: str, group: str, name: str) -> str:
    """Id of the registry, which is known before it is there."""
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerRegistry/registries/{name}"
    )
