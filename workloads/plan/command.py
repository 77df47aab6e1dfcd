"""Plans a run of a program of the user's own on a node pool: pure, and the same for every scheduler that takes one."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise

from components.errors import Problem, SpecError
from components.estimate.stop import MARGIN_S
from components.plan.cluster import NodePoolPlan, VolumePlan
from components.plan.part import Decision
from components.plan.work import JobPlan
from components.spec.scheduler import TopologyRequest
from components.spec.secret_words import secret_word
from components.spec.training import TrainingSpec
from workloads.plan.problems import no_fabric, no_volume, part_of_a_slice, too_many_nodes, too_many_ranks
from workloads.plan.sizes import METRICS_PORT, SHM_GIB_PER_RANK, image_problem
from workloads.plan.trackers import environment, token_references

GRACE_S = 300.0
"""Seconds from the request to stop to the kill where the stack file says nothing: nobody knows what a program of the
user's own writes by then."""


def plan_command(
    spec: TrainingSpec, pool: NodePoolPlan, volume: VolumePlan, topology: Decision, pods: bool
) -> tuple[JobPlan, tuple[Decision, ...]]:
    """The job that runs the command, and what was decided for the user; SpecError with every reason why it cannot be.

    `topology` is what holds where the spec leaves it open.
    """
    ranks = spec.ranks_per_node or (1 if pool.slices else max(1, pool.machine.accelerator_count))
    decided = spec.model_copy(update={"ranks_per_node": ranks})
    if problems := list(_problems(decided, pool, volume, pods=pods)):
        raise SpecError(problems)
    grace_s = spec.grace_s or GRACE_S
    identity = hashlib.sha256(spec.name.encode()).hexdigest()
    folder = f"{volume.path}/runs/{spec.name}-{identity[:8]}"
    open_fields = (
        ("pool", spec.pool, pool.name, "the only node pool"),
        ("ranksPerNode", spec.ranks_per_node, ranks, _why_so_many(pool)),
        ("graceS", spec.grace_s, grace_s, "nobody knows what the command writes at its end"),
    )
    decisions = [
        Decision(path=f"training.{path}", value=str(value), reason=reason)
        for path, asked, value, reason in open_fields
        if asked is None
    ]
    shm_gib = SHM_GIB_PER_RANK * ranks
    job = JobPlan(
        name=spec.name,
        pool=pool.name,
        nodes=spec.nodes,
        min_nodes=spec.nodes,
        ranks_per_node=ranks,
        program=(),
        command=spec.command,
        env={**pool.binding.env, **environment(spec, folder)},
        secrets=token_references(spec.trackers),
        config={
            "command": list(spec.command),
            "nodes": spec.nodes,
            "ranksPerNode": ranks,
            "runFolder": folder,
            "stopS": grace_s - MARGIN_S,
            "metricsPort": METRICS_PORT,
            **({"sliceNodes": pool.slices.nodes} if pool.slices else {}),
        },
        run_folder=folder,
        identity=identity,
        grace_s=grace_s,
        max_agent_restarts=spec.max_restarts,
        memory_gib=0.0,
        image=spec.image or "",
        queue=spec.queue or "",
        priority=spec.priority,
        topology=spec.topology or TopologyRequest(topology.value),
        cpu=pool.room.cores,
        pod_memory_gib=pool.room.memory_gib,
        shm_gib=shm_gib,
        claim=volume.claim,
        mount_path=volume.mount_path,
    )
    return job, (*decisions, *([topology] if spec.topology is None else []))


def _why_so_many(pool: NodePoolPlan) -> str:
    if pool.slices:
        return "one rank: a process takes all TPUs of its node"
    return "one rank for each accelerator" if pool.machine.accelerator_count else "one rank: no accelerator"


def command_problems(spec: TrainingSpec, *, pods: bool) -> Iterator[Problem]:
    """Problems of a command that show without its cluster."""
    if not pods:
        message = "command, but here jobs are processes of this machine; start it by hand, or remove engine and command"
        yield Problem(path="training.engine", message=message)
        return
    if not spec.command:
        message = "is missing: write the program and its arguments, such as [python3, -m, torchtitan.train]"
        yield Problem(path="training.command", message=message)
    elif reason := _not_started_so(spec.command):
        yield Problem(path="training.command", message=reason)
    if spec.image is None:
        message = "is missing: a command runs in an image of its own; name one with a version tag or @sha256:<digest>"
        yield Problem(path="training.image", message=message)
    elif wrong := image_problem(spec.image, "training.image"):
        yield wrong
    if spec.command and (secret := secret_word(spec.command)):
        message = f"{secret}, which would stand in the plan and in the pod; remove it: the program reads it from a file"
        yield Problem(path="training.command", message=message)
    if spec.grace_s is not None and spec.grace_s < 2 * MARGIN_S:
        message = f"{spec.grace_s:g} s leave a command no time to write anything; at least {2 * MARGIN_S:g}"
        yield Problem(path="training.graceS", message=message)


def _problems(spec: TrainingSpec, pool: NodePoolPlan, volume: VolumePlan, *, pods: bool) -> Iterator[Problem]:
    yield from command_problems(spec, pods=pods)
    if not pods:
        return
    found = (
        too_many_nodes(spec, pool, pods=pods),
        too_many_ranks(spec, pool),
        part_of_a_slice(spec, pool),
        no_volume(volume, "a run needs a folder that its nodes share"),
        no_fabric(spec, pool),
    )
    yield from filter(None, found)


def _not_started_so(command: tuple[str, ...]) -> str:
    """Reason why the command's first words start no rank, or ranks once more; "" where they do."""
    program = command[0]
    if any(blank in program for blank in " \t\n"):
        words = ", ".join(program.split())
        return f"{program!r} is one word, and no shell divides it; write [{words}]"
    first = (program.rpartition("/")[2], *command[1:4])
    modules = [module for flag, module in pairwise(first) if flag == "-m"]
    launcher = next((word for word in (first[0], *modules) if word in _LAUNCHERS), None)
    if launcher:
        return (
            f"{launcher} starts ranks once more, as the command is started once for each rank already; write what each "
            "rank runs, such as [python3, train.py]"
        )
    return ""


_LAUNCHERS = frozenset(
    {"torchrun", "torch.distributed.run", "torch.distributed.launch", "deepspeed", "mpirun", "mpiexec"}
)
"""Programs and modules that start a process for each rank themselves: torch's, DeepSpeed's runner, Open MPI's."""
