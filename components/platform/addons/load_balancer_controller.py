"""The AWS load balancer controller: network and application load balancers before services of the cluster."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "aws-load-balancer-controller"
DOES: tuple[Concern, ...] = ()


def verdict(request: PlatformRequest) -> AddonVerdict:
    entry = request.service.entry if request.service else None
    if entry and entry.addon == NAME:
        return on("inference.route.loadBalancer asks for what it makes")
    return off("no service asks for a load balancer")


def plan(request: PlatformRequest) -> AddonPlan:
    """Takes only the Services and Ingresses that name its class: the webhook that would give it every other is off, as
    no Service could then be made while the controller is away.

    The Gateway API is Envoy Gateway's here. What it may not do on AWS is off: the firewalls and Shield. Its certificate
    stays through an upgrade, as another one would have every request refused until both halves have it.
    """
    values = {
        "replicaCount": 2,
        "enableServiceMutatorWebhook": False,
        "keepTLSSecret": True,
        "defaultTargetType": "ip",
        "controllerConfig": {"featureGates": {"NLBGatewayAPI": False, "ALBGatewayAPI": False}},
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        "podDisruptionBudget": {"maxUnavailable": 1},
        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        webhooks=("kube-system/aws-load-balancer-webhook-service",),
    )
