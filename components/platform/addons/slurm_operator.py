"""Slinky's operator, which runs Slurm on Kubernetes."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, on, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "slurm-operator"
DOES: tuple[Concern, ...] = ()


def verdict(request: Request) -> Verdict:
    if NAME not in request.scheduler_addons:
        return off("the scheduler does not use it")
    return on("the scheduler is Slurm, which it runs")


def plan(request: Request) -> AddonPlan:
    """With its definitions in the chart, and certificates of its own making instead of cert-manager's."""
    values = {"crds": {"enabled": True}, "certManager": {"enabled": False}}
    kinds = ("controllers", "nodesets", "loginsets", "restapis", "accountings", "tokens")
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(
            NAME, request, merged(values, selected(request, "operator.nodeSelector", "webhook.nodeSelector"))
        ),
        crds=tuple(f"{kind}.slinky.slurm.net" for kind in kinds),
        webhooks=("slinky/slurm-operator-webhook",),
        reason="",
    )
