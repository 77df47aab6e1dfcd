"""Requests of a workload's pod: cores, memory, /dev/shm and the image."""

import re
from dataclasses import dataclass

from components.errors import Problem
from components.estimate.memory import PROCESS_BYTES, MemoryEstimate, estimate_memory
from components.estimate.stop import StopEstimate, estimate_stop, least_cpu_step_s
from components.images import is_in_stack_registry
from components.plan.cluster import NodePoolPlan
from components.spec.inference import InferenceSpec
from components.spec.training import ModelSpec, TrainingSpec

METRICS_PORT = 29401
"""Port on which a job's pods answer Prometheus: beside the store in which they meet."""

GIB = 2**30
BF16_BYTES, FP32_BYTES = 2, 4

AGENT_GIB = 2 * PROCESS_BYTES / GIB
"""The agent of a node and the server that it forks ranks from: each has imported torch."""

DATA_SHARE = 1.25
"""Of the ranks' own: the loader's shards, which are mapped into memory, and what the allocator does not give back."""

SHM_GIB_PER_RANK = 1.0
"""NCCL's buffers between the ranks of a node (NCCL User Guide, "Troubleshooting", shared memory: 1 GB)."""
LEAST_SHM_GIB = 0.0625
"""Size that container runtimes give without being asked: 64 MiB. gloo needs none."""

SERVER_CORES = 4.0
"""Most cores that one replica without an accelerator asks for; it may use more while nobody else does."""

OWN_IMAGE = "penstock's own, which `penstock images push` puts into the stack's registry before the first `up`"
"""Reason for an image that was left out."""

_IMAGE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*(?::\d+(?=/))?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSize:
    """Requests of one pod; nothing where it is none."""

    cpu: float = 0.0
    memory_gib: float = 0.0
    shm_gib: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Estimates of a training run on one pool: made once, and handed down."""

    memory: MemoryEstimate
    """Of one rank."""
    stop: StopEstimate
    least_step_s: float
    """Seconds of a step that the pool's processors do not come under."""
    pod: PodSize
    """Of one node; nothing where it is no pod."""


def estimate(training: TrainingSpec, pool: NodePoolPlan, write_mbps: float, *, pods: bool) -> Estimate:
    """Estimates for a spec with nothing left open; `write_mbps` is 0 where the file system's is unknown."""
    memory = estimate_memory(training)
    return Estimate(
        memory=memory,
        stop=estimate_stop(training, pool.machine, write_mbps),
        least_step_s=least_cpu_step_s(training, pool.machine),
        pod=_job_pod(training, pool, memory) if pods else PodSize(),
    )


def rank_gib(memory: MemoryEstimate, pool: NodePoolPlan) -> float:
    """GiB of one rank: of its accelerator, or of main memory where there is none."""
    return (memory.accelerator_bytes if pool.machine.accelerator else memory.total_bytes) / GIB


def _job_pod(training: TrainingSpec, pool: NodePoolPlan, memory: MemoryEstimate) -> PodSize:
    """One node's pod of a training run with nothing left open.

    A pod with accelerators has the node to itself, so it asks for all of it; one without asks for what it needs.
    """
    ranks, room = training.ranks_per_node or 1, pool.room
    if pool.machine.accelerator_count:
        shm_gib = SHM_GIB_PER_RANK * ranks
        needed = ranks * _host_gib(memory) + AGENT_GIB + shm_gib
        return PodSize(cpu=room.cores, memory_gib=max(needed, room.memory_gib), shm_gib=shm_gib)
    own = ranks * memory.total_bytes / GIB * DATA_SHARE
    memory_gib = round(own + AGENT_GIB + LEAST_SHM_GIB, 2)
    return PodSize(cpu=min(float(ranks), room.cores), memory_gib=memory_gib, shm_gib=LEAST_SHM_GIB)


def image_problem(image: str | None, path: str, *, registry: bool = False) -> Problem | None:
    """Reason why that image cannot be run as it is; a digest or a tag that stays what it is is asked for. `registry`:
    the cloud keeps images for the stack, penstock's own among them.
    """
    if image is None:
        if registry:
            return None
        message = (
            "is missing: on a cluster workloads are pods, and a pod needs an image with penstock's workloads; build "
            "one from images/ (docs/images.md) and name it here"
        )
        return Problem(path=path, message=message)
    found = _IMAGE.fullmatch(image)
    if found is None:
        return Problem(path=path, message=f"{image!r} is not an image; write registry.example/name:tag")
    if is_in_stack_registry(image) and not registry:
        message = f"{image!r} lies in the stack's own registry, and this cloud keeps none; name it by its registry"
        return Problem(path=path, message=message)
    if found["digest"] or found["tag"] not in (None, "latest"):
        return None
    message = f"{image!r} has no fixed version; give it a version tag (not `latest`), or @sha256:<digest>"
    return Problem(path=path, message=message)


def stand_in_warning(image: str, path: str) -> str:
    """Warning of an image whose registry's name is nobody's, "" for any other (RFC 2606, section 3)."""
    host = image.partition("/")[0].partition(":")[0]
    if not re.search(r"(^|\.)example\.(com|net|org)$", host) or "/" not in image:
        return ""
    return f"{path}: {image} stands for an image of your own, and no node can pull it; name yours before `up`"


def server_pod(inference: InferenceSpec, pool: NodePoolPlan, model: ModelSpec | None, accelerators: int = 1) -> PodSize:
    """One node of a replica of a service; `model` is None where its size is not known before it is read.

    With accelerators, the share of the node that goes with those it takes. Without: what the model needs, or where that
    is unknown an equal share of the pool for all replicas and the one more of a rolling update.
    """
    room, count = pool.room, pool.machine.accelerator_count
    if count:
        share = count / accelerators
        return PodSize(cpu=_floor(room.cores / share), memory_gib=_floor(room.memory_gib / share))
    share = 1 + -(-_most_replicas(inference) // max(1, pool.node_count))
    cpu = max(0.1, min(SERVER_CORES, _floor(room.cores / share)))
    if model is None:
        return PodSize(cpu=cpu, memory_gib=_floor(room.memory_gib / share))
    needed = PROCESS_BYTES / GIB + 1.5 * server_gib(inference, model, FP32_BYTES) + 0.5
    return PodSize(cpu=cpu, memory_gib=round(needed, 2))


def server_gib(inference: InferenceSpec, model: ModelSpec, number_bytes: int) -> float:
    """Weights and the cache of keys and values: in bf16 on an accelerator, in fp32 on processors.

    Where an accelerator's cache was left to the server, one text of the model is counted: what it has to hold at least.
    """
    measured = inference.cache_tokens is None and number_bytes == BF16_BYTES
    tokens = model.context if measured else inference.cache_on_processors(model.context)
    cache = tokens * model.layers * 2 * model.kv_heads * model.head_size
    return number_bytes * (model.parameters + cache) / GIB


def _most_replicas(inference: InferenceSpec) -> int:
    most = inference.autoscaling.max_replicas if inference.autoscaling else inference.replicas
    return most + (inference.canary.replicas if inference.canary else 0)


def _floor(value: float) -> float:
    return int(value * 100) / 100


def _host_gib(memory: MemoryEstimate) -> float:
    """Main memory of one rank whose model is on an accelerator: the process, and a checkpoint's copy twice, as the
    buffer that it is copied to and as what is being written."""
    return (PROCESS_BYTES + 2 * memory.staging_bytes) / GIB * DATA_SHARE
