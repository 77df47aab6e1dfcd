"""Plan of a cluster: pure, as every plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from components.errors import Problem, Problems, SpecError
from components.fabric import Collective
from components.labels import POOL_LABEL
from components.plan.cluster import ClusterPlan, NodePoolPlan, PodBinding, VolumePlan
from components.plan.kubernetes import Concern, KubernetesFacts, Owner, Ownership
from components.plan.part import BillLine, Decision, PartPlan
from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec
from tests.contract.made_up_cloud.provider.catalog import REGIONS, catalog
from tests.contract.made_up_cloud.provider.settings import MadeUpSpec

MOUNT = "/data"
USD_PER_HOUR: Mapping[str, Decimal] = {"plain": Decimal("0.5"), "fast": Decimal(30)}
SOURCE = "price list of the made-up cloud, 2026-11-29"
BY_THE_IMAGE = (Concern.DRIVER, Concern.CONTAINER_TOOLKIT, Concern.DEVICE_PLUGIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpPlan(ClusterPlan):
    """All that a stack becomes on this cloud."""

    cidr: str


def plan(spec: StackSpec, stack: str, now: datetime) -> MadeUpPlan:
    """The plan as of `now`; SpecError with the problems of all parts at once."""
    settings = spec.settings
    assert isinstance(settings, MadeUpSpec)
    region, expires_at = spec.cluster.region or REGIONS[0], spec.cluster.expires_at
    problems = Problems()
    if region not in REGIONS:
        problems.append(Problem(path="cluster.region", message=f"{region!r} is none; {REGIONS[0]!r} is the only one"))
    if expires_at and expires_at <= now:
        problems.append(Problem(path="cluster.expiresAt", message=f"{expires_at} has passed; give a later time"))
    pools = [problems.collect(_plan_pool, pool) for pool in spec.cluster.node_pools]
    if problems:
        raise SpecError(problems)
    planned = tuple(filter(None, pools))
    return MadeUpPlan(
        cloud="madeup",
        region=region,
        node_pools=planned,
        volume=VolumePlan(
            path=f"{MOUNT}/penstock/{stack}", on_destroy=spec.storage.volume.on_destroy, claim="penstock-volume",
            mount_path=MOUNT,
        ),
        scheduler="kueue",
        expires_at=expires_at,
        budget_usd_per_hour=spec.cluster.budget_usd_per_hour,
        kubernetes=KubernetesFacts(
            version="1.36",
            flavour="madeup",
            owners={
                one: Ownership(owner=Owner.IMAGE, by="node image", reason="every image has it") for one in BY_THE_IMAGE
            },
        ),
        parts=(_place(region), _nodes(planned)),
        cidr=settings.cidr,
    )  # fmt: skip


def _plan_pool(pool: NodePoolSpec) -> NodePoolPlan:
    machine = catalog().machine_type(pool.machine_type, f"cluster.nodePools.{pool.name}.machineType")
    devices = {"nvidia.com/gpu": machine.accelerator_count, "rdma/fabric": 8} if machine.accelerator else {}
    collective = Collective.NCCL if machine.accelerator else Collective.GLOO
    return NodePoolPlan(
        name=pool.name,
        machine=machine,
        node_count=pool.count,
        min_count=pool.least,
        max_count=pool.most,
        fabric=machine.fabric,
        collective=collective,
        binding=PodBinding(
            devices=devices, env={f"{collective.name}_SOCKET_IFNAME": "eth0"}, node_selector={POOL_LABEL: pool.name}
        ),
    )


def _place(region: str) -> PartPlan:
    return PartPlan(decisions=(Decision(path="cluster.region", value=region, reason="there is one"),))


def _nodes(pools: tuple[NodePoolPlan, ...]) -> PartPlan:
    return PartPlan(
        bill=tuple(
            BillLine(
                what=f"pool {pool.name}: {pool.machine.name}", count=pool.node_count,
                unit_usd_per_hour=USD_PER_HOUR[pool.machine.name], source=SOURCE,
            )
            for pool in pools
        )
    )  # fmt: skip
