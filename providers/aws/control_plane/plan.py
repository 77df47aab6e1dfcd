"""The control plane that a stack asks for, decided: EKS, Slurm on PCS, or a queue of Batch."""

from collections.abc import Sequence
from typing import TypeAlias

from components.plan.part import PartPlan
from components.spec.stack import StackSpec
from providers.aws.control_plane.batch import plan as batches
from providers.aws.control_plane.batch.plan import BatchPlan, plan_batch
from providers.aws.control_plane.eks import plan as clusters
from providers.aws.control_plane.eks.plan import plan_eks
from providers.aws.control_plane.eks.types import EksPlan
from providers.aws.control_plane.pcs import plan as slurm
from providers.aws.control_plane.pcs.plan import PcsPlan, plan_pcs
from providers.aws.network.types import NetworkPlan
from providers.aws.settings import AwsBatchSpec, AwsSpec, EksSpec, PcsSpec
from providers.aws.types import AwsNodePoolPlan

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
        case AwsBatchSpec():
            return plan_batch(spec, settings, pools, network, stack)


def part(plan: ControlPlanePlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """The control plane. PCS and Batch refuse in their plans what they cannot hold, and need no quota."""
    match plan:
        case EksPlan():
            return clusters.part(plan, spec, billed)
        case PcsPlan():
            return slurm.part(plan, spec, billed)
        case BatchPlan():
            return batches.part(plan, spec, billed)
