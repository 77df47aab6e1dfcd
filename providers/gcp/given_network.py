"""Questions about a network that is there already, and about what the owner of a shared VPC has let in."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from components.errors import Problem
from providers.gcp.balancer.plan import CHECKERS
from providers.gcp.network.fabrics import RANGE
from providers.gcp.network.given import AGENT_ROLE, NETWORK_ROLE, PATH
from providers.gcp.network.plan import KEPT
from providers.gcp.plan import GcpPlan
from providers.gcp.session import Google, GoogleError
from providers.gcp.types import GivenVpc

_PEERING = "servicenetworking-googleapis-com"
"""Peering that Private Service Access makes (VPC, "Configure private services access")."""
_LUSTRE_PORT = 988


def given_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """All that the network and its subnet show."""
    there = plan.network.existing
    if there is None:
        return
    if there.is_shared and (problem := _unattached(plan, there, google)):
        yield problem
        return
    try:
        subnet = google.get("compute", _subnet_path(plan, there))
        network = google.get("compute", f"projects/{there.project}/global/networks/{there.network}")
    except GoogleError as error:
        if not error.is_absent:
            raise
        message = f"{there.network}/{there.subnet} is not in {plan.region} of {there.project} ({error}); name one that"
        yield Problem(path=f"{PATH}.subnet", message=f"{message} is")
        return
    yield from _subnet_problems(plan, there, subnet)
    yield from _range_problems(plan, there, subnet)
    yield from _service_problems(plan, there, network)


def _subnet_path(plan: GcpPlan, there: GivenVpc) -> str:
    return f"projects/{there.project}/regions/{plan.region}/subnetworks/{there.subnet}"


def _unattached(plan: GcpPlan, there: GivenVpc, google: Google) -> Problem | None:
    host = str(google.get("compute", f"projects/{plan.project}/getXpnHost").get("name", ""))
    if host == there.project:
        return None
    what = f"{plan.project} is a service project of {host or 'no shared VPC'}, and not of {there.project}"
    remedy = f"`gcloud compute shared-vpc associated-projects add {plan.project} --host-project={there.project}`"
    return Problem(path=f"{PATH}.project", message=f"{what}; its owner runs {remedy}, or name that network's project")


def _subnet_problems(plan: GcpPlan, there: GivenVpc, subnet: Mapping[str, Any]) -> Iterator[Problem]:
    if not str(subnet.get("network", "")).endswith(f"/networks/{there.network}"):
        message = f"{there.subnet!r} is in another network than {there.network}; correct one of them"
        yield Problem(path=f"{PATH}.subnet", message=message)
    if not subnet.get("privateIpGoogleAccess"):
        message = f"{there.subnet!r} has no Private Google Access, and private nodes reach neither registry nor logs; "
        yield Problem(path=f"{PATH}.subnet", message=f"{message}switch it on there")
    fabrics = [vpc for vpc in plan.network.fabrics if any(one.cidr for one in vpc.subnets)]
    taken = [str(subnet.get("ipCidrRange", "")), *_ranges(subnet).values()]
    for cidr in taken if fabrics else ():
        if cidr and IPv4Network(cidr).overlaps(RANGE):
            message = (
                f"{cidr} of {there.subnet!r} overlaps {RANGE}, where the networks of the fabric are, and ranges of one "
                "machine's interfaces must not; name another subnet, or waive the fabric of the pools"
            )
            yield Problem(path=f"{PATH}.subnet", message=message)


def _ranges(subnet: Mapping[str, Any]) -> Mapping[str, str]:
    return {one["rangeName"]: str(one.get("ipCidrRange", "")) for one in subnet.get("secondaryIpRanges", ())}


def _range_problems(plan: GcpPlan, there: GivenVpc, subnet: Mapping[str, Any]) -> Iterator[Problem]:
    """Ranges that are not there, or do not hold the pools at their largest. Others in them are not counted."""
    ranges = _ranges(subnet)
    for key, name in (("podsRange", there.pods_range), ("servicesRange", there.services_range)):
        if name not in ranges:
            known = ", ".join(ranges) or "none"
            message = f"{name!r} is no secondary range of {there.subnet}, which has {known}; name one, or add it there"
            yield Problem(path=f"{PATH}.{key}", message=message)
    needed, nodes = plan.network.pod_addresses, plan.network.nodes.needed or 0
    pods, whole = ranges.get(there.pods_range, ""), str(subnet.get("ipCidrRange", ""))
    if pods and IPv4Network(pods).num_addresses < needed:
        message = (
            f"{pods} has {IPv4Network(pods).num_addresses:,} addresses, and nodes take {needed:,} for their pods; "
        )
        yield Problem(path=f"{PATH}.podsRange", message=f"{message}name a wider range, or make pools smaller")
    if whole and IPv4Network(whole).num_addresses - KEPT < nodes:
        message = f"{whole} holds {IPv4Network(whole).num_addresses - KEPT:,} nodes, and pools have {nodes:,}; name "
        yield Problem(path=f"{PATH}.subnet", message=f"{message}a wider subnet, or make pools smaller")


def _service_problems(plan: GcpPlan, there: GivenVpc, network: Mapping[str, Any]) -> Iterator[Problem]:
    """Private Service Access that the stack file says is there, and that its file systems need."""
    stores = plan.storage
    filestore = stores.shared_file_system
    if stores.file_system is None and (filestore is None or filestore.connect_mode != "PRIVATE_SERVICE_ACCESS"):
        return
    peered = [one for one in network.get("peerings", ()) if one.get("name") == _PEERING]
    if not any(one.get("state", "ACTIVE") == "ACTIVE" for one in peered):
        message = (
            f"true, and {there.network} has no peering {_PEERING}; its owner runs `gcloud services vpc-peerings "
            f"connect --service=servicenetworking.googleapis.com --network={there.network} --ranges=RANGE "
            f"--project={there.project}` with a /20 at least"
        )
        yield Problem(path=f"{PATH}.privateServices", message=message)


def way_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Ways in and out that are not seen. They may be there in another form, so that nothing stops."""
    there = plan.network.existing
    if there is None:
        return
    routers = google.pages("compute", f"projects/{there.project}/regions/{plan.region}/routers", "items")
    ours = [one for one in routers if str(one.get("network", "")).endswith(f"/networks/{there.network}")]
    if not any(one.get("nats") for one in ours):
        message = (
            f"{there.network} has no Cloud NAT in {plan.region}: nodes pull nothing from registries beside Google's "
            "own; add one, or go on where something else leads out"
        )
        yield Problem(path=f"{PATH}.network", message=message, stops=False)
    group, lustre = plan.front.group, plan.storage.file_system
    if group is None and lustre is None:
        return
    rules = list(google.pages("compute", f"projects/{there.project}/global/firewalls", "items"))
    if group and not any(_lets_in(rule, there, group.port) for rule in rules):
        message = (
            f"no rule of {there.network}'s firewall lets tcp {group.port} in, by which a balancer over regions comes "
            f"from {' and '.join(CHECKERS)}; add one for these ranges, or go on where a firewall policy does"
        )
        yield Problem(path=f"{PATH}.network", message=message, stops=False)
    if lustre and not any(_lets_in(rule, there, _LUSTRE_PORT) for rule in rules):
        message = (
            f"no rule of {there.network}'s firewall lets tcp {_LUSTRE_PORT} in, by which servers of Managed Lustre "
            "speak to nodes; add one, or go on where a firewall policy does"
        )
        yield Problem(path=f"{PATH}.network", message=message, stops=False)


def _lets_in(rule: Mapping[str, Any], there: GivenVpc, port: int) -> bool:
    if not str(rule.get("network", "")).endswith(f"/networks/{there.network}"):
        return False
    return rule.get("direction", "INGRESS") == "INGRESS" and any(
        _covers(allowed, port) for allowed in rule.get("allowed", ())
    )


def _covers(allowed: Mapping[str, Any], port: int) -> bool:
    if allowed.get("IPProtocol") not in ("tcp", "all", "6"):
        return False
    spans = [one.partition("-") for one in allowed.get("ports", ())]
    return not spans or any(int(first) <= port <= int(last or first) for first, _, last in spans)


def agent_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Roles that are not seen. They may come from a folder, or in a role of the owner's own, so that nothing stops."""
    there = plan.network.existing
    if there is None or not there.is_shared:
        return
    number = google.get("resource_manager", f"projects/{plan.project}").get("projectNumber", "")
    agent = f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com"
    apis = f"serviceAccount:{number}@cloudservices.gserviceaccount.com"
    whole = google.post("resource_manager", f"projects/{there.project}:getIamPolicy", {})
    own = google.get("compute", f"{_subnet_path(plan, there)}/getIamPolicy")
    on_subnet = f"compute networks subnets add-iam-policy-binding {there.subnet} --region={plan.region}"
    on_subnet = f"{on_subnet} --project={there.project}"
    wanted = (
        (agent, AGENT_ROLE, [whole], f"projects add-iam-policy-binding {there.project}"),
        (agent, NETWORK_ROLE, [whole, own], on_subnet),
        (apis, NETWORK_ROLE, [whole, own], on_subnet),
    )
    for who, role, policies, command in wanted:
        if not any(_gives(policy, role, who) for policy in policies):
            message = (
                f"{who.partition(':')[2]} has no {role} there, as far as is seen; its owner runs `gcloud {command} "
            )
            yield Problem(path=f"{PATH}.project", message=f"{message}--member={who} --role={role}`", stops=False)


def _gives(policy: Mapping[str, Any], role: str, member: str) -> bool:
    return any(one.get("role") == role and member in one.get("members", ()) for one in policy.get("bindings", ()))
