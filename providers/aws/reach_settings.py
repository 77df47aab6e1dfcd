"""Ways to the API server of an EKS cluster, one of which a stack chooses."""

from pydantic import Field

from components.spec.base import NetworkRange, Spec
from components.spec.choice import Choice


class InsideSpec(Spec):
    """From `cluster.network.existing`, in which pulumi and kubectl run, or to which they are routed."""

    cidrs: tuple[NetworkRange, ...] = Field(min_length=1)
    """IPv4 ranges that pulumi and kubectl come from: of the network itself, a peered one, a VPN or an office. The API
    server's security group admits only the cluster itself without them."""


class SsmHostSpec(Spec):
    """A small host in the network, through which Session Manager forwards a port of this machine."""

    local_port: int | None = Field(default=None, ge=1024, le=65_535)
    """Port of 127.0.0.1 that leads to the API server; when left out, one by the name of the cluster's endpoint."""


class ReachSpec(Choice):
    """The way from where pulumi and kubectl run to the API server: exactly one of these."""

    public_cidrs: tuple[NetworkRange, ...] | None = Field(default=None, min_length=1)
    """IPv4 ranges that the API server's public endpoint answers."""
    inside: InsideSpec | None = None
    """From inside the existing network that `cluster.network.existing` gives: `{cidrs: [10.0.4.0/24]}`."""
    ssm_host: SsmHostSpec | None = None
    """From anywhere with AWS credentials, through a host without a public address: `{}`."""
