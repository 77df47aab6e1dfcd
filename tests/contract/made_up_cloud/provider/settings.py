"""The key `penstock:madeup` of a stack file."""

from pydantic import Field

from components.spec.base import Spec


class MadeUpSpec(Spec):
    """Settings that only this cloud has."""

    cidr: str = Field(default="10.0.0.0/16", pattern=r"^[\d.]+/\d+$")
    """Range of addresses of the network."""
