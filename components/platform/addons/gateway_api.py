"""The Gateway API with Envoy Gateway behind it: routes from outside, and shares of requests."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, object_of, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "gateway-api"
DOES = (Concern.GATEWAY_API,)
CLASS = "penstock"
"""The GatewayClass of penstock's own Gateways."""
_CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"


def verdict(request: PlatformRequest) -> AddonVerdict:
    service = request.service
    if service is None or (service.route is None and service.canary is None):
        return off("no service has a route or a canary")
    if done := taken(request, Concern.GATEWAY_API):
        return done
    return on("the service's route or canary needs a Gateway")


def plan(request: PlatformRequest) -> AddonPlan:
    """Behind what makes its load balancer, which goes after it: the balancer leaves with the proxy's Service."""
    entry = request.service.entry if request.service else None
    values = {"deployment": {"envoyGateway": {"resources": {"requests": {"cpu": "100m", "memory": "256Mi"}}}}}
    kinds = ("gatewayclasses", "gateways", "httproutes")
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "deployment.pod.nodeSelector"))),
        objects=(
            object_of("gateway.networking.k8s.io/v1", "GatewayClass", CLASS, spec={"controllerName": _CONTROLLER}),
        ),
        crds=(*(f"{kind}.gateway.networking.k8s.io" for kind in kinds), "envoyproxies.gateway.envoyproxy.io"),
        needs=(entry.addon,) if entry and entry.addon else (),
        does=DOES,
    )
