"""A network that stands in the simulated project before the stack, or in the host project of a shared VPC, as the
stack's file names it; and the reservations that it names.

Made of what a platform team usually has: a subnet with ranges for pods and services, Cloud NAT, Private Service Access,
a rule for Lustre, and in a host project the roles of Google's agents (GKE, "Set up clusters with Shared VPC"; Managed
Lustre, "Configure a VPC network"). A fault script may have any of it otherwise (`existing:`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import Outputs
from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.gcp.kinds.parts import number
from rehearsal.providers.gcp.names import (
    ENDPOINT_GROUP,
    FIREWALL,
    MEMBER,
    NETWORK,
    RESERVATION,
    ROUTER_NAT,
    SUBNETWORK,
    last,
)

Find = Callable[[str, str], Outputs | None]
ATTACHED = "gcp:compute/sharedVPCServiceProject:SharedVPCServiceProject"
ON_SUBNET = "gcp:compute/subnetworkIAMMember:SubnetworkIAMMember"
AGENT_ROLE, NETWORK_ROLE = "roles/container.hostServiceAgentUser", "roles/compute.networkUser"
PEERING = "servicenetworking-googleapis-com"


def standing(config: Mapping[str, Any], own: str) -> Iterator[StandingThing]:
    """The network under `cluster.network.existing` of the stack file, and the reservations of its pools; nothing where
    it names none. `own`: the project of the stack.
    """
    yield from _groups(config)
    given: Any = config.get("penstock:cluster")
    yield from _held(given.get("nodePools") or () if isinstance(given, Mapping) else ())
    region = str(given.get("region", "")) if isinstance(given, Mapping) else ""
    for key in ("network", "existing"):
        given = given.get(key) if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not given.get("network"):
        return
    host, name = str(given.get("project") or own), str(given["network"])
    network = f"projects/{host}/global/networks/{name}"
    subnet = f"projects/{host}/regions/{region}/subnetworks/{given['subnet']}"
    yield StandingThing(
        token=NETWORK, id=network, inputs={"name": name, "project": host, "mtu": 8896, "peerings": [_peering()]}
    )
    ranges = ((str(given["podsRange"]), "10.132.0.0/14"), (str(given["servicesRange"]), "10.136.0.0/20"))
    yield StandingThing(
        token=SUBNETWORK, id=subnet, outputs={"region": region},
        inputs={
            "name": given["subnet"], "project": host, "network": network, "ipCidrRange": "10.128.0.0/20",
            "privateIpGoogleAccess": True,
            "secondaryIpRanges": [{"rangeName": one, "ipCidrRange": cidr} for one, cidr in ranges],
        },
    )  # fmt: skip
    yield StandingThing(
        token=ROUTER_NAT, id=f"{host}/{region}/{name}/{name}", outputs={"region": region},
        inputs={"name": name, "project": host, "network": network, "router": name},
    )  # fmt: skip
    allowed = [{"IPProtocol": "tcp", "ports": ["988", "6988"]}]
    yield StandingThing(
        token=FIREWALL, id=f"projects/{host}/global/firewalls/{name}-lustre",
        inputs={"name": f"{name}-lustre", "network": network, "direction": "INGRESS", "allowed": allowed},
    )  # fmt: skip
    if host != own:
        yield from _shared(host, own, subnet)


def _groups(config: Mapping[str, Any]) -> Iterator[StandingThing]:
    """Groups of endpoints of other stacks, which the file's balancers name: all but those in the stack's own region,
    where its own service is one."""
    cluster, gcp, inference = (config.get(f"penstock:{key}") or {} for key in ("cluster", "gcp", "inference"))
    if not all(isinstance(one, Mapping) for one in (cluster, gcp, inference)):
        return
    entry = (inference.get("route") or {}).get("loadBalancer")
    own = f"/zones/{cluster.get('region')}-" if entry in ("endpointGroup", {"endpointGroup": {}}) else "none"
    for balancer in gcp.get("globalBalancers") or ():
        for one in balancer.get("endpointGroups") or ():
            path = str(one.get("group"))
            if own not in path:
                yield StandingThing(token=ENDPOINT_GROUP, id=path, inputs={"name": last(path)})


def _held(pools: Any) -> Iterator[StandingThing]:
    """Reservations by their zones, as Compute Engine has them."""
    for pool in pools:
        capacity = pool.get("capacity")
        for one in capacity.values() if isinstance(capacity, Mapping) else ():
            path, zone = (str(one.get(key, "")) for key in ("id", "zone")) if isinstance(one, Mapping) else ("", "")
            project, _, name = path.partition("/reservations/")
            if zone and name:
                named = f"{project}/zones/{zone}/reservations/{name.partition('/')[0]}"
                yield StandingThing(token=RESERVATION, id=named, inputs={"name": last(named), "zone": zone})


def _shared(host: str, own: str, subnet: str) -> Iterator[StandingThing]:
    yield StandingThing(token=ATTACHED, id=f"{host}/{own}", inputs={"hostProject": host, "serviceProject": own})
    agent, apis = agents(own)
    given = {"role": AGENT_ROLE, "member": agent, "project": host}
    yield StandingThing(token=MEMBER, id=f"{host}/{AGENT_ROLE}/{agent}", inputs=given)
    for member in (agent, apis):
        right = {"role": NETWORK_ROLE, "member": member, "subnetwork": subnet}
        yield StandingThing(token=ON_SUBNET, id=f"{subnet}/{NETWORK_ROLE}/{member}", inputs=right)


def agents(project: str) -> tuple[str, str]:
    """Members that are GKE's service agent of the project, and the agent of Google's APIs."""
    digits = number(project)[:12]
    agent = f"serviceAccount:service-{digits}@container-engine-robot.iam.gserviceaccount.com"
    return agent, f"serviceAccount:{digits}@cloudservices.gserviceaccount.com"


def _peering() -> dict[str, str]:
    return {"name": PEERING, "state": "ACTIVE"}


def host_of(text: Any, own: str) -> str:
    """The project of a network or subnet by its whole name; the own one of a short name."""
    _, _, after = str(text).partition("projects/")
    return after.partition("/")[0] if after else own


def require_let_in(find: Find, own: str, subnet: Any) -> None:
    """Refuses (CloudApiError) a cluster in a subnet of another project that has not let the stack's in."""
    host = host_of(subnet, own)
    if host == own:
        return
    place = f"projects/{str(subnet).partition('projects/')[2]}"
    if find(SUBNETWORK, place) is None:
        return  # a preview, which knows of nothing
    attached = find(ATTACHED, f"{host}/{own}")
    if attached is None or attached.get("serviceProject") != own:
        raise CloudApiError("Error 400", f"The network project '{host}' is not the host project of '{own}', badRequest")
    agent, apis = agents(own)
    for member in (agent, apis):
        found = find(ON_SUBNET, f"{place}/{NETWORK_ROLE}/{member}")
        if found is None or found.get("role") != NETWORK_ROLE:
            message = f"Google Compute Engine: Required 'compute.subnetworks.use' permission for '{place}', forbidden"
            raise CloudApiError("Error 403", f"{member.partition(':')[2]}: {message}")
    found = find(MEMBER, f"{host}/{AGENT_ROLE}/{agent}")
    if found is None or found.get("role") != AGENT_ROLE:
        message = f"{agent.partition(':')[2]} lacks {AGENT_ROLE} in the host project '{host}', badRequest"
        raise CloudApiError("Error 400", message)


def require_peering(find: Find, network: Any, service: str) -> None:
    """Refuses (CloudApiError) a managed service in a network of others that has no Private Service Access."""
    stood = find(NETWORK, str(network).partition("/compute/v1/")[2] or str(network))
    if stood is not None and "peerings" in stood and not any(one["name"] == PEERING for one in stood["peerings"] or ()):
        message = f"{service}: the network '{last(network)}' has no private services connection, FAILED_PRECONDITION"
        raise CloudApiError("Error 400", message)
