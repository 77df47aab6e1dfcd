"""Nodes that the simulated Kubernetes gets from the account, and the time from which it is there at all."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.plan.cluster import Taint
from components.spec.cluster import TaintEffect
from providers.aws.nodes import user_data
from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.rules import SimulatedNodes
from rehearsal.cloud.store import Store
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.places.cloud import Membership
from rehearsal.providers.aws.nodes import nodes as nodes_of
from rehearsal.providers.aws.rules import RULES
from tests.unit.providers.aws.nodes.pools import plans, pool

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
MANAGED = "aws:eks/nodeGroup:NodeGroup"
OWN = "aws:autoscaling/group:Group"
CLUSTER = "aws:eks/cluster:Cluster"
CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"
TAINT = Taint(key="nvidia.com/gpu", value="present", effect=TaintEffect.NO_SCHEDULE)
KUBELETS = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
EFA = [{"interfaceType": "efa"}, {"interfaceType": "efa-only"}, {"interfaceType": "interface"}]


def put(
    account: Account, token: str, id: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any] | None = None  # noqa: A002 (AWS's own word)
) -> Object:  # fmt: skip
    thing = Object(
        token=token, id=id, called=id, region="us-east-2", inputs=dict(inputs), outputs=dict(outputs or inputs),
        status=Status.ACTIVE,
    )  # fmt: skip
    account.add(thing)
    return thing


def managed(account: Account, *, count: int = 2, name: str = "train") -> Object:
    if account.get(TEMPLATE, "lt-1") is None:
        put(account, TEMPLATE, "lt-1", {"instanceType": "p5.48xlarge", "networkInterfaces": EFA})
    return put(account, MANAGED, f"cluster:{name}", {
        "nodeGroupName": name, "launchTemplate": {"id": "lt-1"}, "subnetIds": [],
        "scalingConfig": {"desiredSize": count}, "labels": {"penstock.dev/pool": "train"},
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
    })  # fmt: skip


@pytest.fixture
def account() -> Account:
    return Account(Store(None), RULES)


@pytest.fixture
def kubernetes() -> Iterator[SimulatedKubernetes]:
    made = SimulatedKubernetes()
    yield made
    made.close()


def one(account: Account) -> SimulatedNodes:
    (found,) = nodes_of(account)
    return found


def test_a_managed_group_says_itself_what_its_nodes_are(account: Account) -> None:
    managed(account)
    found = one(account)
    assert (found.group, found.count, found.taints) == ("cluster-train", 2, (KUBELETS,))
    assert found.labels == {
        "node.kubernetes.io/instance-type": "p5.48xlarge",
        "eks.amazonaws.com/nodegroup": "train",
        "penstock.dev/pool": "train",
    }
    assert found.allocatable["nvidia.com/gpu"] == 8
    assert found.allocatable["vpc.amazonaws.com/efa"] == 2
    assert found.allocatable["cpu"] == "191450m", "as a node printed it"


def test_a_group_of_ones_own_says_it_in_its_user_data(account: Account) -> None:
    cluster = user_data.JoinedCluster(
        name="c", endpoint="https://c", certificate_authority="YQ==", service_cidr="10.0.0.0/16"
    )
    plan = replace(plans(pool(count=2))[0], labels={"penstock.dev/pool": "train", "tier": "a"}, taints=(TAINT,))
    text = user_data.self_managed(plan, cluster)
    told = base64.b64encode(text.encode()).decode()
    put(account, TEMPLATE, "lt-1", {"instanceType": "trn1.32xlarge", "userData": told})
    put(account, OWN, "own", {"launchTemplate": {"id": "lt-1"}, "minSize": 0, "desiredCapacity": 3})
    found = one(account)
    assert (found.group, found.count, found.taints) == ("own", 3, (KUBELETS,))
    assert found.labels["tier"] == "a"
    assert found.allocatable["aws.amazon.com/neuron"] == 16


def test_machines_that_are_told_of_no_cluster_join_none(account: Account) -> None:
    put(
        account,
        TEMPLATE,
        "lt-1",
        {"instanceType": "trn1.32xlarge", "userData": base64.b64encode(b"#!/bin/sh").decode()},
    )
    put(account, OWN, "own", {"launchTemplate": {"id": "lt-1"}, "minSize": 0, "desiredCapacity": 3})
    assert not list(nodes_of(account))


def test_the_instance_groups_of_hyperpod_join(account: Account) -> None:
    group = {
        "InstanceGroupName": "train", "InstanceType": "ml.p5.48xlarge", "InstanceCount": 4,
        "KubernetesConfig": {
            "Labels": {"penstock.dev/pool": "train"},
            "Taints": [{"Key": "nvidia.com/gpu", "Value": "present", "Effect": "NoSchedule"}],
        },
    }  # fmt: skip
    inputs = {"typeName": "AWS::SageMaker::Cluster", "desiredState": "{}"}
    put(account, CLOUD_CONTROL, "arn", inputs, {"properties": json.dumps({"InstanceGroups": [group]})})
    found = one(account)
    assert (found.group, found.count, found.taints) == ("train", 4, (KUBELETS,))
    assert found.labels["penstock.dev/pool"] == "train"
    assert found.allocatable["vpc.amazonaws.com/efa"] == 32


def nodes(kubernetes: SimulatedKubernetes) -> dict[str, str]:
    """Names and uids of its nodes."""
    rows = (body["metadata"] for key, body in kubernetes.objects.all() if key.startswith("|Node|"))
    return {meta["name"]: meta["uid"] for meta in rows}


def test_nodes_come_and_go_with_their_groups_and_all_with_the_cluster(
    account: Account, kubernetes: SimulatedKubernetes
) -> None:
    membership = Membership(account, kubernetes)
    membership.renew()
    assert not kubernetes.reachable
    cluster = put(account, CLUSTER, "cluster", {})
    train, other = managed(account), managed(account, count=1, name="other")
    membership.note(train)
    assert kubernetes.reachable
    first = nodes(kubernetes)
    assert set(first) == {"cluster-train-0", "cluster-train-1", "cluster-other-0"}
    train.inputs["scalingConfig"] = {"desiredSize": 1}
    membership.note(train)
    assert nodes(kubernetes) == {name: uid for name, uid in first.items() if name != "cluster-train-1"}
    train.inputs["labels"] = {"tier": "b"}
    account.remove(other)
    membership.note(other)
    (changed,) = nodes(kubernetes).items()
    assert changed != ("cluster-train-0", first["cluster-train-0"])
    account.remove(cluster)
    membership.note(cluster)
    assert not kubernetes.reachable
    assert not nodes(kubernetes)


def test_nobody_knows_how_many_nodes_a_failed_group_has(account: Account, kubernetes: SimulatedKubernetes) -> None:
    membership, _ = Membership(account, kubernetes), put(account, CLUSTER, "cluster", {})
    train = managed(account)
    membership.note(train)
    train.status, train.inputs["scalingConfig"] = Status.FAILED, {"desiredSize": 9}
    membership.note(train)
    assert len(nodes(kubernetes)) == 2
