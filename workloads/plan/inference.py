"""Plans an inference service on a node pool: pure, and the same for every scheduler."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from components.errors import Problem, Problems, SpecError
from components.fabric import Collective
from components.home import expand_home
from components.plan.cluster import Mount, NodePoolPlan, VolumePlan
from components.plan.work import JobPlan, ServicePlan
from components.serving.engines import ENGINES
from components.spec.inference import EngineKind, InferenceSpec, ScaledBy
from components.spec.training import ModelSpec
from workloads.plan.engines import engine_misfits, engine_problems, engine_warnings, replica_size, shm_gib, start_s
from workloads.plan.problems import home_of, lies_on, no_volume, unknown_device
from workloads.plan.sizes import BF16_BYTES, GIB, PodSize, image_problem, server_gib, server_pod, stand_in_warning
from workloads.plan.training import DEVICES, pool_of, pool_problem

NOT_THE_SERVERS = {
    *("replicas", "image", "nodes_per_replica", "autoscaling", "canary", "route"),
    *("engine", "accelerators_per_replica", "precision", "arguments"),
}
"""Fields that concern only the starter of the servers, or other engines: penstock's own are not renewed when one of
these changes."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - inside a pod, whose network policy says who may come
MARGIN_GIB = 2.0
"""Of an accelerator's memory: torch's context and what one batch needs."""


def plan_inference(  # noqa: PLR0913 (all that surrounds a service, by name)
    spec: InferenceSpec,
    pools: Sequence[NodePoolPlan],
    volume: VolumePlan,
    training: JobPlan | None,
    *,
    pods: bool = False,
    trains: bool = False,
    registry: bool = False,
) -> ServicePlan:
    """The servers that `spec` asks for; SpecError with every reason why they cannot be.

    `pods`: servers are pods of a Kubernetes, and not processes of one machine. `trains`: the stack asks for a run, even
    where `training` is None, as it has been refused. `registry`: the cloud keeps images for the stack.
    """
    trains = trains or training is not None
    pool = pool_of(spec.pool, pools)
    if pool is None:
        raise SpecError(
            unplaced_service(spec, [one.name for one in pools], pods=pods, trains=trains, registry=registry)
        )
    model = _trained(training) if spec.model.from_training else None
    problems = Problems(_misfits(spec, pool, model, pods=pods))
    problems += _own_problems(spec, pods=pods, trains=trains, registry=registry)
    problems += _of_a_command(spec, training)
    home = home_of(spec.model.path, pool, volume)
    problems += _without_a_folder(spec, volume, home) if pods else ()
    size = server_pod(spec, pool, model, max(1, replica_size(spec, pool).per_node)) if pods else PodSize()
    folder = problems.collect(_model_folder, spec, training, pods=pods)
    if folder is None or problems:
        raise SpecError(problems)
    host = EVERY_ADDRESS if pods and "host" not in spec.model_fields_set else spec.host
    service = _service(spec.model_copy(update={"host": host}), pool, volume, home, folder=folder, size=size)
    if spec.engine is EngineKind.PENSTOCK:
        return service
    waits_with = (pool.own_image or training.image) if training and service.follows_training else ""
    return _by_engine(service, spec, pool, volume, model, waits_with)


def unplaced_service(
    spec: InferenceSpec, pools: Sequence[str], *, pods: bool, trains: bool, registry: bool = False
) -> Iterator[Problem]:
    """Problems of a service that show without its cluster, of whose pools only the names are known."""
    if problem := pool_problem(spec.pool, pools, "inference.pool"):
        yield problem
    yield from _own_problems(spec, pods=pods, trains=trains, registry=registry)


def service_warnings(spec: InferenceSpec, pool: NodePoolPlan | None, *, pods: bool = False) -> Iterator[str]:
    """Servers that others reach, where no network policy says who may come; and what an engine may stumble over.
    `pool`: theirs, None where it is refused."""
    if warning := stand_in_warning(spec.image or "", "inference.image"):
        yield warning
    yield from engine_warnings(spec, pool)
    if not pods and spec.host not in LOOPBACK:
        yield (
            f"inference.host: {spec.host} lets everyone in who reaches this machine, as the server asks for no key; "
            "127.0.0.1 keeps it to this machine"
        )


def _service(
    spec: InferenceSpec, pool: NodePoolPlan, volume: VolumePlan, home: Mount, *, folder: str, size: PodSize
) -> ServicePlan:  # fmt: skip
    return ServicePlan(
        name=spec.name,
        pool=pool.name,
        program=ENGINES[spec.engine].arguments(spec, replica_size(spec, pool)),
        env=dict(pool.binding.env),
        config={
            "inference": spec.model_dump(mode="json", by_alias=True, exclude=NOT_THE_SERVERS),
            "modelFolder": folder,
            "device": DEVICES[pool.collective],
        },
        ports=tuple(range(spec.port, spec.port + spec.replicas)),
        host=spec.host,
        state_folder=f"{volume.path}/services/{spec.name}",
        model_folder=folder,
        follows_training=spec.model.from_training is not None,
        drain_s=spec.drain_s,
        image=spec.image or pool.own_image,
        accelerators=replica_size(spec, pool).per_node,
        cpu=size.cpu,
        memory_gib=size.memory_gib,
        claim=home.volume,
        mount_path=home.path,
        nodes_per_replica=spec.nodes_per_replica,
        autoscaling=spec.autoscaling,
        canary=spec.canary,
        route=spec.route,
    )


def _by_engine(
    service: ServicePlan,
    spec: InferenceSpec,
    pool: NodePoolPlan,
    volume: VolumePlan,
    model: ModelSpec | None,
    waits_with: str,
) -> ServicePlan:
    """The same servers as an engine of others."""
    size = replica_size(spec, pool)
    return replace(
        service,
        engine=spec.engine,
        config={},
        image=spec.image or "",
        start_s=start_s(spec, pool, volume, size, model),
        waits_with=waits_with,
        download_folder=f"{volume.path}/hugging-face" if spec.model.hugging_face else "",
        token_secret=spec.model.token_secret or "",
        shm_gib=shm_gib(spec, size),
    )


def _trained(training: JobPlan | None) -> ModelSpec | None:
    """The shape of the model that the stack's own run makes."""
    if training is None or training.command:
        return None
    return ModelSpec.model_validate(training.config["training"]["model"])


def _misfits(spec: InferenceSpec, pool: NodePoolPlan, model: ModelSpec | None, *, pods: bool) -> list[Problem]:
    if queued := _nodes_for_jobs(pool):
        return [queued]
    if spec.engine is not EngineKind.PENSTOCK:
        return list(engine_misfits(spec, pool, model)) if pods else []
    found = (unknown_device(pool, "inference.pool"), _too_large_a_model(spec, pool, model))
    return [problem for problem in found if problem]


def _nodes_for_jobs(pool: NodePoolPlan) -> Problem | None:
    """Nodes that come for a job that Kueue lets in, and never for a server."""
    if pool.provisioning is None:
        return None
    message = f"{pool.name!r} has nodes for the jobs alone that ask for them, and none for servers; choose another pool"
    return Problem(path="inference.pool", message=message)


def _own_problems(spec: InferenceSpec, *, pods: bool, trains: bool, registry: bool) -> list[Problem]:
    """Problems that are the same on every pool."""
    own = spec.engine is EngineKind.PENSTOCK
    on_a_cluster = (
        image_problem(spec.image, "inference.image", registry=registry) if own else None,
        _unreachable(spec),
        _no_way_to_divide(spec),
        _nobody_to_wake(spec),
    )
    beside = on_a_cluster if pods else _beside_a_cluster(spec)
    found = (_nothing_trained(spec, trains=trains), _several_nodes(spec), *beside)
    return [*engine_problems(spec, pods=pods), *(problem for problem in found if problem)]


def _without_a_folder(spec: InferenceSpec, volume: VolumePlan, home: Mount) -> list[Problem]:
    found = (
        no_volume(volume, "servers read their model from a folder"),
        _model_elsewhere(spec.model.path, home, "inference.model.path"),
        _model_elsewhere(spec.canary.path if spec.canary else None, home, "inference.canary.path"),
    )
    return [problem for problem in found if problem]


def _nothing_trained(spec: InferenceSpec, *, trains: bool) -> Problem | None:
    if spec.model.from_training is None or trains:
        return None
    remedy = "describe one under penstock:training, or give inference.model.path"
    return Problem(path="inference.model.fromTraining", message=f"this stack trains nothing; {remedy}")


def _of_a_command(spec: InferenceSpec, training: JobPlan | None) -> list[Problem]:
    """A model that a program of the user's own makes: nobody else knows where it writes it."""
    if spec.model.from_training is None or training is None or not training.command:
        return []
    message = "training.engine is command, which writes its model where it likes; give that as inference.model.path"
    return [Problem(path="inference.model.fromTraining", message=message)]


def _several_nodes(spec: InferenceSpec) -> Problem | None:
    if spec.nodes_per_replica == 1 or spec.engine is not EngineKind.PENSTOCK:
        return None
    message = (
        f"{spec.nodes_per_replica} nodes, but penstock's server holds its model on one; 1 is right, and a larger model "
        "takes an accelerator with more memory, or inference.engine: vllm"
    )
    return Problem(path="inference.nodesPerReplica", message=message)


def _too_large_a_model(spec: InferenceSpec, pool: NodePoolPlan, model: ModelSpec | None) -> Problem | None:
    chip = pool.machine.accelerator
    if model is None or chip is None or pool.collective is not Collective.NCCL:
        return None
    needed = server_gib(spec, model, BF16_BYTES) + MARGIN_GIB
    if needed <= chip.memory_gib:
        return None
    weights_gib = model.parameters * BF16_BYTES / GIB
    cache, remedy = f"a cache of {spec.cache_tokens} tokens", "lower inference.cacheTokens, or choose another pool"
    if spec.cache_tokens is None:
        cache, remedy = f"a cache of one text ({model.context} tokens)", "choose another pool"
    message = (
        f"the trained model ({weights_gib:.1f} GiB) and {cache} need about {needed:.1f} GiB, "
        f"one {chip.name} has {chip.memory_gib}; {remedy}"
    )
    return Problem(path="inference.pool", message=message)


def _unreachable(spec: InferenceSpec) -> Problem | None:
    if "host" not in spec.model_fields_set or spec.host not in LOOPBACK:
        return None
    message = f"{spec.host!r} is heard by nobody outside its own pod; remove it: the network policy says who may come"
    return Problem(path="inference.host", message=message)


def _no_way_to_divide(spec: InferenceSpec) -> Problem | None:
    if spec.canary is None or spec.route is not None:
        return None
    message = (
        "a Gateway divides the requests by weight; give inference.route ({} is penstock's own, inside the cluster)"
    )
    return Problem(path="inference.canary", message=message)


def _nobody_to_wake(spec: InferenceSpec) -> Problem | None:
    """Servers count the requests that wait; where none is up only the proxy of our own Gateway does."""
    if spec.autoscaling is None or not spec.autoscaling.to_zero:
        return None
    if spec.autoscaling.by is ScaledBy.HPA:
        reason = "the HPA reads the queue from the servers themselves; take by: keda and give inference.route"
    elif spec.route is None:
        reason = "with no server up nothing counts the requests that would wake one; give inference.route ({} will do)"
    elif spec.route.gateway is not None:
        reason = f"what the gateway {spec.route.gateway!r} counts is not known; remove inference.route.gateway"
    else:
        return None
    return Problem(path="inference.autoscaling.minReplicas", message=f"0, but {reason}, or take 1")


def _model_folder(spec: InferenceSpec, training: JobPlan | None, *, pods: bool) -> str:
    """Folder of the servers' model; on this machine absolute, as they run in a folder of their own."""
    if spec.model.hugging_face:
        return spec.model.hugging_face
    if spec.model.path is None:
        return training.run_folder if training else ""
    if pods:
        return spec.model.path
    try:
        return str(expand_home(spec.model.path))
    except ValueError as error:
        raise SpecError([Problem(path="inference.model.path", message=str(error))]) from None


def _model_elsewhere(folder: str | None, home: Mount, path: str) -> Problem | None:
    """Servers mount one file system, on which both models of a canary lie."""
    if folder is None or not home.volume or lies_on(folder, home):
        return None
    message = f"{folder!r} is on no file system that pods have; choose one below {home.path}"
    return Problem(path=path, message=message)


def _beside_a_cluster(spec: InferenceSpec) -> list[Problem]:
    asked = {"autoscaling": spec.autoscaling, "canary": spec.canary, "route": spec.route}
    message = "needs Kubernetes, and here servers are processes of one machine; remove it"
    return [Problem(path=f"inference.{key}", message=message) for key, value in asked.items() if value is not None]
