"""A network that is there already, decided: what a stack needs of it, and what its owner has to do. Pure."""

from collections.abc import Iterator

from components.errors import Problem
from components.spec.stack import StackSpec
from providers.gcp.network.settings import GivenVpcSpec
from providers.gcp.settings import STAND_IN, GcpSpec
from providers.gcp.types import GcpNetworkPlan, GivenVpc

PATH = "cluster.network.existing"
AGENT_ROLE, NETWORK_ROLE = "roles/container.hostServiceAgentUser", "roles/compute.networkUser"
"""Of GKE's service agent in the host project, and of that and of Google's API service agent on the subnet (GKE, "Set up
clusters with Shared VPC")."""
_CONNECT = (
    "make it there (a /20 at least, `gcloud compute addresses create` for VPC_PEERING and `gcloud services "
    "vpc-peerings connect`) and set this to true"
)


def given_problems(spec: StackSpec, settings: GcpSpec) -> Iterator[Problem]:
    """Everything that the network as it is named would not do."""
    there = spec.existing_network
    if not isinstance(there, GivenVpcSpec):
        return
    if there.pods_range == there.services_range:
        message = f"{there.services_range!r} is the range of the pods too; name another secondary range of the subnet"
        yield Problem(path=f"{PATH}.servicesRange", message=message)
    if there.private_services:
        return
    if spec.storage.file_system:
        message = "is left out, and Managed Lustre is reached by Private Service Access of the network; "
        yield Problem(path=f"{PATH}.privateServices", message=f"{message}{_CONNECT}, or use storage.sharedFileSystem")
    elif spec.storage.shared_file_system and _is_shared(there, settings):
        message = (
            f"is left out, and in the shared VPC of {there.project} Filestore is reached by Private Service Access"
        )
        yield Problem(path=f"{PATH}.privateServices", message=f"{message} alone; {_CONNECT}")


def given_vpc(there: GivenVpcSpec, settings: GcpSpec) -> GivenVpc:
    """The network of a choice without problems."""
    return GivenVpc(
        project=there.project or settings.project or "",
        is_shared=_is_shared(there, settings),
        network=there.network,
        subnet=there.subnet,
        pods_range=there.pods_range,
        services_range=there.services_range,
    )


def given_warnings(plan: GcpNetworkPlan) -> Iterator[str]:
    """Tasks of the owner of a shared VPC, which nobody of the stack's project may do."""
    there = plan.existing
    if there is None or not there.is_shared:
        return
    yield (
        f"{PATH}.project: the owner of {there.project} attaches the stack's project and lets Google's agents in: "
        f"{AGENT_ROLE} in the project for GKE's, {NETWORK_ROLE} on the subnet for GKE's and for that of Google's APIs"
    )
    yield (
        f"{PATH}.project: GKE opens ports for load balancers in {there.project} only where its agent has "
        "roles/compute.securityAdmin there; without, its owner makes the rules that an event of the Service names"
    )


def _is_shared(there: GivenVpcSpec, settings: GcpSpec) -> bool:
    return there.project is not None and settings.project not in (there.project, STAND_IN)
