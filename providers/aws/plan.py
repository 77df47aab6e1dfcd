"""Plans a stack on AWS: every part's plan, the problems of all of them at once, and their cost together."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic.alias_generators import to_camel

from components.errors import Problem, Problems, SpecError
from components.estimate.cost import over_budget
from components.images import own_image
from components.plan.cluster import ClusterPlan, RefusedClusterError
from components.plan.kubernetes import KubernetesFacts
from components.spec.cluster import Nat, NetworkSpec
from components.spec.rest import BUDGET
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from components.spec.storage import StorageSpec
from providers.aws import ownership
from providers.aws.balancers import balancers
from providers.aws.catalog import SCHEDULERS
from providers.aws.control_plane import plan as control_plane
from providers.aws.control_plane.batch.plan import BatchPlan
from providers.aws.control_plane.eks.add_on_plans import disks
from providers.aws.control_plane.eks.kept import log_output
from providers.aws.control_plane.eks.types import EksPlan, SsmHostReach
from providers.aws.control_plane.hyper_pod import plan as hyper_pods
from providers.aws.control_plane.hyper_pod.plan import HyperPodPlan
from providers.aws.control_plane.pcs.plan import PcsPlan
from providers.aws.control_plane.plan import ControlPlanePlan
from providers.aws.images.private import private_problems
from providers.aws.named_places import place_problems
from providers.aws.network import plan as networks
from providers.aws.network.types import AwsSubnetPlan, NetworkPlan
from providers.aws.nodes import lustre_client
from providers.aws.nodes import plan as nodes
from providers.aws.nodes.karpenter import node_pools
from providers.aws.nodes.zones import preferred_zones
from providers.aws.regions import regions
from providers.aws.serving import plan as serving
from providers.aws.serving.types import ServingPlan
from providers.aws.settings import AwsAccountSpec, AwsSpec, EksSpec, PcsSpec
from providers.aws.storage import plan as stores
from providers.aws.storage.lustre import over_fabric
from providers.aws.storage.types import StoragePlan
from providers.aws.tags import lasting, tag_problems, tags
from providers.aws.types import KARPENTER, AwsNodePoolPlan
from providers.aws.versions import default_version, version_problem

_STACK_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Form of a name that buckets, repositories, roles, endpoints and queues all take; each part adds how long it may be.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsPlan(ClusterPlan):
    """All that a stack becomes on AWS."""

    tags: Mapping[str, str]
    """On everything that takes tags."""
    node_pools: tuple[AwsNodePoolPlan, ...]
    """Those of the stack file, not the control plane's own."""
    subnets: tuple[AwsSubnetPlan, ...]
    network: NetworkPlan
    control_plane: ControlPlanePlan
    hyper_pod: HyperPodPlan | None
    storage: StoragePlan
    serving: ServingPlan
    account: AwsAccountSpec = field(default_factory=AwsAccountSpec)
    """The identity that it is built with, and the accounts that it may be built in."""
    node_roll_reason: str = ""
    """Consent to roll or replace nodes with accelerators; empty where none is given."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Profile and role of penstock's own requests, as providers.aws.session takes them: only what is asked."""
        asked = {"profile": self.account.profile, "role_arn": self.account.role_arn}
        return {key: value for key, value in asked.items() if value}

    @property
    def grouped_pools(self) -> tuple[AwsNodePoolPlan, ...]:
        """The pools that become node groups: all that neither HyperPod nor Karpenter runs."""
        elsewhere = _pools_of(self.hyper_pod)
        return tuple(pool for pool in self.node_pools if pool.name not in elsewhere and not pool.by_karpenter)

    @property
    def karpenter_pools(self) -> tuple[AwsNodePoolPlan, ...]:
        """The pools whose machines Karpenter starts."""
        return tuple(pool for pool in self.node_pools if pool.by_karpenter)


def plan(spec: StackSpec, stack: str, now: datetime) -> AwsPlan:
    """The plan on AWS as of `now`, which decides what has expired, begun and ended; SpecError with every problem."""
    settings = spec.settings
    assert isinstance(settings, AwsSpec)
    problems = Problems(
        [*_general_problems(spec, stack, now), *tag_problems(settings.tags), *place_problems(spec, settings)]
    )
    pools = problems.collect(nodes.plan_pools, spec, settings, stack, now)
    network = problems.collect(networks.plan_network, spec, settings, pools or ())
    asked = problems.collect(serving.plan_serving, settings, stack)
    known, background = (pools, network) if pools and network else ((), _stand_in(spec, settings))
    if background is None:
        raise SpecError(problems)
    storage = problems.collect(stores.plan_storage, spec, settings, known, background, stack)
    full = _with_images(_mounted(known, storage, settings) if storage else known, spec, settings)
    control: ControlPlanePlan | None = problems.collect(
        control_plane.plan_control_plane, spec, settings, full, background, stack
    )
    hyper = problems.collect(hyper_pods.plan_hyper_pod, spec, settings, full, background, stack)
    problems += _job_problems(spec, control)
    problems += private_problems(spec, settings, stack)
    if not (pools and network and asked and storage and control):
        raise SpecError(problems)
    billed = _billed(full, control, hyper)
    plan = AwsPlan(
        cloud="aws",
        region=network.region,
        tags=tags(spec.cluster, settings.tags, stack),
        expires_at=spec.cluster.expires_at,
        budget_usd_per_hour=spec.cluster.budget_usd_per_hour,
        node_pools=full,
        subnets=network.subnets,
        network=network,
        control_plane=control,
        hyper_pod=hyper,
        storage=storage,
        serving=asked,
        account=spec.account if isinstance(spec.account, AwsAccountSpec) else AwsAccountSpec(),
        node_roll_reason=spec.cluster.allow_node_roll or "",
        volume=storage.volume,
        scheduler=_scheduler(spec, control),
        kubernetes=_facts(spec, control, full, hyper, network, lasting(tags(spec.cluster, settings.tags, stack))),
        fetched_registries=_fetched(storage, network),
        images=control.images if isinstance(control, BatchPlan) else (),
        parts=(
            nodes.part(full, spec, billed),
            networks.part(network, spec, billed),
            control_plane.part(control, spec, billed),
            *([hyper_pods.part(hyper, spec, billed)] if hyper else ()),
            stores.part(storage, spec, billed),
            serving.part(asked, spec, billed),
        ),
    )
    if hyper or settings.hyper_pod is None:
        unread = BUDGET in spec.refused
        problems += over_budget(plan.bill, plan.budget_usd_per_hour, unread=unread)
    if problems:
        raise RefusedClusterError(problems, plan)
    return plan


def _billed(
    pools: tuple[AwsNodePoolPlan, ...], control: ControlPlanePlan, hyper: HyperPodPlan | None
) -> tuple[AwsNodePoolPlan, ...]:
    """Every pool that EC2 bills: the control plane's own too, and those of HyperPod not, which has its own bill."""
    elsewhere = _pools_of(hyper)
    others = tuple(pool for pool in pools if pool.name not in elsewhere)
    match control:
        case EksPlan():
            hosts = (control.reach.pool,) if isinstance(control.reach, SsmHostReach) else ()
            return (control.system_pool, *hosts, *others)
        case BatchPlan():
            return tuple(replace(pool, node_count=0) for pool in others)  # they run while a job does
        case PcsPlan():
            return (control.login.pool, *others)


def _pools_of(hyper_pod: HyperPodPlan | None) -> frozenset[str]:
    """Names of the pools that HyperPod runs."""
    return frozenset(group.pool for group in hyper_pod.groups) if hyper_pod else frozenset()


def _stand_in(spec: StackSpec, settings: AwsSpec) -> NetworkPlan | None:
    """Stand-in on which the rest is judged where pools or network are wrong, so that no problem hides another: a
    network without pools and stores, in every zone; None without a region.
    """
    region = regions().get(spec.cluster.region or "")
    if region is None:
        return None
    zones = tuple(zone for zone in region.words(preferred_zones(spec, region)) if not region.is_local(zone))
    cluster = spec.cluster.model_copy(update={"network": NetworkSpec(zones=zones)})
    plain = spec.model_copy(update={"cluster": cluster, "storage": StorageSpec(), "existing_network": None})
    return networks.plan_network(plain, settings, ())


def _general_problems(spec: StackSpec, stack: str, now: datetime) -> Iterator[Problem]:
    cluster = spec.cluster
    if not _STACK_NAME.fullmatch(stack):
        what = "is part of AWS's names: lower-case letters, digits and single dashes between them, a letter first"
        yield Problem(path="stack", message=f"{stack!r} {what}; choose another name for the stack")
    if cluster.expired(now) and cluster.expires_at:
        message = f"{cluster.expires_at:%Y-%m-%dT%H:%MZ} is in the past; set a future time, or destroy the stack"
        yield Problem(path="cluster.expiresAt", message=message)
    if isinstance(spec.settings, AwsSpec) and isinstance(spec.settings.control_plane, EksSpec):
        version = cluster.kubernetes_version or default_version()
        if problem := version_problem(version, now):
            yield problem
    asked = spec.account.region if isinstance(spec.account, AwsAccountSpec) else ""
    if asked and asked != cluster.region:
        message = f"{asked!r}, and the stack is in {cluster.region or 'a region of its own choice'}; "
        yield Problem(path="aws:region", message=f"{message}set cluster.region, and remove this key")


def _job_problems(spec: StackSpec, control: ControlPlanePlan | None) -> Iterator[Problem]:
    """Slurm and Batch of AWS's own take jobs by their own commands, not by penstock's schedulers."""
    kind = spec.scheduler.kind
    if kind is not None and kind not in SCHEDULERS:
        known = ", ".join(SCHEDULERS)
        yield Problem(path="scheduler.kind", message=f"{kind.value!r} does not run on aws; available: {known}")
    if control is None or isinstance(control, EksPlan):
        return
    asked = {"scheduler.kind": kind, "training": spec.training, "inference": spec.inference}
    for key in (key for key, value in asked.items() if value is not None):
        message = "this control plane takes jobs by its own commands; remove it, or set aws.controlPlane.kind to eks"
        yield Problem(path=key, message=message)
    for name in sorted(spec.platform.model_fields_set):
        message = "this control plane has no Kubernetes for it; remove it, or set aws.controlPlane.kind to eks"
        yield Problem(path=f"platform.{to_camel(name)}", message=message)


def _scheduler(spec: StackSpec, control: ControlPlanePlan) -> str:
    return (spec.scheduler.kind or SCHEDULERS[0]).value if isinstance(control, EksPlan) else ""


def _facts(
    spec: StackSpec,
    control: ControlPlanePlan,
    pools: tuple[AwsNodePoolPlan, ...],
    hyper: HyperPodPlan | None,
    network: NetworkPlan,
    kept_tags: Mapping[str, str],
) -> KubernetesFacts | None:
    if not isinstance(control, EksPlan):
        return None
    return KubernetesFacts(
        version=control.version,
        flavour="hyperpod" if hyper else "eks",
        owners=ownership.owners(control, pools, hyper),
        addon_values=ownership.addon_values(control, pools, hyper, network),
        addon_objects={KARPENTER: node_pools(pools, network, control.name, kept_tags)},
        storage_class=disks(control.name),
        system_selector=control.system_pool.binding.node_selector,
        log_output=log_output(control.name, control.region),
        keeps_metrics=True,
        balancers=balancers(spec, network, control.name),
    )


def _fetched(storage: StoragePlan, network: NetworkPlan) -> tuple[str, ...]:
    """Upstreams of the registry's mirrors: without NAT it fetches nothing that it does not have."""
    if storage.registry is None or network.nat is Nat.NONE:
        return ()
    return tuple(sorted(storage.registry.mirrors.values()))


def _with_images(
    pools: tuple[AwsNodePoolPlan, ...], spec: StackSpec, settings: AwsSpec
) -> tuple[AwsNodePoolPlan, ...]:  # fmt: skip
    """The pools with penstock's own image for each; none where Slurm of PCS's starts jobs, which takes no image."""
    if isinstance(settings.control_plane, PcsSpec):
        return pools
    ray = spec.scheduler.kind is SchedulerKind.KUBERAY
    digests = spec.images.digests
    return tuple(
        replace(
            pool,
            own_image=own_image(pool.fabric, pool.collective, pool.machine.architecture, ray=ray, digests=digests),
        )
        for pool in pools
    )


def _mounted(
    pools: tuple[AwsNodePoolPlan, ...], storage: StoragePlan, settings: AwsSpec
) -> tuple[AwsNodePoolPlan, ...]:
    """The pools with what they mount, and how: what HyperPod starts it sets up itself."""
    elsewhere = settings.hyper_pod.pools if settings.hyper_pod else ()

    def module(pool: AwsNodePoolPlan) -> str:
        ours = pool.name not in elsewhere and over_fabric(storage.file_system, pool)
        return lustre_client.MODULE if ours else ""

    return tuple(
        replace(pool, binding=replace(pool.binding, mounts=storage.mounts), file_system_module=module(pool))
        for pool in pools
    )
