"""Plans this machine: one node pool, and a folder as its volume."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from components.catalog import Catalog, MachineType
from components.errors import Problem, Problems, SpecError, UnsupportedError
from components.fabric import Collective
from components.home import expand_home
from components.plan.cluster import ClusterPlan, NodePoolPlan, PodBinding, RefusedClusterError, VolumePlan
from components.plan.part import Decision, PartPlan
from components.spec.base import Spec
from components.spec.cluster import NodePoolSpec
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from components.spec.training import TrainingSpec
from providers.local.catalog import catalog

MACHINE = "penstock:local:Machine"
VOLUME_PATH = "storage.volume.path"
NOT_HERE = "does not apply to this machine; remove it, or use another cloud"
OF_A_CLUSTER = {"image", "queue", "priority", "topology"}
"""Fields of a training run that only a cluster's scheduler has."""


def plan(spec: StackSpec, stack: str, now: datetime) -> ClusterPlan:
    """One pool of this machine and its volume; SpecError with every problem at once."""
    offered = catalog()
    problems = Problems()
    pools: list[NodePoolPlan] = []
    for index, pool in enumerate(spec.cluster.node_pools):
        pools += filter(None, [problems.collect(_plan_pool, pool, offered)])
        if index:
            message = "this machine is one node pool; remove this one, or use another cloud"
            problems.append(Problem(path=f"cluster.nodePools.{pool.name}", message=message))
    problems += _meaningless(spec)
    problems += _corpus_problems(spec)
    volume = problems.collect(_plan_volume, spec, stack)
    if volume is None or len(spec.cluster.node_pools) > 1 or not pools:
        raise SpecError(problems)
    plan = ClusterPlan(
        cloud=offered.cloud,
        resource_type=MACHINE,
        node_pools=tuple(pools),
        volume=volume,
        scheduler=offered.capabilities.schedulers[0],
        parts=(
            PartPlan(decisions=_volume_decisions(spec, volume)),
            PartPlan(decisions=tuple(map(_fabric_decision, pools))),
        ),
    )
    if problems:
        raise RefusedClusterError(problems, plan)
    return plan


def _plan_pool(pool: NodePoolSpec, offered: Catalog) -> NodePoolPlan:
    path = f"cluster.nodePools.{pool.name}"
    machine = offered.machine_type(pool.machine_type, f"{path}.machineType")
    if pool.count < 1:
        raise SpecError([Problem(path=f"{path}.count", message=f"{pool.count} is out of range; 1 is right here")])
    if pool.count > offered.capabilities.max_nodes_per_pool:
        message = (
            f"{pool.count} machines, but there is 1 of {machine.name}; write 1, more ranks are training.ranksPerNode"
        )
        raise UnsupportedError([Problem(path=f"{path}.count", message=message)])
    collective = Collective.NCCL if machine.accelerator_count else Collective.GLOO
    return NodePoolPlan(
        name=pool.name,
        machine=machine,
        node_count=pool.count,
        min_count=pool.count,
        max_count=pool.count,
        fabric=machine.fabric,
        collective=collective,
        binding=_binding(machine),
    )


def _meaningless(spec: StackSpec) -> Iterator[Problem]:
    """Requests of the user that one machine cannot meet: told, not passed over, and before their form."""
    misplaced = sorted({".".join(path.split(".")[:2]) for path in spec.refused if _is_of_a_cluster(path)})
    yield from (Problem(path=path, message=NOT_HERE) for path in misplaced)
    yield from _beyond(spec.cluster, "cluster", {"cloud", "node_pools"})
    for pool in spec.cluster.node_pools:
        yield from _beyond(pool, f"cluster.nodePools.{pool.name}", {"name", "machine_type", "count"})
    yield from _beyond(spec.storage, "storage", {"volume"})
    yield from _beyond(spec.platform, "platform", set())
    yield from _beyond(spec.scheduler, "scheduler", {"kind"})
    if (kind := spec.scheduler.kind) not in (None, SchedulerKind.PROCESS):
        yield Problem(path="scheduler.kind", message=f"'{kind}' needs a Kubernetes; remove it, or use another cloud")
    if spec.training:
        yield from _beyond(spec.training, "training", set(TrainingSpec.model_fields) - OF_A_CLUSTER)


def _beyond(part: Spec, path: str, known: set[str]) -> Iterator[Problem]:
    for name in sorted(part.model_fields_set - known):
        key = type(part).model_fields[name].alias or name
        yield Problem(path=f"{path}.{key}", message=NOT_HERE)


def _is_of_a_cluster(path: str) -> bool:
    """True for a path that has no place here, whatever is written there."""
    section, _, rest = path.partition(".")
    key = rest.partition(".")[0]
    match section:
        case "cluster":
            return key not in ("cloud", "nodePools")
        case "training":
            return key in OF_A_CLUSTER
        case "inference":
            return key in ("autoscaling", "canary", "route")
        case _:
            return section in ("platform", "scheduler")


def _binding(machine: MachineType) -> PodBinding:
    """One thread per rank on a CPU, or the ranks would wait for each other's; loopback for the rendezvous."""
    env = {"GLOO_SOCKET_IFNAME": "lo"}
    if not machine.accelerator_count:
        env |= {"OMP_NUM_THREADS": "1"}
    return PodBinding(env=env)


def _plan_volume(spec: StackSpec, stack: str) -> VolumePlan:
    """The folder; SpecError when it is none that a volume can be."""
    asked = spec.storage.volume
    data_home = os.environ.get("XDG_DATA_HOME", "")
    if not data_home.startswith(("/", "~")):  # a relative one is to be ignored: XDG Base Directory Specification
        data_home = "~/.local/share"
    try:
        path, home = expand_home(asked.path or f"{data_home}/penstock/{stack}"), expand_home("~")
    except ValueError as error:
        raise SpecError([Problem(path=VOLUME_PATH, message=str(error))]) from None
    # Not resolved: what a link points to is for the preflight, which may look at the disk.
    path = Path(os.path.normpath(path))
    if path in {Path("/"), home, *home.parents}:
        message = f"{path} holds more than a volume; give a folder of its own below it, such as {path / 'penstock'}"
        raise SpecError([Problem(path=VOLUME_PATH, message=message)])
    return VolumePlan(path=str(path), on_destroy=asked.on_destroy)


def _volume_decisions(spec: StackSpec, volume: VolumePlan) -> tuple[Decision, ...]:
    if spec.storage.volume.path:
        return ()
    reason = "a folder named after the stack among the user's own data"
    return (Decision(path=VOLUME_PATH, value=volume.path, reason=reason),)


def _corpus_problems(spec: StackSpec) -> Iterator[Problem]:
    """Paths that name no place; what lies there is for the preflight, which may look at the disk."""
    if spec.training is None:
        return
    asked = [(f"data.{key}", path) for key, path in spec.training.data.paths()]
    for key, path in [*asked, ("model.from", spec.training.model.from_folder or "/")]:
        try:
            expand_home(path)
        except ValueError as error:
            yield Problem(path=f"training.{key}", message=str(error))


def _fabric_decision(pool: NodePoolPlan) -> Decision:
    machine = pool.machine
    chips = f"{machine.accelerator_count} x {machine.accelerator.name}" if machine.accelerator else "no accelerator"
    reason = f"{machine.name} has {machine.cores} cores, {machine.memory_gib:.1f} GiB and {chips}"
    return Decision(
        path=f"cluster.nodePools.{pool.name}.fabric", value=f"{pool.fabric}/{pool.collective}", reason=reason
    )
