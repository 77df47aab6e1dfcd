"""The control plane that a stack asks for, decided: EKS, Slurm on PCS, or a queue of Batch."""

from collections.abc import Iterable
from typing import TypeAlias

from components.plan.part import BillLine, Decision, QuotaNeed
from components.spec.stack import StackSpec
from providers.aws.control_plane.batch import plan as batches
from providers.aws.control_plane.batch.plan import BatchPlan, plan_batch
from providers.aws.control_plane.eks import plan as clusters
from providers.aws.control_plane.eks.plan import plan_eks
from providers.aws.control_plane.eks.types import EksPlan
from providers.aws.control_plane.pcs import plan as slurm
from providers.aws.control_plane.pcs.plan import PcsPlan, plan_pcs
from providers.aws.network.types import NetworkPlan
from providers.aws.nodes.types import AwsNodePoolPlan
from providers.aws.settings import AwsSpec, BatchSpec, EksSpec, PcsSpec

ControlPlanePlan: TypeAlias = EksPlan | PcsPlan | BatchPlan


def plan_control_plane(
    spec: StackSpec, settings: AwsSpec, pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan, stack: str
) -> ControlPlanePlan:
    """The control plane of these pools; SpecError with all that it cannot do of what is asked."""
    match settings.control_plane:
        case EksSpec():
            return plan_eks(spec, settings, pools, network, stack)
        case PcsSpec():
            return plan_pcs(spec, settings, pools, network, stack)
        case BatchSpec():
            return plan_batch(spec, settings, pools, network, stack)


def bill(plan: ControlPlanePlan, region: str) -> tuple[BillLine, ...]:
    match plan:
        case EksPlan():
            return clusters.bill(plan, region)
        case PcsPlan():
            return slurm.bill(plan, region)
        case BatchPlan():
            return batches.bill(plan, region)


def quotas(plan: ControlPlanePlan, pools: Iterable[AwsNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """What the control plane's own service must allow. PCS and Batch refuse in their plans what they cannot hold."""
    return clusters.quotas(plan, pools) if isinstance(plan, EksPlan) else ()


def decisions(plan: ControlPlanePlan) -> tuple[Decision, ...]:
    return plan.decisions


def warnings(settings: AwsSpec, plan: ControlPlanePlan) -> tuple[str, ...]:
    """What the control plane's own service allows and the user may not expect."""
    asked = settings.control_plane
    return tuple(clusters.warnings(asked)) if isinstance(asked, EksSpec) and isinstance(plan, EksPlan) else ()
