"""A service as Kubernetes objects, in the order in which they are made."""

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import Manifest
from components.plan.work import ServicePlan
from components.serving.access import policy, route
from components.serving.naming import CANARY, STABLE
from components.serving.scaling import disruption, scaling
from components.serving.servers import servers


def render_service(service: ServicePlan, pool: NodePoolPlan) -> tuple[Manifest, ...]:
    """Renders access, the servers of each track, then their scaling and the routes to them.

    A Service comes behind its Deployment: the engine waits until it has addresses behind it.
    """
    replicas = None if service.autoscaling else len(service.ports)
    tracks: tuple[Manifest, ...] = servers(service, pool, STABLE, model_folder=service.model_folder, replicas=replicas)
    if service.canary:
        beside = service.canary
        tracks = (*tracks, *servers(service, pool, CANARY, model_folder=beside.path, replicas=beside.replicas))
    return (policy(service), disruption(service), *tracks, *scaling(service), *route(service))
