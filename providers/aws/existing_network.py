"""A network that is there already, held against what the stack needs of it.

Sources: EKS User Guide, "Amazon EKS networking requirements for VPC and subnets" and "Deploy private clusters with
limited internet access"; EC2 User Guide, "Get started with EFA"; FSx for Lustre User Guide, "File system access control
with Amazon VPC".
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any

from components.errors import Problem, Problems
from components.fabric import Fabric
from components.labels import STACK
from providers.aws.control_plane.eks.types import EksPlan
from providers.aws.network.access_lists import ANSWERS, ranges, shut
from providers.aws.network.seen import PATH, Described, SeenNetwork, look_at
from providers.aws.network.types import AwsSubnetPlan, ExistingNetwork
from providers.aws.plan import AwsPlan
from providers.aws.regions import zone_of

EVERYWHERE = "0.0.0.0/0"
HTTPS, KUBELET, NFS = 443, 10_250, 2049
LUSTRE = (988, *range(1018, 1024))
INTERNAL, EXTERNAL = "kubernetes.io/role/internal-elb", "kubernetes.io/role/elb"


def existing_problems(plan: AwsPlan, ec2: Any) -> list[Problem]:
    """All that is otherwise than the stack file says, or than the stack needs; none where the stack makes its network.
    A question that is not answered is told, and stops nothing.
    """
    there = plan.network.existing
    if there is None:
        return []
    problems = Problems()
    seen = look_at(plan.network, there, ec2, problems)
    if seen.vpc is not None and not seen.vpc:
        message = (
            f"{there.vpc!r} is no VPC of this account in {plan.region}; copy its id from `aws ec2 describe-vpcs`, and "
            "look at the profile and the region"
        )
        return [Problem(path=f"{PATH}.vpc", message=message)]
    for judge in (_dns_problems, _subnet_problems, _address_problems, _way_out_problems, _access_list_problems):
        problems += judge(plan, there, seen)
    problems += [*_group_problems(plan, there, seen), *_default_group_problems(there, seen)]
    problems += [*_tag_problems(plan, there, seen), *_lustre_problems(plan, seen)]
    return problems


def _dns_problems(_plan: AwsPlan, there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    words = {"enableDnsSupport": "--enable-dns-support", "enableDnsHostnames": "--enable-dns-hostnames"}
    for attribute, on in (seen.dns or {}).items():
        if not on:
            what = f"{there.vpc} has {attribute} off, and without it nodes find neither the cluster nor file systems"
            remedy = f"its owner switches it on: `aws ec2 modify-vpc-attribute --vpc-id {there.vpc} {words[attribute]}`"
            yield Problem(path=f"{PATH}.vpc", message=f"{what}; {remedy}")


def _subnet_problems(plan: AwsPlan, there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    """Subnets that are not there, in another VPC, or in another zone than they are given for."""
    for subnet in plan.network.subnets if seen.subnets is not None else ():
        found, path = (seen.subnets or {}).get(subnet.id), _path(subnet)
        if found is None:
            listed = f"`aws ec2 describe-subnets --filters Name=vpc-id,Values={there.vpc}`"
            message = f"{subnet.id!r} is no subnet of this account in {plan.region}; copy its id from {listed}"
            yield Problem(path=path, message=message)
        elif found["VpcId"] != there.vpc:
            message = f"{subnet.id} is in {found['VpcId']}, not in {there.vpc}; name one of that VPC, or its VPC"
            yield Problem(path=path, message=message)
        elif (zone := zone_of(found, subnet.zone)) != subnet.zone:
            yield Problem(path=path, message=f"{subnet.id} is in {zone}; give it under {zone}")


def _address_problems(plan: AwsPlan, _there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    """Subnets with fewer free addresses than the stack needs of them; of several in a zone each holds its share. What
    the stack has itself is its own; where it is there already, a file system's may be counted amiss, so that nothing is
    stopped.
    """
    if seen.subnets is None or seen.interfaces is None:
        return
    for subnet in plan.network.subnets:
        if (found := seen.subnets.get(subnet.id)) is None:
            continue
        free = int(found["AvailableIpAddressCount"])
        mine = sum(_addresses(one) for one in seen.interfaces if one["SubnetId"] == subnet.id and _is_own(one, plan))
        if free + mine < subnet.needed:
            has = f"{free:,} free addresses" + (f" and {mine:,} of the stack's own" if mine else "")
            message = f"{subnet.id} has {has}, and the stack needs {subnet.needed:,} of it"
            remedy = "name a larger one, a further one in that zone, or make the pools smaller"
            yield Problem(path=_path(subnet), message=f"{message}; {remedy}", stops=not mine)


def _addresses(interface: Described) -> int:
    """Of one interface: single ones, and 16 of each prefix."""
    return len(interface.get("PrivateIpAddresses", ())) + 16 * len(interface.get("Ipv4Prefixes", ()))


def _is_own(interface: Described, plan: AwsPlan) -> bool:
    """By the stack's tag, that of the VPC CNI, or the description that EKS gives (EKS User Guide)."""
    tags = {tag["Key"]: tag["Value"] for tag in interface.get("TagSet", ())}
    stack = plan.tags[STACK]
    tagged = tags.get(STACK) == stack or tags.get("cluster.k8s.amazonaws.com/name") == plan.control_plane.name
    return tagged or interface.get("Description") == f"Amazon EKS {plan.control_plane.name}"


def _way_out_problems(plan: AwsPlan, there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    """Nodes' subnets from which no route leads out, and no endpoint stands in for it; those of one table together."""
    if seen.tables is None or seen.endpoints is None:
        return
    by_table: dict[str, list[AwsSubnetPlan]] = {}
    for subnet in plan.network.subnets_of_nodes:
        found, table = (seen.subnets or {}).get(subnet.id), _table_of(subnet.id, seen.tables)
        if found is not None and found["VpcId"] == there.vpc and table is not None:
            by_table.setdefault(table["RouteTableId"], []).append(subnet)
    for table in seen.tables:
        subnets = by_table.get(table["RouteTableId"], [])
        route = _default_route(table)
        if subnets and route is None:
            yield from _endpoint_problems(plan, there, subnets, table, seen.endpoints)
        elif route is not None and str(route.get("GatewayId", "")).startswith("igw-"):
            bare = [one for one in subnets if not _public(plan, one, (seen.subnets or {})[one.id])]
            if bare:
                message = (
                    f"{_ids(bare)}: the way out is {route['GatewayId']}, which takes public addresses alone;"
                    " nodes have none; name subnets that lead out by a NAT or transit gateway"
                )
                yield Problem(path=_path(bare[0]), message=message)


def _table_of(subnet: str, tables: Sequence[Described]) -> Described | None:
    """The subnet's own route table, else the VPC's main one."""
    own = [one for one in tables if any(each.get("SubnetId") == subnet for each in one["Associations"])]
    main = [one for one in tables if any(each.get("Main") for each in one["Associations"])]
    return next(iter((*own, *main)), None)


def _default_route(table: Described) -> Described | None:
    ways = [one for one in table["Routes"] if one.get("DestinationCidrBlock") == EVERYWHERE]
    return next((one for one in ways if one.get("State", "active") == "active"), None)


def _public(plan: AwsPlan, subnet: AwsSubnetPlan, found: Described) -> bool:
    """True where nodes get a public address: EC2 gives a machine with several interfaces none by itself (EC2 API,
    AssociatePublicIpAddress).
    """
    several = any(len(pool.interfaces) > 1 for pool in plan.node_pools if subnet.zone in pool.zones)
    return bool(found.get("MapPublicIpOnLaunch")) and not several


def _endpoint_problems(
    plan: AwsPlan,
    there: ExistingNetwork,
    subnets: Sequence[AwsSubnetPlan],
    table: Described,
    endpoints: Sequence[Described],
) -> Iterator[Problem]:
    """Services that nodes reach neither by a route nor by an endpoint whose private name they resolve."""
    prefix = f"com.amazonaws.{plan.region}."
    usable = [one for one in endpoints if one.get("State", "available").lower() == "available"]
    private = {one["ServiceName"] for one in usable if one.get("PrivateDnsEnabled")}
    routed = {one["ServiceName"] for one in usable if table["RouteTableId"] in one.get("RouteTableIds", ())}
    lacking = [name for name in there.services if f"{prefix}{name}" not in private]
    path, nowhere = _path(subnets[0]), f"{_ids(subnets)}: no route leads out"
    if lacking:
        make = (
            f"`aws ec2 create-vpc-endpoint --vpc-id {there.vpc} --vpc-endpoint-type Interface --private-dns-enabled "
            f"--service-name {prefix}NAME --subnet-ids {subnets[0].id}` for each"
        )
        what = f"{nowhere}, and {there.vpc} no endpoint with a private name for {', '.join(lacking)}"
        yield Problem(path=path, message=f"{what}; route it to a NAT or transit gateway, or {make}")
    if f"{prefix}s3" not in private | routed:
        make = (
            f"`aws ec2 create-vpc-endpoint --vpc-id {there.vpc} --service-name {prefix}s3 --route-table-ids "
            f"{table['RouteTableId']}`"
        )
        what = f"{nowhere}, and none of {table['RouteTableId']} to S3, where images lie"
        yield Problem(path=path, message=f"{what}; route it to a NAT or transit gateway, or {make}")


def _access_list_problems(plan: AwsPlan, _there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    """Access lists that shut what passes between nodes and the stack's other subnets, or what nodes ask outside and its
    answers.
    """
    if seen.subnets is None or seen.access_lists is None:
        return
    mine = [one for one in plan.network.subnets if one.id in seen.subnets]
    within = _ports_within(plan)
    for subnet in mine:
        acl = _access_list_of(subnet.id, seen.access_lists)
        if acl is None:
            continue
        of_nodes = subnet.purpose == "nodes"
        others = [one for one in mine if one.id != subnet.id and (of_nodes or one.purpose == "nodes")]
        peers = [(seen.subnets[one.id]["CidrBlock"], within, within) for one in others]
        if of_nodes and _leads_out(subnet, seen):
            peers.append((EVERYWHERE, (HTTPS,), ANSWERS))
        if closed := _closed(acl["Entries"], peers):
            what = f"{subnet.id}: {acl['NetworkAclId']} shuts {'; '.join(closed)}"
            yield Problem(path=_path(subnet), message=f"{what}; let its owner open these, or name another subnet")


def _ports_within(plan: AwsPlan) -> tuple[int, ...]:
    found = {HTTPS, KUBELET, *ANSWERS}
    found |= set(LUSTRE) if plan.storage.file_system else set()
    found |= {NFS} if plan.storage.shared_file_system else set()
    return tuple(sorted(found))


def _closed(entries: Sequence[Described], peers: Sequence[tuple[str, Sequence[int], Sequence[int]]]) -> list[str]:
    """Shut ports in words, each way, with the ranges that they are shut to. Of a peer: its range, ports out and in."""
    found: dict[tuple[str, str], list[str]] = {}
    for cidr, out, into in peers:
        for way, ports in (
            ("to", shut(entries, cidr, out, egress=True)),
            ("from", shut(entries, cidr, into, egress=False)),
        ):
            if ports:
                found.setdefault((way, ranges(ports)), []).append(cidr)
    return [f"TCP {ports} {way} {', '.join(cidrs)}" for (way, ports), cidrs in found.items()]


def _access_list_of(subnet: str, lists: Sequence[Described]) -> Described | None:
    return next((one for one in lists if any(each["SubnetId"] == subnet for each in one["Associations"])), None)


def _leads_out(subnet: AwsSubnetPlan, seen: SeenNetwork) -> bool:
    table = _table_of(subnet.id, seen.tables or ())
    return table is not None and _default_route(table) is not None


def _group_problems(plan: AwsPlan, there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    """Groups of another VPC, and a nodes' group that does not let through what the stack sends among its nodes."""
    for key, group in (("nodes", there.node_group), ("controlPlane", there.control_plane_group)):
        path = f"{PATH}.securityGroups.{key}"
        if not group or seen.groups is None:
            continue
        found = seen.groups.get(group)
        if found is None:
            message = f"{group!r} is no security group of this account in {plan.region}; copy its id from "
            yield Problem(path=path, message=f"{message}`aws ec2 describe-security-groups`, or leave it out")
        elif found["VpcId"] != there.vpc:
            message = f"{group} is in {found['VpcId']}, not in {there.vpc}; name one of that VPC, or leave it out"
            yield Problem(path=path, message=message)
        elif key == "nodes":
            yield from _node_group_problems(plan, group, found, path)


def _default_group_problems(there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    """A default group in which containers of Batch's jobs reach neither each other nor anything else.

    Two rules are enough, which AWS gives each VPC (VPC User Guide, "Default security groups for your VPCs").
    """
    found = seen.default_group
    if found is None:
        return
    group = found["GroupId"]
    lacking = []
    if not any(_lets_itself(rule, group) for rule in found["IpPermissions"]):
        rule = f"'IpProtocol=-1,UserIdGroupPairs=[{{GroupId={group}}}]'"
        lacking.append(("lets nothing of its own in", "ingress", rule))
    if not any(rule["IpProtocol"] == "-1" and _lets_out(rule) for rule in found["IpPermissionsEgress"]):
        lacking.append(("lets not all out", "egress", f"'IpProtocol=-1,IpRanges=[{{CidrIp={EVERYWHERE}}}]'"))
    for what, way, rule in lacking:
        where = f"{group}, the default group of {there.vpc}, in which containers of Batch's jobs stand"
        command = f"`aws ec2 authorize-security-group-{way} --group-id {group} --ip-permissions {rule}`"
        yield Problem(path=f"{PATH}.vpc", message=f"{where}, {what}; its owner adds the rule: {command}")


def _node_group_problems(plan: AwsPlan, group: str, found: Described, path: str) -> Iterator[Problem]:
    eks = isinstance(plan.control_plane, EksPlan)
    wired = any(pool.fabric is Fabric.EFA for pool in plan.node_pools)
    ways: tuple[tuple[str, str, str], ...] = (
        ("IpPermissions", "in", "authorize-security-group-ingress"),
        ("IpPermissionsEgress", "out", "authorize-security-group-egress"),
    )
    for key, way, command in ways if wired or not eks else ():
        if not any(_lets_itself(rule, group) for rule in found[key]):
            why = "EFA heeds no rule that names ranges" if wired else "nodes reach each other and file systems by it"
            rule = f"'IpProtocol=-1,UserIdGroupPairs=[{{GroupId={group}}}]'"
            remedy = f"`aws ec2 {command} --group-id {group} --ip-permissions {rule}`, or leave it out"
            message = f"{group} has no rule for all traffic of its own {way}, by its own id ({why})"
            yield Problem(path=path, message=f"{message}; {remedy}")
    if not eks and not any(_lets_out(rule) for rule in found["IpPermissionsEgress"]):
        message = f"{group} lets no HTTPS out to {EVERYWHERE}, where nodes ask AWS's services"
        yield Problem(path=path, message=f"{message}; add the rule, or leave it out")


def _lets_itself(rule: Described, group: str) -> bool:
    return rule["IpProtocol"] == "-1" and any(one["GroupId"] == group for one in rule.get("UserIdGroupPairs", ()))


def _lets_out(rule: Described) -> bool:
    https = rule["IpProtocol"] == "-1" or (
        rule["IpProtocol"] == "tcp" and rule.get("FromPort", 0) <= HTTPS <= rule.get("ToPort", 65_535)
    )
    return https and any(one["CidrIp"] == EVERYWHERE for one in rule.get("IpRanges", ()))


def _tag_problems(plan: AwsPlan, there: ExistingNetwork, seen: SeenNetwork) -> Iterator[Problem]:
    """Tags by which load balancers find their subnets. Nothing is stopped: only who asks for one needs them."""
    if not isinstance(plan.control_plane, EksPlan) or seen.subnets is None:
        return
    ours = [one for one in seen.subnets.values() if one["VpcId"] == there.vpc]
    tags = {tag["Key"] for one in ours for tag in one.get("Tags", ())}
    if lacking := [key for key in (INTERNAL, EXTERNAL) if key not in tags]:
        what = f"no subnet of {there.vpc} has the tag {' or '.join(lacking)}, by which load balancers find theirs"
        remedy = f"its owner adds it: `aws ec2 create-tags --resources SUBNET --tags Key={lacking[0]},Value=1`"
        yield Problem(path=f"{PATH}.subnets", message=f"{what}; {remedy}", stops=False)


def _lustre_problems(plan: AwsPlan, seen: SeenNetwork) -> Iterator[Problem]:
    """Lustre over EFA across ranges: clients and servers stand in one /16."""
    lustre = plan.storage.file_system
    if lustre is None or not lustre.efa or seen.subnets is None:
        return
    ids = [one.id for one in plan.network.subnets if one.name == lustre.subnet]
    ids += [one.id for one in plan.network.node_subnets((lustre.zone,))]
    found = [ip_network(seen.subnets[one]["CidrBlock"]) for one in ids if one in seen.subnets]
    if len({one.supernet(new_prefix=16) if one.prefixlen > 16 else one for one in found}) > 1:
        listed = ", ".join(map(str, dict.fromkeys(found)))
        message = f"over EFA, but servers and nodes stand in several /16 ranges ({listed}), and EFA stays within one"
        yield Problem(path="storage.fileSystem.fabric", message=f"{message}; set fabric: false, or name other subnets")


def _ids(subnets: Sequence[AwsSubnetPlan]) -> str:
    return ", ".join(one.id for one in subnets)


def _path(subnet: AwsSubnetPlan) -> str:
    return f"{PATH}.subnets.{subnet.purpose}.{subnet.zone}"
