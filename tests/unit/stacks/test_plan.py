"""From a spec to a plan: mistakes of all parts at once, and what is warned of."""

from typing import Any

import pytest

from components.errors import SpecError
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from stacks.plan import plan_stack
from tests.clock import NOW

POOL = {"name": "here", "machineType": "this-machine"}


def plan(pools: list[dict[str, Any]] | None = None, **parts: Any) -> StackPlan:
    config = {"cluster": {"cloud": "local", "nodePools": pools or [POOL]}, **parts}
    return plan_stack(parse_stack({f"penstock:{key}": value for key, value in config.items()}, "x"), "mine", NOW)


def refusals(pools: list[dict[str, Any]] | None = None, **parts: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        plan(pools, **parts)
    return [str(problem) for problem in caught.value.problems]


def test_a_cluster_alone_is_a_stack() -> None:
    planned = plan()
    assert planned.training is None
    assert planned.inference is None


def test_an_unknown_machine_type_names_the_right_one() -> None:
    (problem,) = refusals([POOL | {"machineType": "this-machin"}])
    assert problem.startswith("cluster.nodePools.here.machineType: 'this-machin' is not a machine type of local")
    assert problem.endswith("did you mean 'this-machine'?")


def test_this_machine_is_there_once() -> None:
    (problem,) = refusals([POOL | {"count": 2}])
    assert "cluster.nodePools.here.count: 2 machines, but there is 1" in problem


def test_an_empty_pool_of_this_machine_is_refused() -> None:
    (problem,) = refusals([POOL | {"count": 0}])
    assert problem == "cluster.nodePools.here.count: 0 is out of range; 1 is right here"


def test_what_only_a_cloud_has_is_refused_here() -> None:
    found = refusals([POOL | {"capacity": "spot"}], storage={"fileSystem": {"capacityTib": 1.2}})
    assert [problem.partition(":")[0] for problem in found] == [
        "cluster.nodePools.here.capacity",
        "storage.fileSystem",
    ]
    assert all("does not apply to this machine" in problem for problem in found)


def test_a_second_pool_of_this_machine_is_refused() -> None:
    (problem,) = refusals([POOL, POOL | {"name": "there"}])
    assert problem.startswith("cluster.nodePools.there: this machine is one node pool")


def test_a_relative_volume_is_refused() -> None:
    (problem,) = refusals(storage={"volume": {"path": "data"}})
    assert "storage.volume.path: 'data' is not an absolute path" in problem


def test_mistakes_of_training_and_inference_come_together() -> None:
    found = refusals(training={"nodes": 4, "pool": "here"}, inference={"pool": "ther", "model": {"path": "/m"}})
    assert [problem.split(":")[0] for problem in found] == ["training.nodes", "inference.pool"]


def test_a_service_of_its_own_is_judged_with_the_training() -> None:
    (problem,) = refusals(inference={})
    assert problem.startswith("inference.model.fromTraining: this stack trains nothing; describe one")


def test_more_ranks_than_cores_are_warned_of() -> None:
    cores = plan().cluster.node_pools[0].machine.cores
    crowded = plan(training={"ranksPerNode": cores + 1, "batch": {"sequences": 4 * cores + 4}})
    assert crowded.warnings == (
        f"training.ranksPerNode: {cores + 1} ranks share {cores} cores: each is slower than one per core would be",
    )
    assert plan(training={}).warnings == ()


def test_the_volume_follows_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/elsewhere")
    assert plan().cluster.volume.path == "/elsewhere/penstock/mine"
