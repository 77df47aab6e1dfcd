"""Slurm on Google Cloud, decided: one cluster of Cluster Director, and for each pool a node set and a partition."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from components.errors import SpecError
from components.plan.part import BillLine, Decision, PartPlan
from components.spec.stack import StackSpec
from providers.gcp.control_plane.director.pools import node_set
from providers.gcp.control_plane.director.refusals import HOME, cluster_id, cluster_problems
from providers.gcp.control_plane.director.types import DirectorPartition, DirectorPlan, NodeSetPlan, StorePlan
from providers.gcp.control_plane.plan import project_problems
from providers.gcp.settings import GcpSpec
from providers.gcp.tables import QUOTAS
from providers.gcp.types import GcpNodePoolPlan, GcpStoragePlan

SERVICES = {
    "compute.googleapis.com": "machines and networks",
    "hypercomputecluster.googleapis.com": "Cluster Director",
    "storage.googleapis.com": "buckets",
    "logging.googleapis.com": "logs",
    "monitoring.googleapis.com": "metrics",
}
"""APIs of every stack with Cluster Director, each with what it is for."""
ROLES = ("roles/logging.logWriter", "roles/monitoring.metricWriter", "roles/storage.objectViewer")
"""Of Compute Engine's default service account, as which its machines act (a public summary of its first steps, 2026);
v1 of the API has no field for another."""
SLURM_VERSION = "26.05"
"""Of a controller for which none is named (Cluster Director, "Slurm controller versions", 2026)."""
_PATH = "gcp.controlPlane"
_UNPRICED = "a price of Cluster Director itself is not in penstock's tables"


def plan_director(  # noqa: PLR0913 (what a cluster consists of)
    spec: StackSpec, settings: GcpSpec, pools: Sequence[GcpNodePoolPlan], login: GcpNodePoolPlan,
    storage: GcpStoragePlan | None, *, stack: str, now: datetime,
) -> DirectorPlan:  # fmt: skip
    """The cluster of these pools. SpecError where Cluster Director or Slurm cannot do what is asked, with all of it."""
    problems = [*cluster_problems(spec, stack), *project_problems(settings)]
    if problems or settings.project is None or storage is None:
        raise SpecError(problems)
    sets = tuple(node_set(pool, now) for pool in pools)
    return DirectorPlan(
        name=cluster_id(stack),
        project=settings.project,
        region=spec.cluster.region or "",
        zone=login.zone,
        login=login,
        node_sets=sets,
        partitions=tuple(DirectorPartition(name=one.pool.name, node_sets=(one.name,)) for one in sets),
        stores=tuple(_stores(storage)),
        decisions=tuple(_decided(login, sets)),
    )


def part(plan: DirectorPlan) -> PartPlan:
    """The cluster; its machines are on the bill of the pools."""
    what = f"Cluster Director in {plan.region}"
    return PartPlan(
        decisions=plan.decisions,
        quotas=(QUOTAS["director.clusters"].need(1, "the stack's cluster, beside those of the project"),),
        bill=(BillLine(what=what, count=1, unit_usd_per_hour=None, source=_UNPRICED),),
    )


def _stores(storage: GcpStoragePlan) -> Iterator[StorePlan]:
    """Those that are mounted somewhere."""
    if storage.file_system:
        yield StorePlan(name="filesystem", kind="lustre", path=storage.file_system.mount_path)
    if storage.shared_file_system:
        yield StorePlan(name="sharedfilesystem", kind="filestore", path=storage.shared_file_system.mount_path)
    if storage.object_store and storage.object_store.mount_path:
        yield StorePlan(name="objectstore", kind="bucket", path=storage.object_store.mount_path)


def _decided(login: GcpNodePoolPlan, sets: Sequence[NodeSetPlan]) -> Iterator[Decision]:
    reason = "jobs are submitted from it; no public address: reached through Identity-Aware Proxy, by OS Login"
    yield Decision(path=f"{_PATH}.loginNodes", value=f"{login.node_count} x {login.machine.name}", reason=reason)
    reason = f"its own where none is named, and v1 of the API names none; Google runs it out of sight, files on {HOME}"
    yield Decision(path=f"{_PATH}.slurmVersion", value=SLURM_VERSION, reason=reason)
    reason = "v1 of its API takes no account of the stack's own; the preview looks at its roles"
    yield Decision(path=f"{_PATH}.nodeIdentity", value="Compute Engine's default account", reason=reason)
    for first in sets[:1]:
        reason = "a job that names no partition goes to the first pool's"
        yield Decision(path=f"{_PATH}.defaultPartition", value=first.pool.name, reason=reason)
