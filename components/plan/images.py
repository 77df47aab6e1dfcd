"""Images that a stack pulls, decided: where each lies, and what brings it there."""

from dataclasses import dataclass

from components.images import STACK_REGISTRY, Architecture, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """An image, and the pool whose nodes pull it."""

    image: str
    pool: str
    asked_at: str
    """Place in the stack file that names it or leaves it out: `training.image`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Penstock's own, built from images/cuda."""

    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A public one, copied as it is."""

    source: str
    """Its name where it is published, with tag or digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The user's, who pushes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """One image that pods of a stack pull by its name."""

    registry: str
    """`stack.registry` for the stack's own."""
    repository: str
    tag: str = ""
    digest: str = ""
    """At least one of tag and digest is there."""
    architectures: tuple[Architecture, ...]
    """Processors of the nodes that pull it."""
    origin: Built | Copied | Given
    asked_at: str
    """Place in the stack file that names it or leaves it out: `training.image`."""

    @property
    def is_the_stacks(self) -> bool:
        """True if it lies in the stack's own registry."""
        return self.registry == STACK_REGISTRY

    @property
    def name(self) -> str:
        """Its repository with the tag, or else the digest."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"
