"""Plans a stack's group of endpoints and balancers over regions: what is refused, what it counts and costs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv6Network

from components.errors import Problem, SpecError
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.serving.access import ANSWER_S
from components.serving.entry import wrong_range
from components.serving.naming import PROXY_PORT
from components.spec.inference import InferenceSpec
from components.spec.stack import StackSpec
from providers.gcp.balancer.settings import BehindSpec, GlobalBalancerSpec
from providers.gcp.balancer.types import BehindPlan, EndpointGroupPlan, FrontPlan, GlobalBalancerPlan
from providers.gcp.settings import GcpSpec
from providers.gcp.tables import PRICES, QUOTAS

PATH = "gcp.globalBalancers"
ENTRY = "inference.route.loadBalancer.endpointGroup"
SERVICES = {"certificatemanager.googleapis.com": "certificates of the balancer over regions"}
RIGHTS = (
    "certificatemanager.certs.create",
    "certificatemanager.certs.delete",
    "compute.backendServices.create",
    "compute.securityPolicies.create",
    "compute.urlMaps.create",
)
NEG = "cloud.google.com/neg"
"""Annotation by which GKE keeps a Service's endpoints in a group (GKE, "Container-native load balancing through
standalone zonal NEGs")."""
CHECKERS = ("35.191.0.0/16", "130.211.0.0/22")
"""Ranges from which Google's front ends and health checks come (Cloud Load Balancing, Firewall rules)."""
HEALTH_PATH = "/v1/models"
"""Answered by a server behind the proxy: a region without one that is ready gets nothing."""
_LONGEST_GROUP = 63
_LONGEST_NAME = 63 - len("-12345678")
"""Of a part's name: parts of which each host has one, or that cannot be changed, end in a digest."""
_MOST_RANGES = 10
"""Ranges of one rule of Cloud Armor (Compute Engine API, SecurityPolicyRuleMatcherConfig.srcIpRanges)."""
_LEAST_CAPACITY = 0.1
"""Compute Engine API, Backend.capacityScaler: 0, or 0.1 to 1."""


def group_name(spec: StackSpec, stack: str) -> str:
    """Name of the group that the stack's service is; empty where it is none."""
    return f"{stack}-{spec.inference.name}" if spec.inference and _is_group(spec.inference) else ""


def plan_front(spec: StackSpec, settings: GcpSpec, zone: str, stack: str) -> FrontPlan:
    """The front of the services; SpecError with every problem at once."""
    group = _group(spec, settings, zone, stack)
    problems = [*_group_problems(spec, group), *_twice(settings.global_balancers)]
    for asked in settings.global_balancers:
        problems += _problems(asked, "" if "gcp.project" in spec.refused else settings.project or "", group, stack)
    if group and spec.inference and spec.inference.route and spec.inference.route.host_name:
        problems += _unnamed(settings.global_balancers, group.path, spec.inference.route.host_name)
    if problems:
        raise SpecError(problems)
    return FrontPlan(group=group, balancers=tuple(_balancer(one, stack) for one in settings.global_balancers))


def part(front: FrontPlan, stack: str) -> PartPlan:
    """Balancers over regions; what goes through them is unknown."""
    return PartPlan(
        decisions=tuple(_decided(front)), quotas=tuple(_quotas(front)), bill=tuple(_bill(front)),
        warnings=tuple(_warnings(front, stack)),
    )  # fmt: skip


def _is_group(asked: InferenceSpec) -> bool:
    entry = asked.route.load_balancer if asked.route else None
    return entry is not None and entry.endpoint_group is not None


def _group(spec: StackSpec, settings: GcpSpec, zone: str, stack: str) -> EndpointGroupPlan | None:
    name = group_name(spec, stack)
    return EndpointGroupPlan(name=name, project=settings.project or "", zone=zone, port=PROXY_PORT) if name else None


def _group_problems(spec: StackSpec, group: EndpointGroupPlan | None) -> Iterator[Problem]:
    if group is None or spec.inference is None:
        return
    if len(group.name) > _LONGEST_GROUP:
        message = f"{group.name!r} (stack and service) has {len(group.name)} characters, and a group {_LONGEST_GROUP}"
        yield Problem(path="inference.name", message=f"{message} at most; shorten one of them")
    if spec.inference.autoscaling and spec.inference.autoscaling.to_zero:
        message = "0, and a balancer over regions asks the service every few seconds, which wakes it; set 1 or more"
        yield Problem(path="inference.autoscaling.minReplicas", message=message)


def _twice(asked: Sequence[GlobalBalancerSpec]) -> Iterator[Problem]:
    names = [one.name for one in asked]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"{names.count(name)} balancers have the name {name!r}; give each a name of its own"
        yield Problem(path=f"{PATH}.{name}", message=message)
    hosts = [host for one in asked for host in one.hosts]
    for host in sorted({host for host in hosts if hosts.count(host) > 1}):
        where = next(one.name for one in asked if host in one.hosts)
        yield Problem(
            path=f"{PATH}.{where}.hosts", message=f"{host!r} is given {hosts.count(host)} times; name it once"
        )


def _problems(
    asked: GlobalBalancerSpec, project: str, group: EndpointGroupPlan | None, stack: str
) -> Iterator[Problem]:
    path, name = f"{PATH}.{asked.name}", f"{stack}-{asked.name}"
    if len(name) > _LONGEST_NAME:
        message = (
            f"{name!r} (stack and name) has {len(name)} characters, and there is room for {_LONGEST_NAME}; shorten"
        )
        yield Problem(path=f"{path}.name", message=f"{message} one of them")
    for one in asked.source_ranges:
        if wrong := wrong_range(one, public=True):
            yield Problem(path=f"{path}.sourceRanges", message=f"{one}: {wrong}")
    paths = [one.group for one in asked.endpoint_groups]
    for each in sorted({each for each in paths if paths.count(each) > 1}):
        yield Problem(path=f"{path}.endpointGroups", message=f"{each} is given more than once; name it once")
    if all(one.capacity == 0 for one in asked.endpoint_groups):
        message = "every capacity is 0, so that nobody answers; give one of them more"
        yield Problem(path=f"{path}.endpointGroups", message=message)
    for behind in asked.endpoint_groups:
        yield from _behind_problems(behind, f"{path}.endpointGroups", project, group)


def _behind_problems(asked: BehindSpec, path: str, project: str, group: EndpointGroupPlan | None) -> Iterator[Problem]:
    _, owner, _, zone, _, name = asked.group.split("/")
    if project and owner != project:
        message = f"{asked.group} is of another project than {project}, and a balancer takes groups of its own alone"
        yield Problem(path=path, message=f"{message}; move the balancer to a stack of that project")
    if 0 < asked.capacity < _LEAST_CAPACITY:
        message = f"capacity {asked.capacity:g} of {name} is between 0 and {_LEAST_CAPACITY}, which Google refuses"
        yield Problem(path=path, message=f"{message}; give 0 or {_LEAST_CAPACITY}")
    if group and name == group.name and zone != group.zone and owner == group.project:
        message = f"the stack's own group is in {group.zone}, and {zone} is given; write {group.path}"
        yield Problem(path=path, message=message)


def _unnamed(asked: Sequence[GlobalBalancerSpec], own: str, host: str) -> Iterator[Problem]:
    """Health checks name one host, and the route answers its own alone."""
    for one in asked:
        if any(behind.group == own for behind in one.endpoint_groups) and one.hosts[0] != host:
            message = f"{host!r}, and the balancer {one.name} asks for {one.hosts[0]}, the first of its hosts, to see"
            remedy = f"whether the service is well; remove it, or put it first in {PATH}.{one.name}.hosts"
            yield Problem(path="inference.route.hostName", message=f"{message} {remedy}")


def _balancer(asked: GlobalBalancerSpec, stack: str) -> GlobalBalancerPlan:
    ranges = [str(one) for one in asked.source_ranges if not isinstance(one, IPv6Network)]
    return GlobalBalancerPlan(
        key=asked.name,
        name=f"{stack}-{asked.name}",
        hosts=asked.hosts,
        source_ranges=tuple(
            tuple(ranges[start : start + _MOST_RANGES]) for start in range(0, len(ranges), _MOST_RANGES)
        ),
        behind=tuple(
            BehindPlan(group=one.group, capacity=one.capacity, requests_per_second=one.requests_per_second)
            for one in asked.endpoint_groups
        ),
        health_path=HEALTH_PATH,
        timeout_s=ANSWER_S,
    )


def _decided(front: FrontPlan) -> Iterator[Decision]:
    if front.group:
        reason = "GKE keeps the proxies' addresses in it; gcp.globalBalancers of this or another stack takes this path"
        yield Decision(path=ENTRY, value=front.group.path, reason=reason)
    for one in front.balancers:
        reason = "servers ask for no key: whoever comes from elsewhere is answered 403 by Cloud Armor"
        value = f"{sum(map(len, one.source_ranges))} ranges"
        yield Decision(path=f"{PATH}.{one.key}.sourceRanges", value=value, reason=reason)
        reason = "a stream of tokens may take as long; Google's own 30 s would cut it"
        yield Decision(path=f"{PATH}.{one.key}.timeout", value=f"{one.timeout_s} s", reason=reason)


def _quotas(front: FrontPlan) -> Iterator[QuotaNeed]:
    count = len(front.balancers)
    if count:
        reason = f"balancers {', '.join(one.key for one in front.balancers)}"
        for row in ("rules", "backend_services", "health_checks", "url_maps", "https_proxies", "policies"):
            yield QUOTAS[f"balancer.{row}"].need(count, reason)
        yield QUOTAS["balancer.policy_rules"].need(sum(len(one.source_ranges) + 1 for one in front.balancers), reason)


def _bill(front: FrontPlan) -> Iterator[BillLine]:
    for one in front.balancers:
        yield PRICES["balancers"].line("rule", f"balancer {one.key}, and its traffic beside", "global")
        yield PRICES["balancers"].line("policy", f"Cloud Armor policy of {one.key}, and its requests beside", "global")
        rules, what = len(one.source_ranges) + 1, f"rule of the Cloud Armor policy of {one.key}"
        yield PRICES["balancers"].line("policy_rule", what, "global", rules)


def _warnings(front: FrontPlan, stack: str) -> Iterator[str]:
    for one in front.balancers:
        yield (
            f"{PATH}.{one.key}: answers nobody before its records are in your DNS: after `up`, the output "
            f"`globalBalancers` has the address for {', '.join(one.hosts)}, and a CNAME by which Google sees that each "
            "is yours; the certificate comes minutes to hours later"
        )
    if front.group and front.balancers:
        return
    if front.group:
        yield (
            f"{ENTRY}: before `destroy` of {stack} take {front.group.path} out of every balancer that names it: a "
            "group in use stays, and holds the network"
        )


def annotations(name: str) -> Mapping[str, str]:
    """Annotations of the Service whose endpoints are the group; none without a name."""
    return {NEG: f'{{"exposed_ports":{{"80":{{"name":"{name}"}}}}}}'} if name else {}
