"""A network of AWS that is there already: the form of `cluster.network.existing` in a stack file."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from components.spec.base import Spec, form
from components.spec.explain import shown

VpcId = Annotated[
    str, Field(pattern=form(r"^vpc-[0-9a-f]{8}([0-9a-f]{9})?$", "the id of a VPC, such as vpc-0a1b2c3d4e5f60718"))
]
SubnetId = Annotated[
    str,
    Field(pattern=form(r"^subnet-[0-9a-f]{8}([0-9a-f]{9})?$", "the id of a subnet, such as subnet-0a1b2c3d4e5f60718")),
]
GroupId = Annotated[
    str,
    Field(pattern=form(r"^sg-[0-9a-f]{8}([0-9a-f]{9})?$", "the id of a security group, such as sg-0a1b2c3d4e5f60718")),
]


def _one_or_several(value: Any) -> Any:
    """`subnet-...` means a list of it alone."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _by_zone(value: Any) -> Any:
    """Refuses subnets that are not given by zone."""
    if isinstance(value, dict):
        return value
    given = value if isinstance(value, list) else [value]
    zoned = ", ".join(f"ZONE: {one}" for one in given if isinstance(one, str)) or "ZONE: SUBNET"
    raise ValueError(f"{shown(value)} is not a mapping of zones to subnets; write {{{zoned}}}, with each one's zone")


Subnets = Annotated[
    tuple[SubnetId, ...],
    Field(min_length=1),
    BeforeValidator(_one_or_several, json_schema_input_type=SubnetId | tuple[SubnetId, ...]),
]


ByZone = Annotated[dict[str, SubnetId], BeforeValidator(_by_zone)]
SeveralByZone = Annotated[dict[str, Subnets], BeforeValidator(_by_zone)]


class ExistingSubnetsSpec(Spec):
    """Subnets by purpose and zone: `{use2-az1: subnet-..., use2-az2: subnet-...}`, or by the zones' names."""

    nodes: SeveralByZone = Field(min_length=1)
    """Subnets of nodes and pods, by zone: one, or a list. They need a way out, or AWS's endpoints."""
    control_plane: ByZone = Field(default_factory=dict)
    """Subnets of the control plane's own interfaces, by zone, two zones at least; when left out, those of the nodes."""
    storage: ByZone = Field(default_factory=dict)
    """Subnets of file systems, by zone; when left out, those of the nodes."""

    def zones(self) -> Iterator[tuple[str, str]]:
        """Purpose, as a stack file calls it, and zone of each."""
        for purpose, given in (("nodes", self.nodes), ("controlPlane", self.control_plane), ("storage", self.storage)):
            yield from ((purpose, zone) for zone in given)

    @model_validator(mode="after")
    def _one_zone_each(self) -> Self:
        apart: dict[str, dict[str, tuple[str, ...]]] = {
            "nodes": self.nodes,
            "controlPlane": {zone: (subnet,) for zone, subnet in self.control_plane.items()},
            "storage": {zone: (subnet,) for zone, subnet in self.storage.items()},
        }
        for purpose, given in apart.items():
            first: dict[str, str] = {}
            for zone, subnet in ((zone, subnet) for zone, subnets in given.items() for subnet in subnets):
                if subnet in first:
                    message = f"{subnet} is given for {first[subnet]} and again for {zone}; a subnet lies in one zone"
                    raise ValueError(f"{purpose}: {message}: give it once")
                first[subnet] = zone
        return self


class ExistingGroupsSpec(Spec):
    """Security groups that are there already. What is left out, the stack makes in that VPC."""

    nodes: GroupId | None = None
    """Group of every node, which lets all traffic of its own in and out by its own id; penstock adds no rule to it."""
    control_plane: GroupId | None = None
    """Further group of the control plane's interfaces; only with EKS."""


class ExistingNetworkSpec(Spec):
    """A VPC that is there already. The stack stands in it, and neither changes it nor takes anything of it down."""

    vpc: VpcId
    """Id of the VPC."""
    subnets: ExistingSubnetsSpec
    """Its subnets that the stack uses, by purpose and zone."""
    security_groups: ExistingGroupsSpec = ExistingGroupsSpec()
    """Security groups of nodes and control plane; when left out, the stack makes its own in that VPC."""
