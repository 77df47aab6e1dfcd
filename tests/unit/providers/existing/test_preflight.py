"""Taints that keep a plan's pods off the nodes of a cluster that is there already."""

from typing import Any

from providers.existing.preflight import _controller_problems, _taint_problems
from providers.existing.seen import Discovery, seen_in
from tests.unit.providers.existing.existing_cases import listing, planned

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
