"""Process specs that the supervisor runs."""

import json
from pathlib import Path

import pytest
import yaml

from lab.control_plane import control_plane
from lab.folders import Home
from lab.kwok import CONFIGURATION, OWN_STAGES, node_object
from lab.process_specs import read_orders, write_orders
from lab.shape import LabNode, LabShape, plain_shape
from tools.lab import CONTROL_PLANE, MODULES

PROGRAMS = {program: Path("/programs") / program for name in CONTROL_PLANE for program in MODULES[name].programs}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "lab")
    home.make()
    return home


def test_orders_are_read_as_they_were_written(home: Home) -> None:
    orders = control_plane(home, PROGRAMS, plain_shape(process=1, kwok=1), door=7)
    write_orders(home.orders, orders, home.pki / "ca.crt")
    assert read_orders(home.orders) == (orders, home.pki / "ca.crt")


def test_each_waits_for_one_that_is_started(home: Home) -> None:
    orders = control_plane(home, PROGRAMS, plain_shape(process=1, kwok=1), door=7)
    started: set[str] = set()
    for order in orders:
        assert set(order.after) <= started
        started.add(order.name)


def test_the_node_agent_runs_where_there_are_process_nodes(home: Home) -> None:
    for nodes, runs in ((0, False), (2, True)):
        names = [order.name for order in control_plane(home, PROGRAMS, plain_shape(nodes, 0), door=7)]
        assert ("node-agent" in names) is runs


def test_only_the_door_is_seen_from_outside(home: Home) -> None:
    orders = control_plane(home, PROGRAMS, plain_shape(0, 0), door=7)
    assert {order.name: order.descriptors for order in orders if order.descriptors} == {"door": (7,)}


@pytest.mark.parametrize(("kwok", "grace_s"), [(4, 16), (128, 16), (1024, 60)])
def test_a_node_may_miss_a_heartbeat(kwok: int, grace_s: int) -> None:
    shape = plain_shape(0, kwok)
    assert shape.node_grace_s == grace_s
    assert shape.node_grace_s > 2 * shape.heartbeat_s


def test_shapes_are_told_apart_by_their_content() -> None:
    node = LabNode(name="a", pool="train", allocatable={"cpu": "1"})
    other = LabNode(name="a", pool="train", allocatable={"cpu": "2"})
    assert LabShape(process=(node,)).as_json() == LabShape(process=(node,)).as_json()
    assert LabShape(process=(node,)).as_json() != LabShape(process=(other,)).as_json()
    assert json.loads(json.dumps(LabShape(kwok=(node,)).as_json())) == LabShape(kwok=(node,)).as_json()


def test_a_kwok_node_takes_only_pods_that_want_one() -> None:
    taint = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    node = node_object(LabNode(name="a", pool="train", taints=(taint,)))
    assert [row["key"] for row in node["spec"]["taints"]] == ["nvidia.com/gpu", "kwok.x-k8s.io/node"]
    assert node["metadata"]["labels"]["penstock.dev/pool"] == "train"


def test_what_kwok_is_given_is_yaml() -> None:
    stages = list(yaml.safe_load_all(OWN_STAGES.read_text()))
    assert {stage["kind"] for stage in stages} == {"Stage"}
    assert yaml.safe_load(CONFIGURATION)["kind"] == "KwokConfiguration"
