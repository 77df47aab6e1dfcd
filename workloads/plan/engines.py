"""Engines of others (vLLM, SGLang) on a pool: the size of a replica, the time of its start, and what cannot be."""

import math
from collections.abc import Iterator

from components.errors import Problem
from components.estimate.stop import UNKNOWN_WRITE_MBPS
from components.fabric import Collective, Fabric
from components.plan.cluster import NodePoolPlan, VolumePlan
from components.serving.engines import ENGINES, ReplicaSize, facts
from components.spec.explain import suggestion
from components.spec.inference import EngineKind, InferenceSpec, ServedPrecision
from components.spec.training import ModelSpec
from workloads.plan.sizes import BF16_BYTES, GIB, SHM_GIB_PER_RANK, image_problem

DOWNLOAD_MBPS = 50.0
"""MB/s at which a node is taken to fetch a model from Hugging Face, at worst: nobody promises more. Assumed."""
READ_MBPS = 1000.0
"""MB/s that one node is taken to read a model with at best, however fast its file system is. Assumed."""

_NOT_THEIRS = {
    "cache_tokens": ("cacheTokens", "sizes its cache from the accelerators' memory"),
    "deadline_s": ("deadlineS", "gives no request up"),
}
"""Fields that mean nothing to an engine of others, with the reason."""


def replica_size(spec: InferenceSpec, pool: NodePoolPlan) -> ReplicaSize:
    """Accelerators of one replica; none where the pool has none."""
    nodes, has = spec.nodes_per_replica, pool.machine.accelerator_count
    per_node = -(-spec.accelerators_per_replica // nodes) if spec.accelerators_per_replica else 1 if nodes == 1 else has
    return ReplicaSize(nodes=nodes, per_node=min(per_node, has))


def start_s(
    spec: InferenceSpec, pool: NodePoolPlan, volume: VolumePlan, size: ReplicaSize, model: ModelSpec | None
) -> float:
    """Seconds until a server answers at the latest; 0 for an engine that answers before it reads its model.

    From the bytes of its weights; where those are not known, from all that its accelerators hold.
    """
    row, chip = ENGINES[spec.engine], pool.machine.accelerator
    if not row.reads_before_it_answers or chip is None:
        return 0.0
    held = size.nodes * size.per_node * chip.memory_gib * GIB
    read = model.parameters * BF16_BYTES if model else held
    rate = DOWNLOAD_MBPS if spec.model.hugging_face else min(volume.write_mbps or UNKNOWN_WRITE_MBPS, READ_MBPS)
    return float(row.start_s + math.ceil(read / 1e6 / rate))


def shm_gib(spec: InferenceSpec, size: ReplicaSize) -> float:
    """Shared memory of a replica whose accelerators talk to each other through it."""
    return SHM_GIB_PER_RANK * size.per_node if spec.engine is not EngineKind.PENSTOCK and size.per_node > 1 else 0.0


def engine_problems(spec: InferenceSpec, *, pods: bool) -> Iterator[Problem]:
    """Problems that are the same on every pool."""
    if spec.engine is EngineKind.PENSTOCK:
        yield from _only_theirs(spec)
        return
    if not pods:
        message = (
            f"{spec.engine}, but here servers are processes of one machine, and it runs in an image of its own on a "
            "Kubernetes; take penstock, or start it by hand"
        )
        yield Problem(path="inference.engine", message=message)
        return
    yield from _without_an_image(spec)
    for field, (key, reason) in _NOT_THEIRS.items():
        if field in spec.model_fields_set:
            yield Problem(path=f"inference.{key}", message=f"{spec.engine} {reason}; remove it")
    yield from _wrong_arguments(spec)


def engine_misfits(spec: InferenceSpec, pool: NodePoolPlan, model: ModelSpec | None) -> Iterator[Problem]:
    """Problems of this pool for an engine of others."""
    machine, chip = pool.machine, pool.machine.accelerator
    if pool.collective is not Collective.NCCL or chip is None:
        what = chip.name if chip else "no accelerator"
        processors = chip is None and pool.collective is not Collective.NEURON
        remedy = "choose another pool, or remove inference.engine" if processors else "choose another pool"
        message = f"{pool.name!r} has {what}, and {spec.engine} needs NVIDIA's or AMD's; {remedy}"
        yield Problem(path="inference.pool", message=message)
        return
    if wrong := _uneven(spec, machine.accelerator_count):
        yield Problem(path="inference.acceleratorsPerReplica", message=wrong)
        return
    size = replica_size(spec, pool)
    if model is None:
        return
    if model.heads % size.per_node:
        fits = max(few for few in range(1, size.per_node) if model.heads % few == 0)
        message = (
            f"the trained model's {model.heads} heads cannot be divided by {size.per_node} accelerators of a node; "
            f"{fits * size.nodes} is right"
        )
        yield Problem(path="inference.acceleratorsPerReplica", message=message)
    weights_gib = model.parameters * (1 if spec.precision is ServedPrecision.FP8 else BF16_BYTES) / GIB
    room_gib = size.nodes * size.per_node * chip.memory_gib * ENGINES[spec.engine].memory_share
    if weights_gib >= room_gib:
        message = (
            f"the trained model's weights are {weights_gib:.1f} GiB, and {spec.engine} takes at most {room_gib:.1f} of "
            f"{size.nodes * size.per_node} {chip.name}; raise it to {_enough(weights_gib, spec, pool)}"
        )
        yield Problem(path="inference.acceleratorsPerReplica", message=message)


def engine_warnings(spec: InferenceSpec, pool: NodePoolPlan | None) -> Iterator[str]:
    """Arguments that the version which the row was read from does not have, and a fabric that its image does not."""
    if spec.engine is EngineKind.PENSTOCK:
        return
    known = facts(spec.engine)
    for flag in _flags(spec):
        if flag not in known["flags"] and flag.replace("--no-", "--", 1) not in known["flags"]:
            hint = suggestion(flag, known["flags"])
            yield (
                f"inference.arguments: {spec.engine} {known['version']} has no {flag}{hint}; it ends at once where its "
                "image has none either"
            )
    for other, row in ENGINES.items():
        name = row.image.rpartition("/")[2]
        if other is not spec.engine and name and spec.image and f"/{name}" in f"/{spec.image}":
            yield (
                f"inference.image: {spec.image} is {other}'s by its name, and inference.engine is {spec.engine}, which "
                f"it may not have; set engine: {other}, or name an image such as {ENGINES[spec.engine].image}"
            )
    if spec.nodes_per_replica > 1 and pool and pool.fabric is Fabric.EFA:
        yield (
            "inference.nodesPerReplica: on EFA the nodes of a replica talk plain TCP unless the image brings libfabric "
            "and aws-ofi-nccl, which upstream's does not"
        )


def _only_theirs(spec: InferenceSpec) -> Iterator[Problem]:
    """Keys that need another engine than penstock's."""
    asked = {
        "model.huggingFace": (spec.model.hugging_face, "give the folder it was fetched to as inference.model.path"),
        "precision": (spec.precision, "remove it"),
        "arguments": (spec.arguments or None, "remove them"),
        "acceleratorsPerReplica": (spec.accelerators_per_replica not in (None, 1) or None, "take 1"),
    }
    for key, (value, remedy) in asked.items():
        if value is not None:
            message = f"is not for penstock's own server; {remedy}, or set inference.engine to vllm or sglang"
            yield Problem(path=f"inference.{key}", message=message)


def _without_an_image(spec: InferenceSpec) -> Iterator[Problem]:
    if spec.image is not None:
        if problem := image_problem(spec.image, "inference.image"):
            yield problem
        return
    example = f"{ENGINES[spec.engine].image}:v{facts(spec.engine)['version']}"
    message = f"is missing: {spec.engine} is in no image of penstock's; name one of its own, such as {example}"
    yield Problem(path="inference.image", message=message)


def _wrong_arguments(spec: InferenceSpec) -> Iterator[Problem]:
    path, own = "inference.arguments", ENGINES[spec.engine].own_flags
    if spec.arguments and not spec.arguments[0].startswith("-"):
        message = f"{spec.arguments[0]!r} is the value of no flag; begin with one, such as --max-model-len=32768"
        yield Problem(path=path, message=message)
    for word in spec.arguments:
        flag, blank, value = word.partition(" ")
        if blank and word.startswith("-") and "=" not in flag and flag not in own:
            message = f"{word!r} is one word, and no shell divides it; write {flag}={value.strip()}"
            yield Problem(path=path, message=message)
    for flag in dict.fromkeys(_flags(spec)):
        if flag in own:
            yield Problem(path=path, message=f"{flag} {_given(own[flag])}")


def _given(key: str) -> str:
    if not key:
        return "is a secret, which would stand in the plan and in the pod; remove it: a proxy before the service asks"
    return f"is given by inference.{key}; set that, and remove it here"


def _flags(spec: InferenceSpec) -> Iterator[str]:
    """The flags among the arguments as their parser knows them: `--a_b.c=1` is `--a-b`."""
    for word in spec.arguments:
        if word.startswith("-") and not word.lstrip("-")[:1].isdigit():
            yield word.split()[0].partition("=")[0].partition(".")[0].replace("_", "-")


def _uneven(spec: InferenceSpec, has: int) -> str:
    """Reason why the accelerators of a replica are not those of whole nodes, or of a part of one."""
    asked, nodes = spec.accelerators_per_replica, spec.nodes_per_replica
    if asked is None:
        return ""
    if nodes > 1 and asked != nodes * has:
        return f"{asked} on {nodes} nodes, whose {has} each a replica takes whole; {nodes * has} is right, or remove it"
    if nodes == 1 and asked > has:
        whole = -(-asked // has)
        return f"{asked}, but a node has {has}; take {has}, or {whole * has} with inference.nodesPerReplica: {whole}"
    return ""


def _enough(weights_gib: float, spec: InferenceSpec, pool: NodePoolPlan) -> str:
    """Accelerators on which the weights have room: doubled, as heads are divided by powers of two."""
    machine = pool.machine
    assert machine.accelerator is not None
    needed = weights_gib / (machine.accelerator.memory_gib * ENGINES[spec.engine].memory_share)
    of_one = [2**power for power in range(10) if 2**power > needed]
    if of_one[0] <= machine.accelerator_count:
        return str(of_one[0])
    nodes = math.floor(needed / machine.accelerator_count) + 1
    return f"{nodes * machine.accelerator_count} with inference.nodesPerReplica: {nodes}"
