"""Training runs and services on a node pool."""

import pytest

from components.catalog import Accelerator, MachineType
from components.errors import SpecError
from components.fabric import Collective, Fabric
from components.plan.cluster import NodePoolPlan, PodBinding, VolumePlan
from components.plan.work import JobPlan
from components.spec.inference import InferenceSpec, ServedModel
from components.spec.storage import OnDestroy
from components.spec.training import (
    ActivationCheckpointing,
    BatchSpec,
    ModelSpec,
    ParallelSpec,
    Precision,
    Sharding,
    TrainingSpec,
)
from workloads.plan.inference import plan_inference
from workloads.plan.training import decide, plan_training, run_identity

VOLUME = VolumePlan(path="/data", on_destroy=OnDestroy.KEEP)
CHIP = Accelerator(name="h100", vendor="nvidia", reported="H100", memory_gib=80, bf16_tflops=989)


def pool(cores: int = 4, memory_gib: float = 16, chips: int = 0, nodes: int = 1, name: str = "here") -> NodePoolPlan:
    machine = MachineType(
        name="box",
        cores=cores,
        memory_gib=memory_gib,
        accelerator=CHIP if chips else None,
        accelerator_count=chips,
        fabric=Fabric.HOST,
    )
    collective = Collective.NCCL if chips else Collective.GLOO
    binding = PodBinding(env={"GLOO_SOCKET_IFNAME": "lo"})
    return NodePoolPlan(
        name=name, machine=machine, node_count=nodes, min_count=nodes, max_count=nodes, fabric=Fabric.HOST,
        collective=collective, binding=binding,
    )  # fmt: skip


def job(spec: TrainingSpec | None = None, **options: int) -> JobPlan:
    return plan_training(spec or TrainingSpec(), [pool(**options)], VOLUME)[0]  # type: ignore[arg-type] # ints only


def refusal(spec: TrainingSpec, **options: int) -> str:
    with pytest.raises(SpecError) as caught:
        job(spec, **options)
    return str(caught.value)


def test_one_rank_per_core_where_there_is_no_accelerator() -> None:
    assert job(cores=4).ranks_per_node == 4


@pytest.mark.parametrize(
    ("model", "batch", "nodes", "ranks"),
    [
        (ModelSpec(), BatchSpec(sequences=64), 2, 31),
        (ModelSpec(), BatchSpec(), 2, 4),
        (ModelSpec(layers=4, width=1024, heads=8, kv_heads=8, vocabulary=32_000, context=1024), BatchSpec(), 2, 4),
        (
            ModelSpec(layers=4, width=1024, heads=8, kv_heads=8, vocabulary=32_000, context=1024),
            BatchSpec(sequences=512), 2, 15,
        ),
        (ModelSpec(), BatchSpec(sequences=1, micro_sequences=1), 1, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("pods", [True, False])
def test_the_default_of_processors_is_what_cores_memory_and_batch_hold(
    model: ModelSpec, batch: BatchSpec, nodes: int, ranks: int, pods: bool
) -> None:
    spec = TrainingSpec(model=model, batch=batch, nodes=nodes, image="r.example/x:1")
    volume = VolumePlan(path="/data", on_destroy=OnDestroy.KEEP, claim="volume", mount_path="/data")
    planned, decisions = plan_training(spec, [pool(cores=32, memory_gib=128, nodes=2)], volume, pods=pods)
    (why,) = [decision.reason for decision in decisions if decision.path == "training.ranksPerNode"]
    if pods:
        assert planned.ranks_per_node == ranks, why
        assert ("no more" in why) == (1 < ranks < 31)
    more = spec.model_copy(update={"ranks_per_node": planned.ranks_per_node + 1})
    if planned.ranks_per_node < 31:
        with pytest.raises(SpecError):
            plan_training(more, [pool(cores=32, memory_gib=128, nodes=2)], volume, pods=pods)


def test_default_ranks_are_divided_by_the_ranks_of_a_shard() -> None:
    asked = TrainingSpec(parallel=ParallelSpec(sharding=Sharding.HSDP, shard_ranks=3))
    assert job(asked, cores=4).ranks_per_node == 3


def test_one_rank_per_accelerator() -> None:
    planned = job(cores=96, chips=8)
    assert planned.ranks_per_node == 8
    assert planned.config["device"] == "cuda"
    assert planned.config["training"]["precision"] == "bf16"


def test_nothing_that_the_trainer_needs_is_left_open() -> None:
    training = TrainingSpec.model_validate(job().config["training"], strict=False)
    assert None not in (training.pool, training.min_nodes, training.ranks_per_node, training.precision)
    assert training.parallel.sharding is Sharding.DDP


def test_what_the_user_asked_for_is_kept_and_not_called_a_decision() -> None:
    asked = TrainingSpec(ranks_per_node=2, precision=Precision.BF16, parallel=ParallelSpec(sharding=Sharding.HSDP))
    decided, decisions = decide(asked, pool(cores=4))
    assert (decided.ranks_per_node, decided.precision, decided.parallel.shard_ranks) == (2, Precision.BF16, 2)
    assert {decision.path for decision in decisions} == {"training.pool", "training.minNodes"}


def test_a_model_too_large_for_one_accelerator_is_sharded() -> None:
    large = ModelSpec(layers=32, width=4096, heads=32, kv_heads=8, vocabulary=128_000, context=8192)
    full = ActivationCheckpointing.FULL
    training = TrainingSpec(
        model=large, activation_checkpointing=full, batch=BatchSpec(sequences=64, micro_sequences=1)
    )
    decided, _ = decide(training, pool(chips=8, cores=96, memory_gib=2000))
    assert decided.parallel.sharding is Sharding.FSDP
    decided, decisions = decide(training.model_copy(update={"nodes": 4}), pool(chips=8, cores=96, nodes=4))
    assert decided.parallel == ParallelSpec(sharding=Sharding.HSDP, shard_ranks=8)
    assert "a copy on each node" in next(one.reason for one in decisions if one.path == "training.parallel.sharding")
    huge = training.model_copy(update={"nodes": 4, "model": large.model_copy(update={"layers": 256})})
    decided, _ = decide(huge, pool(chips=8, cores=96, nodes=4))
    assert decided.parallel == ParallelSpec(sharding=Sharding.FSDP), "a node does not hold a copy"


def test_the_binding_of_the_pool_reaches_the_job() -> None:
    assert job().env["GLOO_SOCKET_IFNAME"] == "lo"


@pytest.mark.parametrize(
    ("spec", "options", "expected"),
    [
        (TrainingSpec(nodes=2), {}, "training.nodes: 2 nodes, but the pool 'here' has 1"),
        (TrainingSpec(ranks_per_node=9), {"chips": 8}, "9 ranks, but box has 8 accelerators"),
        (TrainingSpec(ranks_per_node=200, batch=BatchSpec(sequences=400)), {}, "fewer ranks, a smaller model"),
        (
            TrainingSpec(ranks_per_node=4, parallel=ParallelSpec(sharding=Sharding.HSDP, shard_ranks=3)),
            {},
            "training.parallel.shardRanks: 3 does not divide the world size (4)",
        ),
        (
            TrainingSpec(ranks_per_node=4, batch=BatchSpec(sequences=2, micro_sequences=1)),
            {},
            "training.batch.sequences: 2 sequences cannot be shared by 4 ranks",
        ),
        (
            TrainingSpec(model=ModelSpec(layers=80, width=8192, heads=64, kv_heads=8, vocabulary=128_000)),
            {"chips": 2, "memory_gib": 2000},
            "one h100 has 80; sharding: fsdp, activationCheckpointing: full, or a smaller model",
        ),
        (TrainingSpec(pool="her"), {}, "training.pool: 'her' is not a node pool of this stack; did you mean 'here'?"),
    ],
)
def test_what_the_pool_cannot_hold_is_refused(spec: TrainingSpec, options: dict[str, int], expected: str) -> None:
    assert expected in refusal(spec, **options)


def test_several_misfits_are_told_at_once() -> None:
    message = refusal(TrainingSpec(nodes=3, batch=BatchSpec(sequences=2, micro_sequences=1)))
    assert "training.nodes" in message
    assert "training.batch.sequences" in message


def test_more_steps_continue_the_same_run() -> None:
    assert job(TrainingSpec(steps=100)).run_folder == job(TrainingSpec(steps=900)).run_folder


def test_another_model_is_another_run() -> None:
    changed = TrainingSpec(model=ModelSpec(layers=5))
    assert run_identity(changed) != run_identity(TrainingSpec())
    assert job(changed).run_folder != job().run_folder


def test_a_choice_among_several_pools_must_be_made() -> None:
    with pytest.raises(SpecError, match="there are several node pools; choose one of a, b"):
        plan_training(TrainingSpec(), [pool(name="a"), pool(name="b")], VOLUME)


def test_each_replica_has_a_port_of_its_own() -> None:
    service = plan_inference(InferenceSpec(replicas=3, port=9000), [pool()], VOLUME, job())
    assert service.ports == (9000, 9001, 9002)
    assert service.follows_training
    assert service.model_folder == job().run_folder


def test_a_service_without_a_model_is_refused() -> None:
    with pytest.raises(SpecError, match="this stack trains nothing"):
        plan_inference(InferenceSpec(), [pool()], VOLUME, None)


def test_a_service_may_serve_a_model_from_elsewhere() -> None:
    service = plan_inference(InferenceSpec(model=ServedModel(path="/models/a")), [pool()], VOLUME, None)
    assert service.model_folder == "/models/a"
    assert not service.follows_training


def test_memory_of_a_run_that_fits_is_kept_in_the_plan() -> None:
    planned = job()
    assert 0 < planned.memory_gib < 16
