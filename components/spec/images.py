"""Images of the stack's own registry: the digests that they had when they were pushed."""

from typing import Annotated

from pydantic import Field

from components.spec.base import Spec, form

Digest = Annotated[
    str, Field(pattern=form(r"^sha256:[0-9a-f]{64}$", "a digest: sha256: and 64 digits and letters from a to f"))
]
Tag = Annotated[
    str,
    Field(pattern=form(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", "a tag of an image, such as 0.1.0-efa")),
]


class ImagesSpec(Spec):
    """Penstock's own images, as pods are to pull them."""

    digests: dict[Tag, Digest] = Field(default_factory=dict)
    """By tag, the digest that `penstock images push STACK` got for it and wrote here; one that is left out is pulled by
    its tag."""
