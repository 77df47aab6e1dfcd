"""Topology: levels that nodes do not carry, pools without nodes that jobs are let onto, long waits of gangs."""

from typing import Any

import pytest
import yaml

from rehearsal.field.facts import FieldFacts, NodeLabelRow
from rehearsal.field.topology import topology
from rehearsal.providers.aws.field_facts import FACTS as AWS
from tests.unit.rehearsal.field.field_cases import chart, deployment, pool

LAYER = "topology.k8s.aws/network-node-layer-{}"
ROWS = FieldFacts(nodes="aws", node_labels=(NodeLabelRow(pattern="big.*", keys=("room", "row"), source="guide"),))


def kueue(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "metadata": {"name": name}, "spec": spec}


def flavored(*levels: str) -> tuple[dict[str, Any], ...]:
    topology_of = {"topologyName": "net"} if levels else {}
    flavor = kueue("ResourceFlavor", "train", nodeLabels={"pool": "train"}, **topology_of)
    return (kueue("Topology", "net", levels=[{"nodeLabel": key} for key in levels]), flavor)


def judged(*pools: Any, facts: FieldFacts = ROWS, **parts: Any) -> list[str]:
    return [f"{found.subject}: {found.message}" for found in topology(deployment(facts, pools=pools, **parts))]


def test_levels_that_each_node_carries_are_fine() -> None:
    objects = flavored("room", "row", "kubernetes.io/hostname")
    assert judged(pool(machine_type="big.2"), objects=objects) == []


def test_a_level_that_no_node_carries_is_found() -> None:
    objects = flavored("room", "shelf", "kubernetes.io/hostname")
    assert judged(pool(machine_type="big.2"), objects=objects) == [
        "pool train: nodes of train (big.2) have no label shelf: no gang is ever admitted"
    ]


def test_nodes_that_are_there_are_judged_by_their_own_labels() -> None:
    there = pool(machine_type="own", told={"cpu": "4"}, labels={"pool": "train", "rack": "1"})
    assert judged(there, objects=flavored("rack")) == []
    assert "have no label hall" in judged(there, objects=flavored("hall", "rack"))[0]


@pytest.mark.parametrize(
    ("machine", "layers"),
    [
        ("g5.48xlarge", 0),
        ("g4dn.metal", 0),
        ("p5.4xlarge", 0),
        ("trn2.3xlarge", 0),
        ("dl1.24xlarge", 0),
        ("p5.48xlarge", 3),
        ("trn2.48xlarge", 3),
        ("g6e.12xlarge", 3),
        ("p6-b300.48xlarge", 4),
    ],
)
def test_a_machine_of_aws_carries_the_layers_that_ec2_describes(machine: str, layers: int) -> None:
    zone, fits = "topology.kubernetes.io/zone", [LAYER.format(layer) for layer in range(1, layers + 1)]
    train = pool(machine_type=machine)
    assert judged(train, facts=AWS, objects=flavored(zone, *fits, "kubernetes.io/hostname")) == []
    assert judged(train, facts=AWS, objects=flavored(zone, *fits, LAYER.format(layers + 1)))


def test_a_pool_without_nodes_that_only_quota_holds_is_found() -> None:
    later = pool(machine_type="big.2", desired=0, resized_by=("start",))
    assert "counts quota alone" in judged(later, objects=flavored())[0]
    assert judged(later, objects=flavored("row")) == []
    assert judged(pool(machine_type="big.2"), objects=flavored()) == []


@pytest.mark.parametrize(
    ("strategy", "found"), [({"backoffMaxSeconds": 240}, 0), ({"backoffMaxSeconds": 900}, 1), ({}, 1)]
)
def test_a_gang_that_waits_long_beside_its_nodes_is_found(strategy: dict[str, int], found: int) -> None:
    text = yaml.safe_dump({"waitForPodsReady": {"timeout": "5m", "requeuingStrategy": strategy}})
    charts = (chart("kueue", managerConfig={"controllerManagerConfigYaml": text}),)
    assert len(judged(charts=charts)) == found
