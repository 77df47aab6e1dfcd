"""Closeness of a gang, in words that every scheduler of a Kubernetes has."""

from components.errors import Problem, SpecError
from components.plan.cluster import NodePoolPlan
from components.plan.work import JobPlan
from components.spec.scheduler import TopologyRequest

HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"


def domains(pool: NodePoolPlan) -> tuple[str, ...]:
    """Labels of the domains that nodes stand in, the widest first, without the node itself."""
    return tuple(key for key in pool.binding.topology_keys if key != HOST)


def level(job: JobPlan, pool: NodePoolPlan) -> str:
    """The domain that a request is about; empty where none is asked for, or none is known.

    `preferred`: the narrowest; schedulers try it, then wider ones, then spread the gang.
    `required`: the widest domain of the network that is narrower than a zone. Nobody knows before the nodes are there
    how many of them a switch has, and a gang that requires a switch that is too small waits for ever. Within what it
    requires, schedulers still take the fewest narrower ones. SpecError where no domain is known.
    """
    known = domains(pool)
    if job.topology is TopologyRequest.REQUIRED and not known:
        message = f"'required', but nodes of the pool '{pool.name}' have no topology labels; use preferred or none"
        raise SpecError([Problem(path="training.topology", message=message)])
    if job.topology is TopologyRequest.NONE or not known:
        return ""
    if job.topology is TopologyRequest.PREFERRED:
        return known[-1]
    return next((key for key in known if key != ZONE), known[0])
