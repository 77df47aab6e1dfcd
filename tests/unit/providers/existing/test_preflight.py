"""Nodes of a cluster that is there already that cannot be used, and taints that keep a plan's pods off them."""

from typing import Any

from components.labels import QUARANTINE, SHUT
from providers.existing.preflight import _controller_problems, _pool_problems, _taint_problems
from providers.existing.seen import Discovery, seen_in
from tests.unit.providers.existing.existing_cases import existing_plan, listing, planned

TEAM = {"key": "team", "value": "ml", "effect": "NoSchedule"}


def seen(*taints: list[dict[str, str]]) -> Discovery:
    """A cluster with a node of the pool for each of these."""
    nodes: list[dict[str, Any]] = [
        {
            "metadata": {"name": f"node-{index}", "labels": {"penstock.dev/pool": "train"}},
            "spec": {"taints": marks},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "8"}},
        }
        for index, marks in enumerate(taints)
    ]
    return seen_in(listing(nodes=nodes))


def test_taints_that_leave_too_few_nodes_are_told_and_the_remedy_helps() -> None:
    (pool,) = planned().cluster.node_pools
    (problem,) = _taint_problems(pool, seen([TEAM], [], [TEAM]).nodes)
    assert str(problem) == (
        "cluster.nodePools.train.taints: 2 nodes, but node-0, node-2 have team=ml:NoSchedule, which no pod of the plan "
        "tolerates; name it under cluster.nodePools.train.taints, or take it off those nodes"
    )
    (told,) = planned(pool={"taints": [TEAM]}).cluster.node_pools
    assert not list(_taint_problems(told, seen([TEAM], [], [TEAM]).nodes))


def test_taints_that_matter_to_nobody_are_not_told() -> None:
    (pool,) = planned().cluster.node_pools
    assert not list(_taint_problems(pool, seen([], [], [TEAM]).nodes)), "enough are left"
    soft = {"key": "team", "value": "ml", "effect": "PreferNoSchedule"}
    assert not list(_taint_problems(pool, seen([soft], [soft]).nodes))


def test_controllers_need_a_node_too() -> None:
    plan = planned(pool={"taints": [TEAM]})
    (problem,) = _controller_problems(plan, seen([TEAM], [TEAM]))
    assert problem.path == "platform.addons"
    assert problem.message.startswith(
        "controllers of jobset, kueue find no node: all 2 that can be used have taints (t"
    )
    assert not list(_controller_problems(plan, seen([TEAM], [TEAM], [])))
    tolerant = {"values": {"controller": {"tolerations": [{"operator": "Exists"}]}}}
    others = {"values": {"controllerManager": {"tolerations": [{"operator": "Exists"}]}}}
    helped = planned(pool={"taints": [TEAM]}, platform={"addons": {"jobset": tolerant, "kueue": others}})
    assert not list(_controller_problems(helped, seen([TEAM], [TEAM])))


def pools_of(spare: int, **keys: Any) -> list[str]:
    """Problems of two pools of two nodes, `spare` of the nodes of `train` being cordoned, and one of `serve`."""
    names = ["train-0", "train-1", "serve-0", "serve-1"]
    out = {*names[:spare], "serve-1"}
    nodes = [
        {
            "metadata": {"name": name, "labels": {"penstock.dev/pool": name[:5]}},
            "spec": {"unschedulable": True} if name in out else {},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "8"}},
        }
        for name in names
    ]
    pools = [{"name": name, "machineType": "box", "count": 2} for name in ("train", "serve")]
    cluster = {"cloud": "existing", "nodePools": pools}
    plan = planned(cluster=cluster, **{"training": None} | keys)
    return [problem.path for problem in _pool_problems(plan, existing_plan(plan), seen_in(listing(nodes=nodes)))]


def test_one_pool_that_lacks_nodes_is_left_to_the_gate() -> None:
    assert pools_of(0) == []
    assert pools_of(1) == ["cluster.nodePools.train.count", "cluster.nodePools.serve.count"]
    assert pools_of(0, platform={"gate": {"enabled": False}}) == ["cluster.nodePools.serve.count"]


def test_nodes_of_a_pool_that_is_shut_can_be_used_and_bad_ones_cannot() -> None:
    marks = [[{"key": QUARANTINE, "value": value, "effect": "NoSchedule"}] for value in (SHUT, "devices")]
    assert [node.usable for node in seen(*marks).nodes] == [True, False]
