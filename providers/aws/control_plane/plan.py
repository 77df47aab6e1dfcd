"""The control plane that a stack asks for, decided: EKS, Slurm on PCS, or a queue of Batch."""

from collections.abc import Iterable
from typing import TypeAlias

from components.plan.types import BillLine, Decision, QuotaNeed
from components.spec.stack import StackSpec
from providers.aws.control_plane import batch_plan, eks_plan, pcs_plan
from providers.aws.control_plane.batch_plan import BatchPlan, plan_batch
from providers.aws.control_plane.eks_plan import plan_eks
from providers.aws.control_plane.pcs_plan import PcsPlan, plan_pcs
from providers.aws.control_plane.types import EksPlan
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
            return eks_plan.bill(plan, region)
        case PcsPlan():
            return pcs_plan.bill(plan, region)
        case BatchPlan():
            return batch_plan.bill(plan, region)


def quotas(plan: ControlPlanePlan, pools: Iterable[AwsNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """What the control plane's own service must allow. PCS and Batch refuse in their plans what they cannot hold."""
    return eks_plan.quotas(plan, pools) if isinstance(plan, EksPlan) else ()


def decisions(plan: ControlPlanePlan) -> tuple[Decision, ...]:
    return plan.decisions
