"""Settings of a balancer over regions: the names and ranges that it answers, and the groups of endpoints behind it."""

from typing import Annotated

from pydantic import Field

from components.spec.base import Name, NetworkRange, Spec, form

Host = Annotated[
    str,
    Field(
        max_length=253,
        pattern=form(
            r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])$",
            "a host name of yours, such as llm.example.com, without a scheme, a port or a wildcard",
        ),
    ),
]
GroupPath = Annotated[
    str,
    Field(
        pattern=form(
            r"^projects/[a-z][-a-z0-9]{4,28}[a-z0-9]/zones/[a-z]+-[a-z]+\d+-[a-z]/networkEndpointGroups/"
            r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
            "the output endpointGroup of a stack: projects/PROJECT/zones/ZONE/networkEndpointGroups/NAME",
        )
    ),
]


class BehindSpec(Spec):
    """A stack's service behind the balancer."""

    group: GroupPath
    """Path of its endpoints, which that stack tells as its output `endpointGroup`."""
    capacity: float = Field(default=1.0, ge=0, le=1)
    """Share of `requestsPerSecond` that it takes: 0 lets it run empty, else 0.1 to 1."""
    requests_per_second: int = Field(default=100, ge=1, le=100_000)
    """Requests a second from which on other regions take what comes more; where all are full, they go over it."""


class GlobalBalancerSpec(Spec):
    """One public address over the services of several stacks: HTTPS, for named ranges."""

    name: Name
    """Name of the balancer: lower-case letters, digits and dashes."""
    hosts: Annotated[tuple[Host, ...], Field(min_length=1, max_length=50)]
    """Host names that it answers, each with a certificate of Google's; every other is answered 404."""
    source_ranges: Annotated[tuple[NetworkRange, ...], Field(min_length=1, max_length=100)]
    """IPv4 ranges that may come, such as [203.0.113.0/24]; everybody else is answered 403. Requests carry no key."""
    endpoint_groups: Annotated[tuple[BehindSpec, ...], Field(min_length=1, max_length=50)]
    """The services behind it, one for each stack."""
