"""Logs and metrics of a cluster that AWS keeps: a log group, a workspace, and who may write into them. Plan."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.errors import Problem
from components.plan.part import BillLine, Decision
from components.platform.versions import versions
from components.spec.platform import KeptBy, PlatformSpec
from providers.aws.tables import PRICES

COLLECTOR, METRICS = "fluent-bit", "kube-prometheus-stack"
METRICS_ACCOUNT = "kps-prometheus"
"""Service account of the chart's Prometheus."""

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""CloudWatch Logs API, PutRetentionPolicy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlan:
    """Logs and metrics that AWS keeps of a cluster."""

    log_group: str
    """Empty where it keeps no logs."""
    log_days: int
    metrics: bool

    @property
    def asked(self) -> bool:
        return self.metrics or self.log_group != ""


def plan_kept(spec: PlatformSpec, cluster: str) -> KeptPlan:
    """The group lies beside the control plane's own, and goes with the stack."""
    logs = spec.logs is KeptBy.CLOUD
    return KeptPlan(
        log_group=f"/aws/eks/{cluster}/pods" if logs else "",
        log_days=spec.log_retention_days if logs else 0,
        metrics=spec.metrics is KeptBy.CLOUD,
    )


def kept_problems(spec: PlatformSpec) -> Iterator[Problem]:
    """Problems of periods that CloudWatch does not offer."""
    if spec.logs is KeptBy.CLOUD and (wrong := retention_problem(spec.log_retention_days)):
        yield Problem(path="platform.logRetentionDays", message=wrong)


def retention_problem(days: int) -> str:
    """Reason why CloudWatch takes no such period, with the next that it has; "" where it does."""
    if days in RETENTION_DAYS:
        return ""
    longer = next(known for known in RETENTION_DAYS if known > days)
    return f"{days} is not a CloudWatch log retention; the next longer one is {longer}"


def log_output(cluster: str, region: str) -> str:
    """Fluent Bit's output into the group: a stream for each container, and none of its own making but these.

    Source: Fluent Bit manual, Amazon CloudWatch. It asks EKS Pod Identity for credentials (fluent-bit pull 10115).
    """
    lines = {
        "Name": "cloudwatch_logs",
        "Match": "*",
        "region": region,
        "log_group_name": f"/aws/eks/{cluster}/pods",
        "log_stream_prefix": "node-",
        "log_stream_template": ("$kubernetes['namespace_name'].$kubernetes['pod_name'].$kubernetes['container_name']"),
        "auto_create_group": "false",
    }
    return "[OUTPUT]\n" + "".join(f"    {key} {value}\n" for key, value in lines.items())


def namespace_of(addon: str) -> str:
    """Namespace of an add-on's pods."""
    return versions()[addon].namespace


def bill(plan: KeptPlan, region: str) -> Iterator[BillLine]:
    """A line for each service, without a sum: both are paid by volume."""
    asked = {"logs": plan.log_group != "", "metrics": plan.metrics}
    for name in (name for name, wanted in asked.items() if wanted):
        what = f"{name} of the cluster kept in {region}"
        yield BillLine(what=what, count=1, unit_usd_per_hour=None, source=PRICES[f"kept_{name}"].source)


def decisions(plan: KeptPlan) -> Iterator[Decision]:
    """Keepers, and for how long."""
    if plan.log_group:
        reason = f"CloudWatch keeps them {plan.log_days} days under the cluster's key; the group goes with the stack"
        yield Decision(path="platform.logs", value=plan.log_group, reason=reason)
    if plan.metrics:
        reason = "Prometheus hands on what it collects; AWS keeps it 150 days, and the workspace goes with the stack"
        yield Decision(path="platform.metrics", value="Amazon Managed Service for Prometheus", reason=reason)
