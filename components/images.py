"""Images in the stack's own registry: their names in a plan, and penstock's own among them. Pure.

The registry's address is the cloud's to tell (on AWS it begins with the account's number), so a plan writes
`stack.registry` for it, and what builds the plan puts the address in its place. A stack file may write it too.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from importlib.metadata import version

from components.fabric import Collective, Fabric

STACK_REGISTRY = "stack.registry"
"""Host of the images in the stack's own registry, until its address is known."""
OWN_REPOSITORY = "penstock"
"""Repository of penstock's own images, below the stack's registry."""

_REFERENCE = re.compile(
    r"(?P<repository>[^@:]+(?::\d+(?=/)[^@:]*)?)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class Target(StrEnum):
    """Build target of images/cuda/Containerfile."""

    WORKLOADS = "workloads"
    EFA = "efa"
    RAY = "ray"
    EFA_RAY = "efa-ray"


class Architecture(StrEnum):
    """Processor of an image, by the name that registries have for it."""

    AMD64 = "amd64"
    ARM64 = "arm64"


def target_of(fabric: Fabric, *, ray: bool) -> Target:
    """Target whose libraries reach that fabric, with Ray where its operator starts the pods."""
    if fabric is Fabric.EFA:
        return Target.EFA_RAY if ray else Target.EFA
    return Target.RAY if ray else Target.WORKLOADS


def own_tag(target: Target, architecture: Architecture) -> str:
    """Tag of penstock's own image: its version and what it is built for."""
    suffix = "" if architecture is Architecture.AMD64 else f"-{architecture}"
    return f"{version('penstock')}-{target}{suffix}"


def own_image(
    fabric: Fabric, collective: Collective, architecture: Architecture, *, ray: bool, digests: Mapping[str, str]
) -> str:
    """Penstock's own image for the nodes of a pool, by digest where `digests` has one for its tag.

    Empty for Neuron, on which the workloads do not run.
    """
    if collective is Collective.NEURON:
        return ""
    tag = own_tag(target_of(fabric, ray=ray), architecture)
    return pinned(OWN_REPOSITORY, tag, digests)


def pinned(repository: str, tag: str, digests: Mapping[str, str]) -> str:
    """The image in the stack's registry as pods name it."""
    digest = digests.get(tag)
    return f"{STACK_REGISTRY}/{repository}" + (f"@{digest}" if digest else f":{tag}")


def is_stack_mirror(mirror: str | None) -> bool:
    """True for a mirror that is the stack's own registry, or a path of it."""
    return mirror is not None and mirror.partition("/")[0] == STACK_REGISTRY


def is_in_stack_registry(image: str) -> bool:
    return image.startswith(f"{STACK_REGISTRY}/")


def parts_of(image: str) -> tuple[str, str, str]:
    """Name with its registry, tag and digest of an image; tag and digest may be empty."""
    found = _REFERENCE.fullmatch(image)
    assert found is not None, image
    return found["repository"], found["tag"] or "", found["digest"] or ""
