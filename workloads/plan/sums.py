"""Sums over the workloads of a pool: a gang, the servers beside it, and the one more of a rolling update.

Pods are packed first fit, the largest first, as a scheduler that does not move pods would at best do. Whole nodes of a
gang are counted at the worst: where servers came first, or came anew while no gang ran, Kubernetes has spread them.
Source: Kubernetes, Pod Topology Spread Constraints; Scheduler Configuration (NodeResourcesFit prefers what is empty).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from components.errors import Problem
from components.plan.cluster import NodePoolPlan
from components.plan.part import Decision
from components.plan.work import JobPlan, ServicePlan

_NEAR = 1e-6
_FURTHEST = 256
"""Nodes more than a pool has, up to which a remedy is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodGroup:
    """Pods that are alike."""

    count: int
    accelerators: int
    cores: float
    memory_gib: float


def sum_problems(
    job: JobPlan | None, service: ServicePlan | None, pools: Sequence[NodePoolPlan], held: Mapping[str, int] | None
) -> Iterator[Problem]:
    """Servers that the pool can never hold, by themselves or beside the gang that runs there.

    `held`: nodes of each pool that Slurm's own pods have, None under another scheduler."""
    if service is None:
        return
    pool = _pool(service.pool, pools)
    alone, most = _servers(service, _most(service)), _nodes(pool)
    beside = _gang(job, pool, held)
    if not fits(pool, most, alone):
        yield _too_many(service, pool)
    elif beside and not _side_by_side(pool, most, beside, alone):
        yield _in_each_others_way(service, pool, beside, alone, slurm=held is not None)


def rolled(
    job: JobPlan | None, service: ServicePlan, pools: Sequence[NodePoolPlan], held: Mapping[str, int] | None
) -> tuple[ServicePlan, tuple[Decision, ...]]:
    """The service with the way in which it is updated: a new server first, where the pool has room for one more."""
    pool = _pool(service.pool, pools)
    asked = (*_gang(job, pool, held), *_servers(service, _most(service) + 1))
    if fits(pool, _nodes(pool), asked):
        return service, ()
    reason = f"{pool.name} has no room for one more beside all that runs there"
    value = "one old server goes before its successor comes"
    if service.autoscaling and _most(service) > 1:
        value, reason = f"{value} where all {_most(service)} run, else after it", f"{reason} then"
    decision = Decision(path="inference.rollout", value=value, reason=reason)
    return replace(service, surge=False), (decision,)


def rollout_warnings(service: ServicePlan) -> Iterator[str]:
    """An update that interrupts a service: of its only server, where there is never room for another."""
    if not service.surge and _most(service) < 2:
        key = "autoscaling.maxReplicas" if service.autoscaling else "replicas"
        yield (
            f"inference.{key}: {_most(service)}, and the pool {service.pool!r} has no room for one more, so an update "
            "interrupts the service until the new server has its model; one node more in the pool avoids it"
        )


def fits(pool: NodePoolPlan, nodes: int, groups: Sequence[PodGroup]) -> bool:
    """True if so many nodes of the pool hold all these pods at once."""
    machine, room = pool.machine, pool.room
    left = [[float(machine.accelerator_count), room.cores, room.memory_gib] for _ in range(nodes)]
    for group in sorted(groups, key=lambda one: (one.accelerators, one.memory_gib, one.cores), reverse=True):
        asked, waiting = (float(group.accelerators), group.cores, group.memory_gib), group.count
        for free in left:
            count = min(
                [waiting, *(int((have + _NEAR) / want) for have, want in zip(free, asked, strict=True) if want)]
            )
            waiting -= count
            free[:] = [have - count * want for have, want in zip(free, asked, strict=True)]
        if waiting:
            return False
    return True


def _side_by_side(pool: NodePoolPlan, nodes: int, beside: Sequence[PodGroup], alone: Sequence[PodGroup]) -> bool:
    """True if so many nodes hold the gang and the servers, on whatever nodes the servers stand."""
    (gang,) = beside
    return fits(pool, nodes, (*beside, *alone)) and gang.count <= nodes - _broken(pool, beside, alone)


def _broken(pool: NodePoolPlan, beside: Sequence[PodGroup], alone: Sequence[PodGroup]) -> int:
    """The most nodes on which servers leave no room for a pod of the gang; none where a node holds two such pods."""
    (gang,), (servers,) = beside, alone
    if fits(pool, 1, (replace(gang, count=2),)):
        return 0
    one = replace(gang, count=1)
    enough = next((n for n in range(1, servers.count + 1) if not fits(pool, 1, (one, replace(servers, count=n)))), 0)
    return servers.count // enough if enough else 0


def _pool(name: str, pools: Sequence[NodePoolPlan]) -> NodePoolPlan:
    return next(pool for pool in pools if pool.name == name)


def _nodes(pool: NodePoolPlan) -> int:
    """The most that the pool can ever have."""
    return max(pool.node_count, pool.max_count) if pool.grown_by else pool.node_count


def _servers(service: ServicePlan, count: int) -> tuple[PodGroup, ...]:
    total = count + (service.canary.replicas if service.canary else 0)
    return (_of_servers(service, total),)


def _of_servers(service: ServicePlan, count: int) -> PodGroup:
    return PodGroup(
        count=count * service.nodes_per_replica,
        accelerators=service.accelerators,
        cores=service.cpu,
        memory_gib=service.memory_gib,
    )


def _gang(job: JobPlan | None, pool: NodePoolPlan, held: Mapping[str, int] | None) -> tuple[PodGroup, ...]:
    """Pods of the run that hold the pool's nodes while it runs; under Slurm those that wait for it, on its nodes."""
    machine, room = pool.machine, pool.room
    if held is not None:
        whole = PodGroup(
            count=held.get(pool.name, 0), accelerators=machine.accelerator_count, cores=0.0, memory_gib=room.memory_gib
        )
        return (whole,)
    if job is None or job.pool != pool.name:
        return ()
    pods = PodGroup(
        count=job.min_nodes,
        accelerators=machine.accelerator_count,
        cores=min(job.cpu, room.cores),
        memory_gib=min(job.pod_memory_gib, room.memory_gib),
    )
    return (pods,)


def _most(service: ServicePlan) -> int:
    return service.autoscaling.max_replicas if service.autoscaling else len(service.ports)


def _too_many(service: ServicePlan, pool: NodePoolPlan) -> Problem:
    held = next((n for n in range(_most(service), 0, -1) if fits(pool, _nodes(pool), _servers(service, n))), 0)
    scaling = service.autoscaling
    path = "inference.autoscaling.maxReplicas" if scaling else "inference.replicas"
    beside = f" beside {service.canary.replicas} of its canary" if service.canary else ""
    message = (
        f"{_most(service)}, but the pool {pool.name!r} has at most {_nodes(pool)} of {pool.machine.name}, and they "
        f"hold {held} replica{'' if held == 1 else 's'}{beside}; "
    )
    asked = _servers(service, _most(service))
    lower = f"lower {'minReplicas and maxReplicas' if scaling and scaling.min_replicas > held else 'it'} to {held}, or "
    return Problem(
        path=path, message=message + (lower if held else "") + _larger(pool, lambda nodes: fits(pool, nodes, asked))
    )


def _in_each_others_way(
    service: ServicePlan, pool: NodePoolPlan, beside: Sequence[PodGroup], alone: Sequence[PodGroup], *, slurm: bool
) -> Problem:
    (gang,), (servers,) = beside, alone
    who = "Slurm's nodes take" if slurm else "training takes"
    waits = ", while it waits for the model of the run that it blocks" if service.follows_training else ""
    several = "s" if servers.count > 1 else ""
    broken = min(_broken(pool, beside, alone), _nodes(pool))
    left = f"what is left does not hold {servers.count} server{several} of the service"
    if broken:
        left = f"{servers.count} server{several} of the service may stand on {broken}, as Kubernetes spreads them"
    message = (
        f"the pool {pool.name!r} has at most {_nodes(pool)} of {pool.machine.name}: {who} {gang.count} of them whole, "
        f"and {left}{waits}; give the service a pool of its own"
    )
    if not slurm:
        message += f", or {_larger(pool, lambda nodes: _side_by_side(pool, nodes, beside, alone))}"
    return Problem(path="inference.pool", message=message)


def _larger(pool: NodePoolPlan, is_enough: Callable[[int], bool]) -> str:
    """The remedy by a larger pool, where nodes of its machine type do."""
    most = _nodes(pool)
    enough = next(filter(is_enough, range(most + 1, most + _FURTHEST + 1)), None)
    if enough is None:
        return "take a larger machine type for the pool"
    key = "maxCount" if pool.grown_by and pool.max_count > pool.node_count else "count"
    return f"raise cluster.nodePools.{pool.name}.{key} to {enough}"
