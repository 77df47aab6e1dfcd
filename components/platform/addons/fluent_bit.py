"""Fluent Bit: every pod's output, handed to Loki."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, taken
from components.platform.versions import versions
from components.spec.platform import KeptBy

NAME = "fluent-bit"
DOES = (Concern.LOGS,)
_OUTPUT = """[OUTPUT]
    Name loki
    Match kube.*
    Host loki.monitoring
    Port 3100
    Labels job=fluent-bit, namespace=$kubernetes['namespace_name'], pod=$kubernetes['pod_name']
"""


def verdict(request: PlatformRequest) -> AddonVerdict:
    if done := taken(request, Concern.LOGS):
        return done
    if request.spec.logs:
        return on(f"platform.logs is {request.spec.logs.value}")
    if request.asked("loki").enabled and not request.asked("opentelemetry-collector").enabled:
        return on("loki is on, and nothing else ships logs to it")
    return off("nothing here keeps logs")


def plan(request: PlatformRequest) -> AddonPlan:
    to_cloud = request.spec.logs is KeptBy.CLOUD
    values = {
        "serviceAccount": {"create": True, "name": NAME},
        "tolerations": [{"operator": "Exists"}],
        "config": {"outputs": request.facts.log_output if to_cloud else _OUTPUT},
        "testFramework": {"enabled": False},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
        needs=() if to_cloud or request.asked(NAME).values.get("config") else ("loki",),
        does=DOES,
    )
