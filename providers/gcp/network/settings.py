"""A network of GCP that is there already: the form of `cluster.network.existing` in a stack file."""

from typing import Annotated

from pydantic import Field

from components.spec.base import Spec, form

ResourceName = Annotated[
    str,
    Field(
        pattern=form(
            r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
            "a name of Google's: lower-case letters, digits and dashes, a letter first, 63 characters at most",
        )
    ),
]
HostProject = Annotated[
    str,
    Field(
        pattern=form(r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$", "the id of a project, such as my-project, and not its number")
    ),
]


class GivenVpcSpec(Spec):
    """A VPC with a subnet for nodes and its ranges for pods and services; of the stack's project or a shared one."""

    project: HostProject | None = None
    """Project of the network, where it is shared; the stack's own when left out."""
    network: ResourceName
    """Name of the VPC."""
    subnet: ResourceName
    """Subnet of the nodes, in the stack's region, with Private Google Access."""
    pods_range: ResourceName
    """Name of the subnet's secondary range for pods."""
    services_range: ResourceName
    """Name of the subnet's secondary range for services."""
    private_services: bool = False
    """True where the network has Private Service Access, which Managed Lustre needs."""
