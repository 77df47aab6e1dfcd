"""Plans a training run on a node pool: pure, and the same for every scheduler."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from components.errors import Problem, SpecError
from components.estimate.memory import estimate_memory, state_bytes
from components.estimate.stop import LEAST_GRACE_S, MARGIN_S, StopEstimate
from components.fabric import Collective
from components.plan.cluster import NodePoolPlan, VolumePlan
from components.plan.part import Decision
from components.plan.work import JobPlan
from components.spec.explain import suggestion
from components.spec.scheduler import TopologyRequest
from components.spec.training import ParallelSpec, Precision, Sharding, TrainerKind, TrainingSpec
from workloads.plan.command import command_problems, plan_command
from workloads.plan.preparation import PREPARED, plan_preparation
from workloads.plan.problems import misfits, pod_misfits, too_many, too_small_batch, uneven_sharding
from workloads.plan.sizes import (
    GIB,
    METRICS_PORT,
    OWN_IMAGE,
    Estimate,
    estimate,
    image_problem,
    rank_gib,
    stand_in_warning,
)
from workloads.plan.trackers import profile_problems, token_references, tracker_problems

DEVICES = {Collective.GLOO: "cpu", Collective.NCCL: "cuda"}
"""Devices that the workloads compute on, by the pool's collective library."""

NOT_THE_TRAINERS = {"engine", "command", "image", "queue", "priority", "topology", "grace_s"}
"""Fields that concern only the starter of the job: the trainer's own file stays as it is when they change."""


def plan_training(
    spec: TrainingSpec,
    pools: Sequence[NodePoolPlan],
    volume: VolumePlan,
    *,
    pods: bool = False,
    registry: bool = False,
) -> tuple[JobPlan, tuple[Decision, ...]]:
    """The job that runs `spec`, and what was decided for the user; SpecError when the pool cannot hold it.

    `pods`: jobs are pods of a Kubernetes, and not processes of one machine. `registry`: the cloud keeps images for the
    stack, so that one may be left out.
    """
    pool = pool_of(spec.pool, pools)
    if pool is None:
        raise SpecError(unplaced_run(spec, [one.name for one in pools], pods=pods, registry=registry))
    if spec.engine is TrainerKind.COMMAND:
        topology, why = _default_topology(spec, pool)
        return plan_command(spec, pool, volume, Decision(path="training.topology", value=topology, reason=why), pods)
    if spec.command:
        message = "is for engine: command; set that, or remove it"
        raise SpecError([Problem(path="training.command", message=message)])
    decided, decisions = decide(spec, pool, pods=pods)
    found = estimate(decided, pool, volume.write_mbps, pods=pods)
    problems = misfits(decided, pool, found, pods=pods)
    problems += profile_problems(decided, pool.machine.accelerator_count)
    problems += tracker_problems(decided.trackers, pods=pods)
    if pods:
        problems += pod_misfits(decided, pool, volume, found.pod, registry=registry)
    if problems:
        raise SpecError(problems)
    job = _job(decided, pool, volume, found)
    if not pods:
        return job, decisions
    preparation, placed = plan_preparation(decided, job, pool, pools)
    return replace(job, preparation=preparation), (*decisions, *placed)


def _job(decided: TrainingSpec, pool: NodePoolPlan, volume: VolumePlan, found: Estimate) -> JobPlan:
    size, chip = found.pod, pool.machine.accelerator
    identity = run_identity(decided)
    folder = f"{volume.path}/runs/{decided.name}-{identity[:8]}"
    grace_s = grace(decided, found.stop)
    return JobPlan(
        name=decided.name,
        pool=pool.name,
        nodes=decided.nodes,
        min_nodes=decided.min_nodes or decided.nodes,
        ranks_per_node=_ranks(decided),
        program=("-m", "workloads.pretrain"),
        env=dict(pool.binding.env),
        config={
            "training": decided.model_dump(mode="json", by_alias=True, exclude=NOT_THE_TRAINERS),
            "runFolder": folder,
            "dataFolder": f"{volume.path}/{PREPARED}",
            "device": DEVICES[pool.collective],
            "stopS": grace_s - MARGIN_S,
            **({"peakTflops": chip.bf16_tflops} if chip and chip.bf16_tflops else {}),
            **({"metricsPort": METRICS_PORT} if size.cpu else {}),
        },
        run_folder=folder,
        identity=identity,
        secrets=token_references(decided.trackers),
        grace_s=grace_s,
        max_agent_restarts=decided.max_restarts,
        memory_gib=rank_gib(found.memory, pool) * _ranks(decided),
        image=decided.image or pool.own_image,
        queue=decided.queue or "",
        priority=decided.priority,
        topology=decided.topology or TopologyRequest.NONE,
        cpu=size.cpu,
        pod_memory_gib=size.memory_gib,
        shm_gib=size.shm_gib,
        claim=volume.claim,
        mount_path=volume.mount_path,
    )


def grace(decided: TrainingSpec, needed: StopEstimate) -> float:
    """Whole seconds from the request to stop to the kill: what the user says, or what a step and a checkpoint need."""
    if decided.grace_s is not None:
        return decided.grace_s
    return float(max(LEAST_GRACE_S, math.ceil(needed.total_s)))


def job_warnings(job: JobPlan, pools: Sequence[NodePoolPlan]) -> tuple[str, ...]:
    """Warnings of a job that will go otherwise than the user may think, though it goes."""
    pool = next(pool for pool in pools if pool.name == job.pool)
    stand_in = stand_in_warning(job.image, "training.image")
    found = (stand_in, _crowded(job, pool), _short_notice(job, pool), _pool_has_to_grow(job, pool))
    return tuple(warning for warning in found if warning)


def unplaced_run(spec: TrainingSpec, pools: Sequence[str], *, pods: bool, registry: bool = False) -> Iterator[Problem]:
    """Problems of a run that show without its cluster, of whose pools only the names are known."""
    wrong_pool = pool_problem(spec.pool, pools, "training.pool")
    if spec.engine is TrainerKind.COMMAND:
        yield from (*filter(None, [wrong_pool]), *command_problems(spec, pods=pods))
        return
    found = (
        wrong_pool,
        image_problem(spec.image, "training.image", registry=registry) if pods else None,
        uneven_sharding(spec) if spec.ranks_per_node else None,
        too_small_batch(spec) if spec.ranks_per_node else None,
    )
    yield from filter(None, found)


def pool_of(name: str | None, pools: Sequence[NodePoolPlan]) -> NodePoolPlan | None:
    """The pool a workload asks for, or the only one there is; None where `pool_problem` has one."""
    asked = [pool for pool in pools if name in (pool.name, None)]
    return asked[0] if len(asked) == 1 else None


def pool_problem(name: str | None, known: Sequence[str], path: str) -> Problem | None:
    """Problem of a workload's pool, by the names of the stack's."""
    if name in known or (name is None and len(known) == 1):
        return None
    if name is None:
        return Problem(path=path, message=f"there are several node pools; choose one of {', '.join(known)}")
    hint = suggestion(name, known) or f"; available: {', '.join(known)}"
    return Problem(path=path, message=f"{name!r} is not a node pool of this stack{hint}")


def decide(spec: TrainingSpec, pool: NodePoolPlan, *, pods: bool = False) -> tuple[TrainingSpec, tuple[Decision, ...]]:
    """The spec with nothing left open, and each decision that this took."""
    ranks, ranks_why = _default_ranks(spec, pool, pods=pods)
    filled = _filled(spec, pool, spec.ranks_per_node or ranks)
    open_fields = (
        ("pool", spec.pool, pool.name, "the only node pool"),
        ("minNodes", spec.min_nodes, spec.nodes, "the run needs all its nodes unless minNodes is set"),
        ("ranksPerNode", spec.ranks_per_node, ranks, ranks_why),
        ("precision", spec.precision, *_default_precision(pool)),
        ("parallel.sharding", spec.parallel.sharding, *_default_sharding(spec, pool, _ranks(filled))),
        *([("topology", spec.topology, *_default_topology(spec, pool))] if pods else []),
        *([("image", spec.image, pool.own_image, OWN_IMAGE)] if pool.own_image else []),
    )
    decisions = tuple(
        Decision(path=f"training.{path}", value=str(value), reason=reason)
        for path, asked, value, reason in open_fields
        if asked is None
    )
    return filled, decisions


def _filled(spec: TrainingSpec, pool: NodePoolPlan, ranks: int) -> TrainingSpec:
    """The spec with so many ranks on a node, and with nothing else left open."""
    sharding, _ = _default_sharding(spec, pool, ranks)
    return spec.model_copy(
        update={
            "pool": pool.name,
            "min_nodes": spec.min_nodes or spec.nodes,
            "ranks_per_node": ranks,
            "precision": spec.precision or _default_precision(pool)[0],
            "parallel": _filled_parallel(spec, sharding, ranks),
            "topology": spec.topology or _default_topology(spec, pool)[0],
        }
    )


def run_identity(spec: TrainingSpec) -> str:
    """Digest (sha256, hex) of what cannot change while a run continues: the model, the data, the batch and the seed."""
    fields = {"name", "model", "lora", "data", "seed"}
    fixed = spec.model_dump(mode="json", include=fields) | {"batch": spec.batch.sequences}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def _default_ranks(spec: TrainingSpec, pool: NodePoolPlan, *, pods: bool) -> tuple[int, str]:
    """One for each accelerator; on processors the most that cores, memory and batch allow."""
    machine = pool.machine
    if machine.accelerator_count:
        return machine.accelerator_count, "one rank per accelerator"
    most = max(1, int(pool.room.cores)) if pods else machine.cores
    left = " that is left to pods" if pods else ""
    for ranks in range(most, 1, -1):
        if not too_many(_filled(spec, pool, ranks), pool, pods=pods):
            fewer = f", of which there are {most}: memory and batch allow no more" if ranks < most else ""
            return ranks, f"one rank per core{left}{fewer}; {machine.name} has no accelerator"
    return 1, f"one rank: memory, batch or cores allow no second; {machine.name} has no accelerator"


def _default_topology(spec: TrainingSpec, pool: NodePoolPlan) -> tuple[TopologyRequest, str]:
    if spec.nodes == 1:
        return TopologyRequest.NONE, "one node needs no topology"
    if not pool.binding.topology_keys:
        return TopologyRequest.NONE, f"the nodes of {pool.name} have no topology labels"
    return TopologyRequest.PREFERRED, f"the nodes of {pool.name} have topology labels"


def _default_precision(pool: NodePoolPlan) -> tuple[Precision, str]:
    if pool.machine.accelerator:
        return Precision.BF16, f"{pool.machine.accelerator.name} multiplies bf16 at twice the rate of tf32 or more"
    return Precision.FP32, "attention in bf16 is slower than in fp32 on a CPU (torch 2.15)"


def _default_sharding(spec: TrainingSpec, pool: NodePoolPlan, ranks: int) -> tuple[Sharding, str]:
    accelerator = pool.machine.accelerator
    room = accelerator.memory_gib if accelerator else pool.machine.memory_gib / ranks
    needed = state_bytes(spec) / GIB
    figures = f"training state {needed:.2f} GiB, {room:.0f} GiB for each rank"
    if needed < 0.4 * room:
        return Sharding.DDP, f"{figures}: a copy on each rank needs the least traffic"
    parallel = ParallelSpec(sharding=Sharding.HSDP, shard_ranks=max(2, ranks))
    inside = {"ranks_per_node": ranks, "precision": spec.precision or _default_precision(pool)[0], "parallel": parallel}
    if spec.nodes > 1 and ranks > 1 and rank_gib(estimate_memory(spec.model_copy(update=inside)), pool) < 0.9 * room:
        return Sharding.HSDP, f"{figures}: a copy on each node, so that weights are gathered inside it"
    return Sharding.FSDP, f"{figures}: sharded over all ranks so that it fits"


def _filled_parallel(spec: TrainingSpec, sharding: Sharding, ranks: int) -> ParallelSpec:
    chosen = spec.parallel.sharding or sharding
    shard_ranks = (spec.parallel.shard_ranks or ranks) if chosen is Sharding.HSDP else None
    return ParallelSpec(sharding=chosen, shard_ranks=shard_ranks)


def _ranks(spec: TrainingSpec) -> int:
    assert spec.ranks_per_node is not None
    return spec.ranks_per_node


def _crowded(job: JobPlan, pool: NodePoolPlan) -> str:
    machine = pool.machine
    if machine.accelerator_count or job.ranks_per_node <= machine.cores:
        return ""
    share = f"{job.ranks_per_node} ranks share {machine.cores} cores"
    return f"training.ranksPerNode: {share}: each is slower than one per core would be"


def _short_notice(job: JobPlan, pool: NodePoolPlan) -> str:
    if pool.notice_s is None or pool.notice_s >= job.grace_s:
        return ""
    if job.command:
        return (
            f"training.graceS: a machine of {pool.name!r} that is taken back is gone {pool.notice_s:.0f} s after the "
            f"word, and the command gets {job.grace_s:.0f}; it may lose what it has not written by then: set "
            f"graceS to {pool.notice_s:.0f} or less and have it write within that, or take machines "
            "that are not taken back"
        )
    return (
        f"training.graceS: a machine of {pool.name!r} that is taken back is gone {pool.notice_s:.0f} s after the word, "
        f"and to keep its last steps the run may need {job.grace_s:.0f}; it then goes on from the checkpoint before, "
        f"at most checkpoint.everySteps ({job.config['training']['checkpoint']['everySteps']}) steps back"
    )


def _pool_has_to_grow(job: JobPlan, pool: NodePoolPlan) -> str:
    if job.nodes <= pool.node_count:
        return ""
    return (
        f"training.nodes: {job.nodes}, and {pool.name!r} has {pool.node_count}: the job waits until {pool.grown_by} "
        f"has added the rest (maxCount {pool.max_count})"
    )
