"""Closeness of a gang, in words that every scheduler of a Kubernetes has."""

import math

from components.errors import Problem, SpecError, UnsupportedError
from components.kubernetes.devices import CLIQUE_LABEL
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
    requires, schedulers still take the fewest narrower ones. SpecError where no such domain is known.
    """
    known = domains(pool)
    if job.topology is TopologyRequest.REQUIRED:
        return _required(pool)
    return known[-1] if known and job.topology is TopologyRequest.PREFERRED else ""


def of_network(pool: NodePoolPlan) -> tuple[str, ...]:
    """Labels of the domains that are narrower than a zone, the widest first."""
    return tuple(key for key in domains(pool) if key != ZONE)


def _required(pool: NodePoolPlan) -> str:
    if narrower := of_network(pool):
        return narrower[0]
    zone = domains(pool)
    labels = "no topology labels but their zone's, which says nothing of the network" if zone else "no topology labels"
    message = f"'required', but nodes of the pool '{pool.name}' have {labels}; use preferred or none"
    raise SpecError([Problem(path="training.topology", message=message)])


def asks_for_nearness(job: JobPlan, pool: NodePoolPlan) -> bool:
    """True for a gang that is to stand close together, on nodes that tell where they are."""
    return job.nodes > 1 and job.topology is not TopologyRequest.NONE and bool(domains(pool))


def share_of_domain(job: JobPlan, pool: NodePoolPlan) -> int:
    """Nodes of the gang in each NVLink domain, where it is to be taken apart into as few as hold it, all alike.

    All of them where one domain holds it. SpecError where no even parts are possible: a part that is smaller than the
    others would hold up all collectives within a domain.
    """
    most = pool.machine.domain_nodes
    if CLIQUE_LABEL not in domains(pool) or job.nodes <= most:
        return job.nodes
    racks = math.ceil(job.nodes / most)
    if job.nodes % racks == 0:
        return job.nodes // racks
    less, more = job.nodes // racks * racks, math.ceil(job.nodes / racks) * racks
    message = (
        f"{job.nodes}, and 'required' puts even parts into NVLink domains of {most} nodes at most; take {less} or "
        f"{more} (an even part in each), or training.topology: preferred"
    )
    raise SpecError([Problem(path="training.nodes", message=message)])


def refuse_several_domains(job: JobPlan, pool: NodePoolPlan, scheduler: str) -> None:
    """UnsupportedError for a gang that is to stand in NVLink domains and is larger than one, where a scheduler cannot
    take it apart."""
    most = pool.machine.domain_nodes
    if job.topology is TopologyRequest.REQUIRED and CLIQUE_LABEL in domains(pool) and job.nodes > most:
        message = (
            f"'required' within one NVLink domain, which has {most} nodes at most, and {scheduler} cannot place the "
            f"{job.nodes} nodes of the gang in several; use preferred, or the scheduler kueue"
        )
        raise UnsupportedError([Problem(path="training.topology", message=message)])


def refuse_slices(pool: NodePoolPlan, scheduler: str) -> None:
    """UnsupportedError for TPUs, where a scheduler makes no Indexed Job for each slice: in those alone GKE tells the
    hosts of a slice their names."""
    if pool.slices is not None:
        message = (
            f"{scheduler!r}, and jobs on slices of TPUs ({pool.name}) are Indexed Jobs of a JobSet, one for each "
            "slice, which kueue makes; use kueue"
        )
        raise UnsupportedError([Problem(path="scheduler.kind", message=message)])
