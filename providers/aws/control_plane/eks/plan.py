"""EKS, decided: version and support, who reaches it, its add-ons, and the pool that the cluster itself lives on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from components.errors import Problem, SpecError
from components.plan.kubernetes import NAMESPACE
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.spec.stack import StackSpec
from providers.aws.balancers import bill as balancer_bill
from providers.aws.balancers import decided as decided_balancer
from providers.aws.control_plane.eks.add_on_plans import add_ons, first_add_ons, name_problems
from providers.aws.control_plane.eks.kept import bill as kept_bill
from providers.aws.control_plane.eks.kept import decisions, kept_problems, plan_kept, retention_problem
from providers.aws.control_plane.eks.pod_roles import pod_roles
from providers.aws.control_plane.eks.reach import decided_reach, no_host_machine, plan_reach, reach_problems
from providers.aws.control_plane.eks.system_pool import MACHINE_TYPES, system_pool
from providers.aws.control_plane.eks.system_pool import NAME as SYSTEM
from providers.aws.control_plane.eks.types import EksPlan, LogType, SupportType
from providers.aws.images.mirrors import upstreams
from providers.aws.karpenter_asked import runs_karpenter
from providers.aws.network.types import NetworkPlan
from providers.aws.network.zones import control_plane_zones
from providers.aws.regions import regions
from providers.aws.settings import AwsSpec, EksSpec, Tier
from providers.aws.tables import PRICES, QUOTAS
from providers.aws.types import AwsNodePoolPlan
from providers.aws.versions import KubernetesVersion, default_version, kubernetes_versions, node_release

LONGEST_NAME = 32
"""EKS takes 100 characters (EKS API, ClusterName); the roles of the add-ons are named after the cluster, and a role's
name has 64 at most (IAM API, RoleName), random end included."""

_LOGS: tuple[LogType, ...] = ("audit", "authenticator", "controllerManager", "scheduler")
"""Without `api`, which is most of the volume and which audit tells better."""

_SERVICE_CIDR = "172.20.0.0/16"
"""Of Service addresses; the network plan keeps the VPC clear of it."""

NEWEST_RELEASE = (
    "`aws ssm get-parameter --query Parameter.Value --output text --name "
    "/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/x86_64/nvidia/recommended/release_version`"
)
"""Command that tells it (EKS User Guide, Retrieve recommended Amazon Linux AMI IDs)."""


def plan_eks(
    spec: StackSpec, settings: AwsSpec, pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan, stack: str
) -> EksPlan:
    """The control plane of the stack's pools. SpecError with all that EKS would refuse, or that opens it to anybody; a
    version that there is not is told by the plan as a whole, which knows the time.
    """
    asked = settings.control_plane
    assert isinstance(asked, EksSpec)
    name = spec.cluster.kubernetes_version or default_version()
    region = regions()[network.region]
    zones = control_plane_zones(network.zones, region)
    of_nodes = tuple(zone for zone in network.zones if not region.is_local(zone)) if network.existing else zones
    release = node_release(asked.node_release, name)
    system = system_pool(of_nodes, network.region, node_repair=asked.node_repair, release=release)
    version = kubernetes_versions().get(name)
    problems = list(_problems(spec, asked, name, stack))
    if version is not None:
        problems += name_problems(asked.add_on_versions, version)
        version = replace(version, add_ons={**version.add_ons, **asked.add_on_versions})
    if system is None:
        problems.append(_no_system_machine(network))
    reach = plan_reach(asked.reach, zones, network.region) if asked.reach else None
    if asked.reach and reach is None:
        problems.append(no_host_machine(zones))
    if problems or system is None or version is None or reach is None:
        raise SpecError(problems)
    support, kept = _support(spec, version), plan_kept(spec.platform, stack)
    return EksPlan(
        name=stack,
        region=network.region,
        version=name,
        support=support,
        standard_support_ends=version.standard_support_ends,
        extended_support_ends=version.extended_support_ends,
        tier=asked.tier,
        reach=reach,
        admins=asked.admins,
        log_types=_LOGS,
        log_retention_days=asked.log_retention_days,
        service_cidr=_SERVICE_CIDR,
        subnets=_subnets(network, zones),
        first_add_ons=first_add_ons(version),
        add_ons=add_ons(version, spec.storage, node_repair=asked.node_repair),
        pod_roles=tuple(pod_roles(spec, pools, stack)),
        system_pool=system,
        self_managed_nodes=not all(pool.in_managed_group for pool in pools),
        runs_karpenter=runs_karpenter(spec),
        pulls_through=bool(upstreams(spec, settings)),
        node_repair=asked.node_repair,
        kept=kept,
        decisions=(
            *decided_reach(reach),
            *_decided(spec, settings, version, system),
            *decisions(kept),
            *decided_balancer(spec, stack),
        ),
    )


def _problems(spec: StackSpec, asked: EksSpec, version: str, stack: str) -> Iterator[Problem]:
    """Those that show without the network and the version's row."""
    yield from _name_problems(stack)
    yield from reach_problems(asked.reach, spec)
    yield from _access_problems(asked)
    yield from _release_problems(asked, version)
    yield from _pool_problems(spec)
    yield from kept_problems(spec.platform)


def _subnets(network: NetworkPlan, zones: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are there for it, else the first of the nodes in each zone."""
    own = tuple(subnet.name for subnet in network.subnets if subnet.purpose == "controlPlane")
    return own or tuple(network.node_subnets((zone,))[0].name for zone in zones)


def bill(plan: EksPlan, region: str) -> tuple[BillLine, ...]:
    """The control plane. Its system pool is on the bill of the pools."""
    cluster = PRICES["eks"].line("cluster", f"EKS control plane in {region}", region)
    return (cluster, *_extended_support(plan), *_provisioned(plan), *kept_bill(plan.kept, region))


def quotas(plan: EksPlan, pools: Iterable[AwsNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """Quotas of EKS itself; the machines' quotas are the pools'."""
    managed = [plan.system_pool, *(pool for pool in pools if pool.in_managed_group)]
    largest = max(managed, key=lambda pool: pool.max_count)
    return (
        QUOTAS["eks.clusters"].need(1, "the stack's cluster, beside those of the account"),
        QUOTAS["eks.node_groups"].need(len(managed), "the stack's pools"),
        QUOTAS["eks.nodes"].need(largest.max_count, f"the pool {largest.name}"),
    )


def part(plan: EksPlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """The control plane and its add-ons; the system pool's machines are on the bill of the pools."""
    return PartPlan(
        decisions=plan.decisions,
        quotas=quotas(plan, [pool for pool in billed if pool.name != plan.system_pool.name]),
        bill=(*bill(plan, plan.region), *balancer_bill(spec, plan.region)),
    )


def _name_problems(stack: str) -> Iterator[Problem]:
    """Only the length: what AWS's names are made of is asked of every stack there."""
    if len(stack) > LONGEST_NAME:
        message = f"{stack!r} has {len(stack)} characters, a cluster's name here at most {LONGEST_NAME}"
        yield Problem(path="stack", message=f"{message}; choose a shorter name for the stack")


def _access_problems(asked: EksSpec) -> Iterator[Problem]:
    path = "aws.controlPlane"
    for arn in sorted({arn for arn in asked.admins if asked.admins.count(arn) > 1}):
        yield Problem(path=f"{path}.admins", message=f"{arn!r} stands there more than once; name it once")
    if wrong := retention_problem(asked.log_retention_days):
        yield Problem(path=f"{path}.logRetentionDays", message=wrong)


def _release_problems(asked: EksSpec, version: str) -> Iterator[Problem]:
    """A release is of one Kubernetes version, and goes up with the cluster's."""
    if asked.node_release and not asked.node_release.startswith(f"{version}."):
        message = (
            f"{asked.node_release!r} is not of Kubernetes {version}, which the cluster has; give one of its releases"
        )
        message += f" ({NEWEST_RELEASE.format(version=version)} names the newest), or leave it out"
        yield Problem(path="aws.controlPlane.nodeRelease", message=message)


def _pool_problems(spec: StackSpec) -> Iterator[Problem]:
    if any(pool.name == SYSTEM for pool in spec.cluster.node_pools):
        what = f"{SYSTEM!r} is reserved for the pool of the cluster's own pods; choose another name"
        yield Problem(path=f"cluster.nodePools.{SYSTEM}.name", message=what)


def _no_system_machine(network: NetworkPlan) -> Problem:
    types, zones = " or ".join(MACHINE_TYPES), ", ".join(network.zones)
    what = f"{network.region}: the cluster's own pods run on {types}, which fewer than two of the zones {zones} offer"
    return Problem(path="cluster.region", message=f"{what}; choose other zones, or another region")


def _support(spec: StackSpec, version: KubernetesVersion) -> SupportType:
    expires_at = spec.cluster.expires_at
    return "STANDARD" if expires_at and expires_at <= version.standard_support_ends else "EXTENDED"


def _extended_support(plan: EksPlan) -> Iterator[BillLine]:
    if plan.support == "EXTENDED":
        what = f"extended support of Kubernetes {plan.version}"
        line = PRICES["eks"].line("extended_support", what, plan.region)
        yield replace(line, since=plan.standard_support_ends, until=plan.extended_support_ends)


def _provisioned(plan: EksPlan) -> Iterator[BillLine]:
    if plan.tier is not Tier.STANDARD:
        yield PRICES["eks"].line(plan.tier, f"provisioned control plane, {plan.tier}", plan.region)


def _decided(
    spec: StackSpec, settings: AwsSpec, version: KubernetesVersion, system: AwsNodePoolPlan
) -> Iterator[Decision]:
    asked = settings.control_plane
    assert isinstance(asked, EksSpec)
    if spec.cluster.kubernetes_version is None:
        reason = "the newest version of EKS whose accelerated images have a long-term kernel"
        yield Decision(path="cluster.kubernetesVersion", value=version.name, reason=reason)
    yield _decided_support(spec, version)
    if not asked.admins:
        reason = "only the identity that runs the first `pulumi up` administers the cluster"
        yield Decision(path="aws.controlPlane.admins", value="none", reason=reason)
    if spec.storage.object_store or settings.express_store:
        reason = (
            f"jobs and services in the namespace {NAMESPACE} have it by EKS Pod Identity, and no other right on AWS"
        )
        yield Decision(path="storage.objectStore.rights", value="read and write", reason=reason)
    reason = "two zones, to survive the loss of one; no taint, as pods without accelerators run there too"
    value = f"{system.node_count} x {system.machine.name}"
    yield Decision(path="aws.controlPlane.systemPool", value=value, reason=reason)
    if asked.node_release is None:
        reason = "of the images that this penstock was made for, so that a node that comes later is like the others; "
        reason += f"{NEWEST_RELEASE.format(version=version.name)} names the newest"
        yield Decision(path="aws.controlPlane.nodeRelease", value=version.node_release, reason=reason)
    if asked.node_repair:
        reason = "one node of a pool at a time, none while over a tenth of its accelerators fail at once, and none for "
        reason += "errors of programs or of the agent itself"
        yield Decision(path="aws.controlPlane.nodeRepair", value="on", reason=reason)
        reason = "EKS's node agent runs DCGM's host engine; beside a second one it replaces healthy nodes"
        yield Decision(path="aws.controlPlane.dcgm", value="owned by EKS", reason=reason)


def _decided_support(spec: StackSpec, version: KubernetesVersion) -> Decision:
    support = _support(spec, version)
    standard, extended = version.standard_support_ends.date(), version.extended_support_ends.date()
    reason = f"the stack expires before standard support of Kubernetes {version.name} ends on {standard}"
    if support == "EXTENDED":
        usd = PRICES["eks"].usd_per_hour["extended_support"]
        reason = f"from {standard} on it costs ${usd}/h more, instead of an upgrade in mid-run"
        expires_at = spec.cluster.expires_at
        if expires_at is None or expires_at > version.extended_support_ends:
            reason += f"; from {extended} on EKS moves the cluster to the next one"
    return Decision(path="aws.controlPlane.support", value=support, reason=reason)
