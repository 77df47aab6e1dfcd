"""What a training run and an inference service become on a node pool: pure, and the same for every scheduler."""

import hashlib
import json
from collections.abc import Sequence

from components.errors import Problem, SpecError
from components.estimate.memory import estimate_memory, state_bytes
from components.plan.fabric import Collective
from components.plan.types import Decision, JobPlan, NodePoolPlan, ServicePlan, VolumePlan
from components.spec.explain import suggestion
from components.spec.inference import InferenceSpec
from components.spec.training import ParallelSpec, Precision, Sharding, TrainingSpec

GIB = 2**30

STOP_S = 30.0
"""Seconds that ranks get from the request to stop until they are killed: a step and a checkpoint of a model that
trains on one machine, with a margin. Kubernetes' own default is the same."""


def plan_training(
    spec: TrainingSpec, pools: Sequence[NodePoolPlan], volume: VolumePlan
) -> tuple[JobPlan, tuple[Decision, ...]]:
    """The job that runs `spec`, and what was decided for the user; SpecError when the pool cannot hold it."""
    pool = pool_named(spec.pool, pools, "training.pool")
    decided, decisions = decide(spec, pool)
    rank_gib = estimate_memory(decided).total_bytes / GIB
    problems = _misfits(decided, pool, rank_gib)
    if problems:
        raise SpecError(problems)
    identity = run_identity(decided)
    folder = f"{volume.path}/runs/{spec.name}-{identity[:8]}"
    device = "cuda" if pool.collective is Collective.NCCL else "cpu"
    job = JobPlan(
        name=spec.name,
        pool=pool.name,
        nodes=decided.nodes,
        min_nodes=decided.min_nodes or decided.nodes,
        ranks_per_node=_ranks(decided),
        program=("-m", "workloads.pretrain"),
        env=dict(pool.binding.env),
        config={
            "training": decided.model_dump(mode="json", by_alias=True),
            "runFolder": folder,
            "device": device,
            "stopS": STOP_S,
        },
        run_folder=folder,
        identity=identity,
        grace_s=STOP_S + 15,
        max_agent_restarts=spec.max_restarts,
        memory_gib=rank_gib * _ranks(decided),
    )
    return job, decisions


def plan_inference(
    spec: InferenceSpec, pools: Sequence[NodePoolPlan], volume: VolumePlan, training: JobPlan | None
) -> ServicePlan:
    """The servers that `spec` asks for; SpecError when they would serve a training run that the stack does not have."""
    pool = pool_named(spec.pool, pools, "inference.pool")
    if spec.model.path is None and training is None:
        remedy = "describe one under penstock:training, or give inference.model.path"
        raise SpecError([Problem(path="inference.model.fromTraining", message=f"this stack trains nothing; {remedy}")])
    model_folder = spec.model.path or (training.run_folder if training else "")
    return ServicePlan(
        name=spec.name,
        pool=pool.name,
        program=("-m", "workloads.serve"),
        env=dict(pool.binding.env),
        config={
            "inference": spec.model_dump(mode="json", by_alias=True),
            "modelFolder": model_folder,
            "device": "cuda" if pool.collective is Collective.NCCL else "cpu",
        },
        ports=tuple(range(spec.port, spec.port + spec.replicas)),
        host=spec.host,
        state_folder=f"{volume.path}/services/{spec.name}",
        model_folder=model_folder,
        follows_training=spec.model.path is None,
        drain_s=spec.drain_s,
    )


def pool_named(name: str | None, pools: Sequence[NodePoolPlan], path: str) -> NodePoolPlan:
    """The pool a workload asked for, or the only one there is."""
    known = [pool.name for pool in pools]
    if name is None and len(pools) == 1:
        return pools[0]
    for pool in pools:
        if pool.name == name:
            return pool
    if name is None:
        raise SpecError([Problem(path=path, message=f"there are several node pools; choose one of {', '.join(known)}")])
    hint = suggestion(name, known) or f"; there is {', '.join(known)}"
    raise SpecError([Problem(path=path, message=f"{name!r} is not a node pool of this stack{hint}")])


def decide(spec: TrainingSpec, pool: NodePoolPlan) -> tuple[TrainingSpec, tuple[Decision, ...]]:
    """The spec with nothing left open, and each decision that this took."""
    ranks, ranks_why = _default_ranks(pool)
    precision, precision_why = _default_precision(pool)
    sharding, sharding_why = _default_sharding(spec, pool)
    open_fields = (
        ("pool", spec.pool, pool.name, "the only node pool"),
        ("minNodes", spec.min_nodes, spec.nodes, "the run needs all its nodes unless told otherwise"),
        ("ranksPerNode", spec.ranks_per_node, ranks, ranks_why),
        ("precision", spec.precision, precision, precision_why),
        ("parallel.sharding", spec.parallel.sharding, sharding, sharding_why),
    )
    decisions = tuple(
        Decision(path=f"training.{path}", value=str(value), reason=reason)
        for path, asked, value, reason in open_fields
        if asked is None
    )
    filled = spec.model_copy(
        update={
            "pool": pool.name,
            "min_nodes": spec.min_nodes or spec.nodes,
            "ranks_per_node": spec.ranks_per_node or ranks,
            "precision": spec.precision or precision,
            "parallel": _filled_parallel(spec, sharding, spec.ranks_per_node or ranks),
        }
    )
    return filled, decisions


def run_identity(spec: TrainingSpec) -> str:
    """Digest (sha256, hex) of what cannot change while a run continues: the model, the data, the batch and the seed."""
    fixed = spec.model_dump(mode="json", include={"name", "model", "data", "seed"}) | {"batch": spec.batch.sequences}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def _default_ranks(pool: NodePoolPlan) -> tuple[int, str]:
    machine = pool.machine
    if machine.accelerator_count:
        return machine.accelerator_count, "one rank per accelerator"
    return machine.cores, f"one rank per core; {machine.name} has no accelerator"


def _default_precision(pool: NodePoolPlan) -> tuple[Precision, str]:
    if pool.machine.accelerator:
        return Precision.BF16, f"{pool.machine.accelerator.name} multiplies bf16 at twice the rate of tf32 or more"
    return Precision.FP32, "attention in bf16 is slower than in fp32 on a CPU (torch 2.15)"


def _default_sharding(spec: TrainingSpec, pool: NodePoolPlan) -> tuple[Sharding, str]:
    accelerator = pool.machine.accelerator
    room = accelerator.memory_gib if accelerator else pool.machine.memory_gib / _default_ranks(pool)[0]
    needed = state_bytes(spec.model) / GIB
    figures = f"training state {needed:.2f} GiB, {room:.0f} GiB for each rank"
    if needed < 0.4 * room:
        return Sharding.DDP, f"{figures}: a copy on each rank is the least traffic"
    return Sharding.FSDP, f"{figures}: sharded so that it fits"


def _filled_parallel(spec: TrainingSpec, sharding: Sharding, ranks: int) -> ParallelSpec:
    chosen = spec.parallel.sharding or sharding
    shard_ranks = (spec.parallel.shard_ranks or ranks) if chosen is Sharding.HSDP else None
    return ParallelSpec(sharding=chosen, shard_ranks=shard_ranks)


def _ranks(spec: TrainingSpec) -> int:
    assert spec.ranks_per_node is not None
    return spec.ranks_per_node


def _world_size(spec: TrainingSpec) -> int:
    return spec.nodes * _ranks(spec)


def _misfits(spec: TrainingSpec, pool: NodePoolPlan, rank_gib: float) -> list[Problem]:
    found = (
        _too_many_nodes(spec, pool),
        _too_many_ranks(spec, pool),
        _too_little_memory(spec, pool, rank_gib),
        _uneven_sharding(spec),
        _too_small_batch(spec),
    )
    return [problem for problem in found if problem]


def _too_many_nodes(spec: TrainingSpec, pool: NodePoolPlan) -> Problem | None:
    if spec.nodes <= pool.node_count:
        return None
    message = f"{spec.nodes} nodes, but the pool '{pool.name}' has {pool.node_count}; at most {pool.node_count}"
    return Problem(path="training.nodes", message=message)


def _too_many_ranks(spec: TrainingSpec, pool: NodePoolPlan) -> Problem | None:
    machine = pool.machine
    if not machine.accelerator_count or _ranks(spec) <= machine.accelerator_count:
        return None
    message = (
        f"{_ranks(spec)} ranks, but {machine.name} has {machine.accelerator_count} accelerators; one rank needs one"
    )
    return Problem(path="training.ranksPerNode", message=message)


def _too_little_memory(spec: TrainingSpec, pool: NodePoolPlan, rank_gib: float) -> Problem | None:
    machine, ranks = pool.machine, _ranks(spec)
    if machine.accelerator:
        if rank_gib <= machine.accelerator.memory_gib:
            return None
        message = (
            f"a rank needs about {rank_gib:.1f} GiB, one {machine.accelerator.name} has "
            f"{machine.accelerator.memory_gib}; sharding: fsdp, activationCheckpointing, or a smaller model or "
            "batch.microSequences"
        )
        return Problem(path="training.model", message=message)
    if ranks * rank_gib <= machine.memory_gib:
        return None
    message = (
        f"{ranks} ranks need about {ranks * rank_gib:.1f} GiB together, {machine.name} has {machine.memory_gib:.1f}; "
        "fewer ranks, a smaller model, or a smaller batch.microSequences"
    )
    return Problem(path="training.ranksPerNode", message=message)


def _uneven_sharding(spec: TrainingSpec) -> Problem | None:
    shard_ranks = spec.parallel.shard_ranks
    if not shard_ranks or _world_size(spec) % shard_ranks == 0:
        return None
    message = f"{shard_ranks} does not divide the world size ({_world_size(spec)})"
    return Problem(path="training.parallel.shardRanks", message=message)


def _too_small_batch(spec: TrainingSpec) -> Problem | None:
    world_size, sequences = _world_size(spec), spec.batch.sequences
    if world_size <= sequences:
        return None
    message = f"{sequences} sequences cannot be shared by {world_size} ranks; at least one each"
    return Problem(path="training.batch.sequences", message=message)
