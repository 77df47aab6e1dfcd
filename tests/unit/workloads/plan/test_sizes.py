"""Requests of a training run and a service as pods, and their problems."""

from dataclasses import replace
from typing import Any

import pytest

from components.catalog import Accelerator, MachineType
from components.errors import SpecError
from components.estimate.nodes import Room, cautious_allocatable, without_daemons
from components.fabric import Collective, Fabric
from components.plan.cluster import NodePoolPlan, PodBinding, VolumePlan
from components.plan.work import JobPlan, ServicePlan
from components.spec.inference import CanarySpec, InferenceSpec, RouteSpec, ServedModel
from components.spec.scheduler import TopologyRequest
from components.spec.storage import OnDestroy
from components.spec.training import BatchSpec, ModelSpec, Precision, TrainingSpec
from workloads.plan.inference import EVERY_ADDRESS, plan_inference
from workloads.plan.sizes import image_problem
from workloads.plan.training import job_warnings, plan_training

IMAGE = "registry.example/penstock/cuda:2026.11.1"
VOLUME = VolumePlan(path="/fsx/penstock/s", on_destroy=OnDestroy.KEEP, claim="fsx", mount_path="/fsx")
CHIP = Accelerator(name="h100", vendor="nvidia", reported="H100", memory_gib=80, bf16_tflops=989)
LARGE = ModelSpec(layers=32, width=4096, heads=32, kv_heads=8, vocabulary=128_000, context=4096)


def machine(cores: int, memory_gib: float, chips: int = 0) -> MachineType:
    accelerator = CHIP if chips else None
    return MachineType(
        name="box", cores=cores, memory_gib=memory_gib, accelerator=accelerator, accelerator_count=chips,
        fabric=Fabric.EFA if chips else Fabric.ETHERNET,
    )  # fmt: skip


H100 = NodePoolPlan(
    name="train", machine=machine(192, 2048, 8), node_count=4, min_count=4, max_count=8, grown_by="a scaler",
    fabric=Fabric.EFA, collective=Collective.NCCL,
    binding=PodBinding(devices={"nvidia.com/gpu": 8}, topology_keys=("rack",)),
)  # fmt: skip
PROCESSORS = NodePoolPlan(
    name="cpu", machine=machine(8, 32), node_count=2, min_count=2, max_count=2, fabric=Fabric.ETHERNET,
    collective=Collective.GLOO, binding=PodBinding(env={"GLOO_SOCKET_IFNAME": "eth0"}),
)  # fmt: skip


def train(pool: NodePoolPlan = PROCESSORS, volume: VolumePlan = VOLUME, **asked: Any) -> JobPlan:
    spec = TrainingSpec(**({"image": IMAGE} | asked))
    return plan_training(spec, [pool], volume, pods=True)[0]


def serve(
    pool: NodePoolPlan = H100, volume: VolumePlan = VOLUME, job: JobPlan | None = None, **asked: Any
) -> ServicePlan:
    return plan_inference(InferenceSpec(**({"image": IMAGE} | asked)), [pool], volume, job or train(), pods=True)


def refused(step: Any) -> str:
    with pytest.raises(SpecError) as caught:
        step()
    return str(caught.value)


def test_a_pod_with_accelerators_has_what_the_node_does_not_keep() -> None:
    planned, room = train(H100, nodes=2, batch=BatchSpec(sequences=16)), H100.room
    assert (planned.cpu, planned.pod_memory_gib) == (room.cores, room.memory_gib)
    assert 180 < planned.cpu < 192
    assert 1960 < planned.pod_memory_gib < 2016
    assert planned.shm_gib == 8


def test_a_pod_without_accelerators_asks_for_what_it_needs() -> None:
    planned = train(ranks_per_node=2)
    assert planned.cpu == 2
    assert planned.memory_gib < planned.pod_memory_gib < PROCESSORS.room.memory_gib / 2
    assert (planned.claim, planned.mount_path, planned.image) == ("fsx", "/fsx", IMAGE)


def test_in_a_pod_one_rank_for_each_core_that_is_left() -> None:
    assert train(batch=BatchSpec(sequences=16)).ranks_per_node == 7


def test_a_node_of_which_nobody_says_anything_keeps_what_the_widest_cloud_keeps() -> None:
    """GKE leaves 140.14 GiB of 150 nominal ones (its documentation's rule), and the page map takes 150 / 64 of them."""
    offer = cautious_allocatable(machine(8, 150), huge_pages_mib=1024)
    assert offer.memory_gib == pytest.approx(140.1423 - 150 / 64 - 550 / 1024 - 1, abs=0.01)
    assert offer.cores == pytest.approx(8 - 0.09)
    assert cautious_allocatable(machine(1, 1), huge_pages_mib=0).memory_gib > 0


def test_daemon_sets_have_their_share_first() -> None:
    assert without_daemons(Room(cores=7.909, memory_gib=30.509)) == Room(cores=7.4, memory_gib=29.5)
    assert without_daemons(Room(cores=0.4, memory_gib=0.7)) == Room(cores=0.0, memory_gib=0.0)


def test_close_nodes_are_asked_for_where_nodes_say_where_they_are() -> None:
    batch = BatchSpec(sequences=16)
    assert train(H100, nodes=2, batch=batch).topology is TopologyRequest.PREFERRED
    assert train(H100, nodes=1).topology is TopologyRequest.NONE
    assert train(nodes=2, ranks_per_node=1).topology is TopologyRequest.NONE
    asked = train(H100, nodes=2, batch=batch, topology=TopologyRequest.REQUIRED)
    assert asked.topology is TopologyRequest.REQUIRED


def test_what_is_for_the_scheduler_does_not_change_the_trainers_file() -> None:
    one, other = train(image="a/b:1"), train(image="a/b:2", queue="team", grace_s=45.0)
    assert one.config == other.config
    assert one.identity == other.identity


@pytest.mark.parametrize(
    ("image", "wrong"),
    [
        (None, "is missing"),
        ("registry.example/penstock", "has no fixed version"),
        ("registry.example:5000/penstock", "has no fixed version"),
        ("registry.example/penstock:latest", "has no fixed version"),
        ("registry.example/Penstock:1", "is not an image"),
        ("https://registry.example/penstock:1", "is not an image"),
        ("two words:1", "is not an image"),
        ("registry.example:5000/penstock/cuda:1.2", None),
        ("registry.example/penstock@sha256:" + "0" * 64, None),
        ("registry.example/penstock:latest@sha256:" + "0" * 64, None),
        ("123456789012.dkr.ecr.us-east-2.amazonaws.com/a_b-c.d:v1", None),
    ],
)
def test_images_that_stay_what_they_are(image: str | None, wrong: str | None) -> None:
    problem = image_problem(image, "training.image")
    if wrong is None:
        assert problem is None
    else:
        assert problem is not None
        assert wrong in problem.message


def test_the_stacks_own_registry_is_one_only_where_the_cloud_keeps_it() -> None:
    assert image_problem(None, "training.image", registry=True) is None
    assert image_problem("stack.registry/pretrain:1.0", "training.image", registry=True) is None
    untagged = image_problem("stack.registry/pretrain", "training.image", registry=True)
    assert untagged is not None
    assert "has no fixed version" in untagged.message
    elsewhere = image_problem("stack.registry/pretrain:1.0", "training.image")
    assert elsewhere is not None
    assert "this cloud keeps none; name it by its registry" in elsewhere.message


def test_the_first_mistakes_on_a_cluster_are_told_together() -> None:
    message = refused(
        lambda: train(H100, replace(VOLUME, claim=""), image=None, nodes=9, batch=BatchSpec(sequences=72))
    )
    assert "training.image: is missing" in message
    assert "storage: a run needs a folder that its nodes share, and this cluster has no file system" in message
    assert "training.nodes: 9 nodes, but the pool 'train' has 4; at most 8" in message


def test_a_gang_without_its_fabric_needs_a_reason() -> None:
    bare = replace(H100, fabric=Fabric.ETHERNET)
    batch = BatchSpec(sequences=16)
    message = refused(lambda: train(bare, nodes=2, batch=batch))
    assert "training.pool: 2 nodes of box, but the pool 'train' has no fabric" in message
    assert "cluster.nodePools.train.fabric" in message
    assert train(replace(bare, fabric_waived="a try"), nodes=2, batch=batch).nodes == 2
    assert train(bare, nodes=1).nodes == 1
    assert train(PROCESSORS, nodes=2, ranks_per_node=1).nodes == 2


def test_a_model_that_needs_accelerators_is_refused_on_processors() -> None:
    message = refused(lambda: train(model=LARGE, ranks_per_node=1))
    assert "training.pool: 'cpu' has no accelerators" in message
    assert "guard.hangTimeoutS (300)" in message


def test_neuron_devices_are_not_taken_for_processors() -> None:
    chip = replace(CHIP, name="trainium2", vendor="aws")
    pool = replace(H100, collective=Collective.NEURON, machine=replace(H100.machine, accelerator=chip))
    assert "training.pool: 'train' has trainium2" in refused(lambda: train(pool))
    assert "inference.pool: 'train' has trainium2" in refused(lambda: serve(pool))


def test_a_pod_that_no_node_holds_is_refused() -> None:
    small = replace(PROCESSORS, machine=machine(2, 3))
    message = refused(lambda: train(small, ranks_per_node=2))
    assert "training.ranksPerNode: the pod of one node needs" in message


def test_the_grace_is_a_step_and_two_checkpoints() -> None:
    spec: dict[str, Any] = {"model": LARGE, "nodes": 2, "batch": BatchSpec(sequences=64, micro_sequences=1)}
    slow = train(H100, **spec)
    fast = train(H100, replace(VOLUME, write_mbps=24_000), **spec)
    checkpoint_s = 12 * LARGE.parameters / 200e6
    assert 2 * checkpoint_s < slow.grace_s < 2 * checkpoint_s + 60
    assert slow.config["stopS"] == slow.grace_s - 15
    assert fast.grace_s < slow.grace_s / 10
    assert train().grace_s == 45


def test_a_grace_shorter_than_a_checkpoint_is_refused_with_the_numbers() -> None:
    message = refused(lambda: train(H100, model=LARGE, grace_s=60.0))
    assert "training.graceS: 60 s are fewer than the" in message
    assert "2 checkpoints of" in message
    assert train(grace_s=45.0).grace_s == 45


def test_machines_that_are_taken_back_faster_than_a_run_can_stop() -> None:
    spot = replace(H100, notice_s=120)
    job = train(spot, model=LARGE, batch=BatchSpec(sequences=8, micro_sequences=1), precision=Precision.BF16)
    (warning,) = job_warnings(job, [spot])
    assert "is gone 120 s after the word" in warning
    assert f"{job.grace_s:.0f}" in warning
    assert not job_warnings(train(spot), [spot])


def test_an_image_that_stands_for_ones_own_is_told() -> None:
    own = replace(train(H100), image="registry.example.org/titan:1")
    (warning,) = job_warnings(own, [H100])
    assert warning.startswith("training.image: registry.example.org/titan:1 stands for an image of your own")
    assert not job_warnings(replace(own, image="registry.example.dev/titan:1"), [H100])


def test_a_command_is_told_what_to_do_about_a_short_notice() -> None:
    job = replace(train(H100), command=("python3", "a.py"), grace_s=300.0)
    (warning,) = job_warnings(job, [replace(H100, notice_s=120)])
    assert "set graceS to 120 or less" in warning
    assert not job_warnings(replace(job, grace_s=120.0), [replace(H100, notice_s=120)])


def test_a_pool_that_has_to_grow_first_is_told() -> None:
    job = train(H100, nodes=6, batch=BatchSpec(sequences=48))
    assert job_warnings(job, [H100]) == (
        "training.nodes: 6, and 'train' has 4: the job waits until a scaler has added the rest (maxCount 8)",
    )


def test_a_replica_has_its_share_of_a_node() -> None:
    planned, room = serve(), H100.room
    assert planned.accelerators == 1
    assert planned.cpu == pytest.approx(room.cores / 8, abs=0.01)
    assert planned.memory_gib == pytest.approx(room.memory_gib / 8, abs=0.01)
    assert planned.host == planned.config["inference"]["host"] == EVERY_ADDRESS


def test_replicas_of_a_rolling_update_fit_on_processors() -> None:
    planned = serve(PROCESSORS, replicas=4, model=ServedModel(path="/fsx/model"))
    room = PROCESSORS.room
    assert planned.accelerators == 0
    assert planned.cpu * 5 <= 2 * room.cores
    assert planned.memory_gib * 5 <= 2 * room.memory_gib


def test_servers_are_not_renewed_when_their_number_or_their_route_changes() -> None:
    more = serve(replicas=3, route=RouteSpec(host_name="a.example"), canary=CanarySpec(path="/fsx/b", weight_percent=5))
    assert more.config == serve().config


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"host": "127.0.0.1"}, "inference.host: '127.0.0.1' is heard by nobody outside its own pod"),
        ({"nodes_per_replica": 2}, "inference.nodesPerReplica: 2 nodes, but penstock's server holds its model on one"),
        ({"image": None}, "inference.image: is missing"),
        (
            {"model": ServedModel(path="/models/a")},
            "inference.model.path: '/models/a' is on no file system that pods have",
        ),
        ({"canary": CanarySpec(path="/b", weight_percent=5)}, "inference.canary.path: '/b' is on no file system"),
        ({"canary": CanarySpec(path="/fsx/b", weight_percent=5)}, "inference.canary: a Gateway divides the requests"),
        ({"cache_tokens": 10**9}, "inference.pool: the trained model"),
    ],
)
def test_services_that_cannot_be_on_a_cluster(asked: dict[str, Any], expected: str) -> None:
    assert expected in refused(lambda: serve(**asked))


def test_what_needs_a_cluster_is_refused_on_one_machine() -> None:
    asked = InferenceSpec(canary=CanarySpec(path="/b", weight_percent=5), route=RouteSpec())
    message = refused(lambda: plan_inference(asked, [PROCESSORS], VOLUME, train()))
    assert "inference.canary: needs Kubernetes, and here" in message
    assert "inference.route: needs Kubernetes, and here" in message
