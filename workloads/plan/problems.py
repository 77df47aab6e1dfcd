"""Problems of a training run on its pool: the reasons for which it is refused before anything is made."""

from components.errors import Problem
from components.estimate.stop import StopEstimate
from components.fabric import Collective
from components.plan.cluster import Mount, NodePoolPlan, VolumePlan
from components.spec.training import TrainingSpec
from workloads.plan.sizes import Estimate, PodSize, estimate, image_problem, rank_gib


def misfits(spec: TrainingSpec, pool: NodePoolPlan, needed: Estimate, *, pods: bool) -> list[Problem]:
    """Problems of this pool for a spec with nothing left open, wherever it is; of devices that are no good for it, no
    sizes are judged."""
    if unknown := unknown_device(pool, "training.pool"):
        return [problem for problem in (unknown, too_many_nodes(spec, pool, pods=pods)) if problem]
    found = (
        too_many_nodes(spec, pool, pods=pods),
        too_many_ranks(spec, pool),
        too_little_memory(spec, pool, rank_gib(needed.memory, pool)),
        uneven_sharding(spec),
        too_small_batch(spec),
        _too_slow(spec, pool, needed.least_step_s),
        _too_short_grace(spec, needed.stop),
    )
    return [problem for problem in found if problem]


def pod_misfits(
    spec: TrainingSpec, pool: NodePoolPlan, volume: VolumePlan, size: PodSize, *, registry: bool
) -> list[Problem]:
    """Problems of a Kubernetes for it on top."""
    found = (
        image_problem(spec.image, "training.image", registry=registry),
        no_volume(volume, "a run needs a folder that its nodes share"),
        _origin_elsewhere(spec, pool, volume),
        no_fabric(spec, pool),
        _too_large_a_pod(pool, size),
    )
    return [problem for problem in found if problem]


def too_many(spec: TrainingSpec, pool: NodePoolPlan, *, pods: bool) -> bool:
    """True if a spec with nothing left open would have to have fewer ranks on a node."""
    found = estimate(spec, pool, 0.0, pods=pods)
    crowded = _too_large_a_pod(pool, found.pod) if pods else None
    needs_gib = rank_gib(found.memory, pool)
    uneven = uneven_sharding(spec) or too_small_batch(spec)
    return any((crowded, uneven, too_little_memory(spec, pool, needs_gib)))


def unknown_device(pool: NodePoolPlan, path: str) -> Problem | None:
    """The accelerators that penstock's own workloads cannot compute on: those of which torch itself knows nothing."""
    chip = pool.machine.accelerator
    if pool.collective is not Collective.NEURON and (chip is None or pool.collective is Collective.NCCL):
        return None
    training = path.startswith("training.")
    remedy = (
        "write engine: command with a program and an image of your own" if training else "serve by jobs of your own"
    )
    message = (
        f"{pool.name!r} has {chip.name if chip else 'Neuron devices'}, and penstock's own workloads run on NVIDIA's "
        f"and AMD's accelerators and on processors; choose a pool of those, or {remedy}"
    )
    return Problem(path=path, message=message)


def no_volume(volume: VolumePlan, why: str) -> Problem | None:
    """Pods keep nothing but what lies on a file system of the cluster."""
    if volume.claim:
        return None
    return Problem(path="storage", message=f"{why}, and this cluster has no file system; add storage.fileSystem")


def home_of(folder: str | None, pool: NodePoolPlan, volume: VolumePlan) -> Mount:
    """The file system of the pool's pods that has the folder; the volume where none has it, or none is given."""
    found = [one for one in pool.binding.mounts if folder is not None and lies_on(folder, one)]
    return max(found, key=lambda one: len(one.path), default=Mount(volume=volume.claim, path=volume.mount_path))


def lies_on(folder: str, mount: Mount) -> bool:
    """True of a folder on that file system."""
    return f"{folder}/".startswith(f"{mount.path.rstrip('/')}/")


def _origin_elsewhere(spec: TrainingSpec, pool: NodePoolPlan, volume: VolumePlan) -> Problem | None:
    """The folder that a run starts from, where no pod would find it."""
    folder = spec.model.from_folder
    if folder is None or not volume.claim or lies_on(folder, home_of(folder, pool, volume)):
        return None
    mount = volume.mount_path.rstrip("/")
    message = f"{folder!r} is on no file system that pods have; copy it below {mount}, and give that path"
    return Problem(path="training.model.from", message=message)


def no_fabric(spec: TrainingSpec, pool: NodePoolPlan) -> Problem | None:
    """A gang of accelerators on plain Ethernet is a mistake, unless somebody has said that it is none."""
    gang = spec.nodes > 1 and pool.machine.accelerator_count > 0 and pool.slices is None
    if not gang or not pool.fabric.is_plain or pool.fabric_waived:
        return None
    message = (
        f"{spec.nodes} nodes of {pool.machine.name}, but the pool {pool.name!r} has no fabric, so they would use "
        f"plain TCP; choose a pool with one, or say why that is enough with cluster.nodePools.{pool.name}.fabric: "
        "{none: <reason>}"
    )
    return Problem(path="training.pool", message=message)


def _too_large_a_pod(pool: NodePoolPlan, size: PodSize) -> Problem | None:
    room = pool.room
    if size.memory_gib <= room.memory_gib and room.cores >= 0.1:
        return None
    message = (
        f"the pod of one node needs {size.memory_gib:.1f} GiB (ranks, their agent and /dev/shm), and of "
        f"{pool.machine.name}'s {pool.machine.memory_gib:.1f} GiB and {pool.machine.cores} cores a node leaves "
        f"{room.memory_gib:.1f} GiB and {room.cores:.1f}; fewer ranks, a smaller model, or a larger machine type"
    )
    return Problem(path="training.ranksPerNode", message=message)


def _too_slow(spec: TrainingSpec, pool: NodePoolPlan, step_s: float) -> Problem | None:
    """Without accelerators it runs on processors, if a step is then sure not to pass for a hang."""
    limit_s = spec.guard.hang_timeout_s
    if pool.machine.accelerator_count or step_s <= limit_s:
        return None
    message = (
        f"{pool.name!r} has no accelerators, and on its processors one step takes {step_s:.0f} s at least: "
        f"more than guard.hangTimeoutS ({limit_s:.0f}), so the run would be taken for hung; choose a pool with "
        "accelerators, or a smaller model or batch"
    )
    return Problem(path="training.pool", message=message)


def _too_short_grace(spec: TrainingSpec, needed: StopEstimate) -> Problem | None:
    if spec.grace_s is None or spec.grace_s >= needed.total_s:
        return None
    message = (
        f"{spec.grace_s:g} s are fewer than the {needed.total_s:.0f} s that the run needs to keep what it has: "
        f"{needed}; raise it, or leave it out"
    )
    return Problem(path="training.graceS", message=message)


def too_many_nodes(spec: TrainingSpec, pool: NodePoolPlan, *, pods: bool) -> Problem | None:
    """More nodes than the pool can ever have."""
    most = max(pool.node_count, pool.max_count) if pods else pool.node_count
    if spec.nodes <= most:
        return None
    message = f"{spec.nodes} nodes, but the pool '{pool.name}' has {pool.node_count}; at most {most}"
    return Problem(path="training.nodes", message=message)


def part_of_a_slice(spec: TrainingSpec, pool: NodePoolPlan) -> Problem | None:
    """Nodes that are no whole number of slices: TPUs of a slice start together, or not at all."""
    if pool.slices is None or spec.nodes % pool.slices.nodes == 0:
        return None
    size = pool.slices.nodes
    less, more = spec.nodes // size * size, -(-spec.nodes // size) * size
    fits = f"{less} or {more}" if less and more <= pool.max_count else str(less or more)
    message = f"{spec.nodes} nodes, and a slice of the pool {pool.name!r} has {size}; write {fits}"
    return Problem(path="training.nodes", message=message)


def too_many_ranks(spec: TrainingSpec, pool: NodePoolPlan) -> Problem | None:
    """More ranks on a node than it has accelerators, where it has some."""
    machine = pool.machine
    if pool.slices is not None and _ranks(spec) > 1:
        message = f"{_ranks(spec)} ranks, but a process takes all TPUs of its node; write 1, or leave it out"
        return Problem(path="training.ranksPerNode", message=message)
    if not machine.accelerator_count or _ranks(spec) <= machine.accelerator_count:
        return None
    most = machine.accelerator_count
    message = f"{_ranks(spec)} ranks, but {machine.name} has {most} accelerators, one for each; {most} or less is right"
    return Problem(path="training.ranksPerNode", message=message)


def too_little_memory(spec: TrainingSpec, pool: NodePoolPlan, needed_gib: float) -> Problem | None:
    """A rank that does not fit its accelerator; ranks that do not fit their machine where it has none."""
    machine, ranks = pool.machine, _ranks(spec)
    if machine.accelerator:
        if needed_gib <= machine.accelerator.memory_gib:
            return None
        message = (
            f"a rank needs about {needed_gib:.1f} GiB, one {machine.accelerator.name} has "
            f"{machine.accelerator.memory_gib}; sharding: fsdp, activationCheckpointing: full, or a smaller "
            "model or batch.microSequences"
        )
        return Problem(path="training.model", message=message)
    if ranks * needed_gib <= machine.memory_gib:
        return None
    need = "1 rank needs about" if ranks == 1 else f"{ranks} ranks need about"
    message = (
        f"{need} {ranks * needed_gib:.1f} GiB, {machine.name} has {machine.memory_gib:.1f}; "
        "fewer ranks, a smaller model, or a smaller batch.microSequences"
    )
    return Problem(path="training.ranksPerNode", message=message)


def uneven_sharding(spec: TrainingSpec) -> Problem | None:
    """Copies of the model that do not come out even."""
    shard_ranks = spec.parallel.shard_ranks
    if not shard_ranks or _world_size(spec) % shard_ranks == 0:
        return None
    message = f"{shard_ranks} does not divide the world size ({_world_size(spec)})"
    return Problem(path="training.parallel.shardRanks", message=message)


def too_small_batch(spec: TrainingSpec) -> Problem | None:
    """Ranks without a sequence."""
    world_size, sequences = _world_size(spec), spec.batch.sequences
    if world_size <= sequences:
        return None
    message = f"{sequences} sequences cannot be shared by {world_size} ranks; at least one each"
    return Problem(path="training.batch.sequences", message=message)


def _ranks(spec: TrainingSpec) -> int:
    assert spec.ranks_per_node is not None
    return spec.ranks_per_node


def _world_size(spec: TrainingSpec) -> int:
    return spec.nodes * _ranks(spec)
