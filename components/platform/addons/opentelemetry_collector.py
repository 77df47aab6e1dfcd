"""The OpenTelemetry collector: a place where programs hand in traces and metrics."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "opentelemetry-collector"
DOES: tuple[Concern, ...] = ()


def verdict(request: Request) -> Verdict:
    del request
    return off("it needs a destination in its values")


def plan(request: Request) -> AddonPlan:
    """One Deployment; collection of logs is left to who does it already, unless its values ask for it."""
    values = {
        "mode": "deployment",
        "presets": {"logsCollection": {"enabled": False}},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
    }
    chart = release(NAME, request, merged(values, selected(request, "nodeSelector")))
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=chart,
        does=(Concern.LOGS,) if chart.values["presets"]["logsCollection"].get("enabled") else (),
        reason="",
    )
