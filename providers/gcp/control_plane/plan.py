"""GKE, decided: version, who reaches it, its add-ons, and the pool that the cluster itself lives on."""

import re
from collections.abc import Iterator, Sequence

from components.errors import Problem, SpecError
from components.plan.part import Decision, PartPlan
from components.spec.stack import StackSpec
from providers.gcp.catalog import FabricNetwork
from providers.gcp.control_plane.reach import decided_reach, plan_reach, reach_problems
from providers.gcp.nodes.refusals import SYSTEM
from providers.gcp.settings import GcpAccountSpec, GcpSpec, GkeSpec
from providers.gcp.tables import PRICES, QUOTAS
from providers.gcp.types import GcpNodePoolPlan, GkePlan
from providers.gcp.versions import is_enough, minors, number, version_problem

LONGEST_NAME = 24
"""GKE takes 40 characters (GKE API, Cluster.name); the nodes' service account is named after the cluster, and its name
has 30 at most (IAM API, accountId)."""
_ACCOUNT_SUFFIX = "-nodes"
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SHORTEST_ACCOUNT = 6
_LUSTRE_VERSION = "1.33.2-gke.4655000"
"""From which its driver needs no port of its own (lustre-csi-driver, 2026)."""
_COMPONENTS = (
    "SYSTEM_COMPONENTS",
    "STORAGE",
    "HPA",
    "POD",
    "DAEMONSET",
    "DEPLOYMENT",
    "STATEFULSET",
    "CADVISOR",
    "KUBELET",
)
"""All that GKE's monitoring then has, named: it adds those that are left out, and the next `up` would see a change
(magic-modules, cluster.go)."""


def plan_gke(
    spec: StackSpec, settings: GcpSpec, pools: Sequence[GcpNodePoolPlan], system: GcpNodePoolPlan, stack: str
) -> GkePlan:
    """The control plane of the stack's pools. SpecError with all that GKE would refuse, or that opens it to anybody."""
    asked = settings.control_plane
    assert isinstance(asked, GkeSpec), "Slurm has a plan of its own"
    minor = spec.cluster.kubernetes_version or minors()[0]
    problems = [
        *_name_problems(stack), *reach_problems(asked.reach, spec), *project_problems(settings),
        *_version_problems(minor, pools, spec),
    ]  # fmt: skip
    if problems or asked.reach is None or settings.project is None:
        raise SpecError(problems)
    reach = plan_reach(asked.reach)
    accelerated = any(pool.machine.accelerator and not pool.machine.is_tpu for pool in pools)
    return GkePlan(
        name=stack,
        project=settings.project,
        region=spec.cluster.region or "",
        version=_version(minor, pools),
        channel=asked.channel.value.upper(),
        reach=reach,
        system_pool=system,
        multi_networking=accelerated,
        private_ipv6_off=any(pool.machine.is_tpu for pool in pools),
        add_ons=_add_ons(spec, pools),
        components=(*_COMPONENTS, *(("DCGM",) if accelerated else ())),
        node_account=f"{stack}{_ACCOUNT_SUFFIX}",
        impersonate=_impersonated(spec),
        decisions=(*decided_reach(reach), *_decided(spec, asked, system)),
    )


def part(plan: GkePlan) -> PartPlan:
    """The control plane; the system pool's machines are on the bill of the pools."""
    return PartPlan(
        decisions=plan.decisions,
        quotas=(QUOTAS["gke.clusters"].need(1, "the stack's cluster, beside those of the project"),),
        bill=(PRICES["gke"].line("cluster", f"GKE control plane in {plan.region}", plan.region),),
    )


def _name_problems(stack: str) -> Iterator[Problem]:
    if not _NAME.fullmatch(stack):
        what = "is part of Google's names: lower-case letters, digits and dashes, a letter first, no dash last"
        yield Problem(path="stack", message=f"{stack!r} {what}; choose another name for the stack")
    elif len(stack) > LONGEST_NAME:
        message = (
            f"{stack!r} has {len(stack)} characters, and {stack}{_ACCOUNT_SUFFIX} would be a service account, which has"
        )
        yield Problem(path="stack", message=f"{message} 30 at most; give the stack a name of {LONGEST_NAME} at most")


def project_problems(settings: GcpSpec) -> Iterator[Problem]:
    """Without its id no request has an address."""
    if settings.project is None:
        message = (
            "is required and missing: the id of the project that the stack is in (`gcloud projects list`); give it"
        )
        yield Problem(path="gcp.project", message=message)


def _version_problems(minor: str, pools: Sequence[GcpNodePoolPlan], spec: StackSpec) -> Iterator[Problem]:
    if problem := version_problem(minor):
        yield problem
        return
    needs = [
        (pool.machine.min_version, f"{pool.machine.name} of {pool.name}") for pool in pools if pool.machine.min_version
    ]
    needs += [(_LUSTRE_VERSION, "the Managed Lustre driver")] if spec.storage.file_system else []
    for least, who in needs:
        if not is_enough(minor, least):
            message = f"{minor!r} is too old for {who}, which needs {least}; take {minors()[0]!r}"
            yield Problem(path="cluster.kubernetesVersion", message=message)


def _impersonated(spec: StackSpec) -> str:
    account = spec.account
    return account.impersonate_service_account or "" if isinstance(account, GcpAccountSpec) else ""


def _version(minor: str, pools: Sequence[GcpNodePoolPlan]) -> str:
    """The minor, of which GKE makes the newest patch; a full version where one of the same minor is needed."""
    full = [pool.machine.min_version for pool in pools if pool.machine.min_version.startswith(f"{minor}.")]
    return max(full, key=number, default=minor)


def _add_ons(spec: StackSpec, pools: Sequence[GcpNodePoolPlan]) -> tuple[str, ...]:
    found = {
        "lustre": spec.storage.file_system is not None,
        "filestore": spec.storage.shared_file_system is not None,
        "gcsfuse": spec.storage.object_store is not None,
        "dranet": any(pool.dranet for pool in pools),
        "networks": any(pool.machine.network is FabricNetwork.ROCE and pool.networks for pool in pools),
    }
    return tuple(name for name, needed in found.items() if needed)


def _decided(spec: StackSpec, asked: GkeSpec, system: GcpNodePoolPlan) -> Iterator[Decision]:
    channel = asked.channel
    if spec.cluster.kubernetes_version is None:
        reason = f"a floor: the release channel {channel.value} moves the control plane on, one minor at a time"
        yield Decision(path="cluster.kubernetesVersion", value=minors()[0], reason=reason)
    reason = "upgrades of nodes with accelerators wait until support of their version ends; GKE does not put off the "
    reason += "maintenance of their hosts"
    yield Decision(path="gcp.controlPlane.channel", value=channel.value, reason=reason)
    reason = "no taint, at list price and never empty: the control plane reaches webhooks and logs through it"
    value = f"{system.node_count} x {system.machine.name} in {system.zone}"
    yield Decision(path=f"gcp.controlPlane.{SYSTEM}Pool", value=value, reason=reason)
    reason = "its own service account with the rights of a node alone; pods have Workload Identity"
    yield Decision(path="gcp.controlPlane.nodeIdentity", value="of the stack", reason=reason)
