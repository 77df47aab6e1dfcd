"""Workloads of one pool together: refused where they can never all be placed, each remedy good when it is followed."""

from typing import Any

import pytest

from components.errors import SpecError
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers import clouds, discover
from stacks.plan import plan_stack
from tests.clock import NOW

IMAGE = "registry.example/penstock:1"
BOX = {"cores": 64, "memoryGib": 512, "accelerator": "l40s", "acceleratorCount": 4, "devices": {"nvidia.com/gpu": 4}}
MODEL = {"path": "/data/models/m"}
TRAINING = {
    "steps": 10, "image": IMAGE, "batch": {"sequences": 64},
    "model": {"layers": 2, "width": 256, "heads": 4, "kvHeads": 2, "vocabulary": 512, "context": 128},
}  # fmt: skip


def planned(count: int, *, grown: int = 0, scheduler: str = "", chips: int = 4, **parts: Any) -> StackPlan:
    """A pool of `count` boxes with four accelerators each, on a cluster whose nodes others add where it may grow."""
    box = {**BOX, "acceleratorCount": chips, "devices": {"nvidia.com/gpu": chips}}
    pool: dict[str, Any] = {"name": "gpu", "machineType": "box", "count": count, "fabric": {"none": "a test of sums"}}
    own: dict[str, Any] = {"machines": {"box": box}, "version": "1.35", "kubeconfig": "/nowhere/config"}
    own["volume"] = {"nfs": {"server": "storage.example.org", "path": "/export"}, "mountPath": "/data"}
    if grown:
        pool["maxCount"], own["owners"] = grown, {"node autoscaler": "theirs"}
    config = {"cluster": {"cloud": "existing", "nodePools": [pool]}, "existing": own, **parts}
    if scheduler:
        config["scheduler"] = {"kind": scheduler}
    keyed = {f"penstock:{key}": value for key, value in config.items()}
    return plan_stack(discover(parse_stack(keyed, "Pulumi.mine.yaml", clouds())), "mine", NOW)


def serving(**more: Any) -> dict[str, Any]:
    return {"image": IMAGE, "model": MODEL, **more}


def refused(**asked: Any) -> dict[str, str]:
    with pytest.raises(SpecError) as error:
        planned(**asked)
    return {problem.path.removeprefix("penstock:"): problem.message for problem in error.value.problems}


def rolling(plan: StackPlan) -> tuple[int, int | str]:
    found = [body["spec"]["strategy"]["rollingUpdate"] for body in plan.service if body["kind"] == "Deployment"]
    return found[0]["maxSurge"], found[0]["maxUnavailable"]


def test_more_replicas_than_the_pool_holds_are_refused() -> None:
    (message,) = refused(count=3, inference=serving(replicas=13)).values()
    assert "13, but the pool 'gpu' has at most 3 of box, and they hold 12 replicas" in message
    assert "lower it to 12, or raise cluster.nodePools.gpu.count to 4" in message
    planned(3, inference=serving(replicas=12))
    planned(4, inference=serving(replicas=13))


def test_replicas_beyond_the_largest_size_are_refused() -> None:
    scaled = {"minReplicas": 2, "maxReplicas": 21}
    found = refused(count=1, grown=5, inference=serving(autoscaling=scaled))
    assert "at most 5 of box, and they hold 20 replicas" in found["inference.autoscaling.maxReplicas"]
    assert "cluster.nodePools.gpu.maxCount to 6" in found["inference.autoscaling.maxReplicas"]
    planned(1, grown=6, inference=serving(autoscaling=scaled))
    assert "lower minReplicas and maxReplicas to 4" in str(
        refused(count=1, inference=serving(autoscaling={"minReplicas": 6, "maxReplicas": 9}))
    )


def test_a_canary_counts() -> None:
    canary = {"route": {}, "canary": {"path": "/data/models/n", "weightPercent": 10, "replicas": 2}}
    found = refused(count=2, inference=serving(replicas=7, **canary))
    assert "hold 6 replicas beside 2 of its canary" in found["inference.replicas"]
    planned(2, inference=serving(replicas=6, **canary))


def test_a_gang_of_whole_nodes_and_a_service_are_refused_where_they_fill_the_pool() -> None:
    found = refused(count=3, training={**TRAINING, "nodes": 3}, inference={"image": IMAGE})
    assert "training takes 3 of them" in found["inference.pool"]
    assert "waits for the model of the run that it blocks" in found["inference.pool"]
    assert "raise cluster.nodePools.gpu.count to 4" in found["inference.pool"]
    planned(4, training={**TRAINING, "nodes": 3}, inference={"image": IMAGE})


@pytest.mark.parametrize(("replicas", "enough"), [(2, 4), (4, 6), (5, 7)])
def test_servers_that_kubernetes_spreads_leave_a_gang_no_whole_nodes(replicas: int, enough: int) -> None:
    """Four servers fit on one of three boxes, and stand on all of them where they came before the gang."""
    asked: dict[str, Any] = {"training": {**TRAINING, "nodes": 2}, "inference": {"image": IMAGE, "replicas": replicas}}
    found = refused(count=3, **asked)
    assert f"{replicas} servers of the service may stand on {min(replicas, 3)}, as" in found["inference.pool"]
    assert f"raise cluster.nodePools.gpu.count to {enough}" in found["inference.pool"]
    assert "may stand" in refused(count=enough - 1, **asked)["inference.pool"]
    planned(enough, **asked)


def test_the_least_nodes_of_an_elastic_gang_count() -> None:
    training = {**TRAINING, "nodes": 4, "minNodes": 3}
    asked: dict[str, Any] = {"scheduler": "volcano", "training": training, "inference": {"image": IMAGE, "replicas": 2}}
    planned(5, **asked)
    assert "training takes 3 of them whole" in refused(count=4, **asked)["inference.pool"]


def test_slurms_nodes_leave_nothing_for_servers() -> None:
    found = refused(count=2, scheduler="slurm", inference=serving())
    assert "Slurm's nodes take 2 of them" in found["inference.pool"]


def test_servers_have_the_nodes_that_no_queue_of_slurm_has() -> None:
    def shared(**nodes: int) -> StackPlan:
        pools = [
            {"name": name, "machineType": "box", "count": 2, "fabric": {"none": "a test of sums"}}
            for name in ("a", "b")
        ]
        own = {"machines": {"box": BOX}, "version": "1.35", "kubeconfig": "/nowhere/config"}
        own["volume"] = {"nfs": {"server": "storage.example.org", "path": "/export"}, "mountPath": "/data"}
        config = {
            "penstock:cluster": {"cloud": "existing", "nodePools": pools},
            "penstock:existing": own,
            "penstock:scheduler": {"kind": "slurm", "queues": [{"name": "default", "nodes": nodes}]},
            "penstock:inference": serving(pool="b", replicas=2),
        }
        return plan_stack(discover(parse_stack(config, "Pulumi.mine.yaml", clouds())), "mine", NOW)

    shared(a=2)
    with pytest.raises(SpecError, match="Slurm's nodes take 2 of them"):
        shared(a=2, b=2)


@pytest.mark.parametrize(
    ("count", "replicas", "surge", "interrupts"), [(1, 3, True, False), (1, 4, False, False), (2, 8, False, False)]
)
def test_an_update_needs_room_for_one_more(count: int, replicas: int, *, surge: bool, interrupts: bool) -> None:
    plan = planned(count, inference=serving(replicas=replicas))
    assert rolling(plan) == ((1, 0) if surge else (0, 1))
    assert any("interrupts the service" in warning for warning in plan.warnings) is interrupts
    assert any(decision.path == "inference.rollout" for decision in plan.decisions) is not surge


def test_an_update_that_interrupts_is_said() -> None:
    plan = planned(1, chips=1, inference=serving(replicas=1))
    assert rolling(plan) == (0, 1)
    (said,) = [warning for warning in plan.warnings if "interrupts" in warning]
    assert said.startswith("inference.replicas: 1, and the pool 'gpu' has no room for one more")
    for count, grown in ((2, 0), (1, 4)):
        better = planned(count, grown=grown, chips=1, inference=serving(replicas=1))
        assert rolling(better) == (1, 0)
        assert not [warning for warning in better.warnings if "interrupts" in warning]


@pytest.mark.parametrize("most", [2, 3, 4, 7, 16])
def test_an_autoscaled_service_makes_way_for_an_update_only_where_all_its_servers_run(most: int) -> None:
    """Kubernetes rounds the share that may be missing down."""
    plan = planned(1, grown=-(-most // 4), inference=serving(autoscaling={"minReplicas": 1, "maxReplicas": most}))
    surge, missing = rolling(plan)
    if most % 4:
        assert (surge, missing) == (1, 0)
        return
    share = int(str(missing).removesuffix("%"))
    assert surge == 1
    assert [share * servers // 100 for servers in (1, most)] == [0, 1]
    assert not [warning for warning in plan.warnings if "interrupts" in warning]
    (told,) = [decision.value for decision in plan.decisions if decision.path == "inference.rollout"]
    assert told == f"one old server goes before its successor comes where all {most} run, else after it"


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [("slurm", "Slurm has pods on 2 nodes"), ("volcano", "may have 2: Volcano makes no pods")],
)
def test_a_gang_that_no_pod_makes_a_pool_grow_for_is_refused(scheduler: str, words: str) -> None:
    asked: dict[str, Any] = {"scheduler": scheduler, "grown": 6, "training": {**TRAINING, "nodes": 4}}
    message = refused(count=2, **asked)["training.nodes"]
    assert words in message
    assert " to 4" in message
    assert message.endswith(", or use kueue")
    planned(4, **asked)
    planned(2, **{**asked, "scheduler": "kueue"})


def test_rays_head_has_room_beside_the_gang() -> None:
    plan = planned(2, scheduler="kuberay", training={**TRAINING, "nodes": 2})
    (job,) = [body for body in plan.job if body["kind"] == "RayJob"]
    (workers,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    requests = workers["template"]["spec"]["containers"][0]["resources"]["requests"]
    room = plan.cluster.node_pools[0].room
    assert int(requests["cpu"].removesuffix("m")) + 1000 <= room.cores * 1000 + 1
    assert int(requests["memory"].removesuffix("Mi")) + 4096 <= room.memory_gib * 1024 + 1
