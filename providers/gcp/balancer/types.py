"""Decided fronts of services: the group of endpoints that a stack has, and balancers over such groups."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointGroupPlan:
    """The stack's service as a group of endpoints: GKE makes it, and keeps the proxies' addresses in it."""

    name: str
    project: str
    zone: str
    """Zone of the nodes on which the proxies run."""
    port: int
    """Port of the proxies' pods."""

    @property
    def path(self) -> str:
        """The group's whole name, as a balancer takes it."""
        return f"projects/{self.project}/zones/{self.zone}/networkEndpointGroups/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindPlan:
    """A group behind a balancer."""

    group: str
    capacity: float
    requests_per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalBalancerPlan:
    """A global external Application Load Balancer with all that it is made of."""

    key: str
    """Its name in the stack file."""
    name: str
    """Name of each of its parts."""
    hosts: tuple[str, ...]
    source_ranges: tuple[tuple[str, ...], ...]
    """Ranges that may come, as many in each rule as one takes."""
    behind: tuple[BehindPlan, ...]
    health_path: str
    timeout_s: int
    """Longest time of an answer, streams included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPlan:
    """Front of the stack's services; mostly nothing."""

    group: EndpointGroupPlan | None
    balancers: tuple[GlobalBalancerPlan, ...]

    @classmethod
    def nothing(cls) -> "FrontPlan":
        """The plan of a stack that asks for none."""
        return cls(group=None, balancers=())
