"""external-dns: names for services, in one zone."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "external-dns"
DOES = (Concern.DNS_NAMES,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if request.spec.domain is None:
        return off("platform.domain names no zone")
    return taken(request, Concern.DNS_NAMES) or on(f"platform.domain is {request.spec.domain}")


def plan(request: PlatformRequest) -> AddonPlan:
    """Records of its own alone, which a text record beside them tells: it never takes away another's."""
    values = {
        "policy": "sync",
        "registry": "txt",
        "txtOwnerId": "penstock",
        "sources": ["service", "gateway-httproute"] if request.service and request.service.route else ["service"],
        "domainFilters": [request.spec.domain] if request.spec.domain else [],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        does=DOES,
    )
