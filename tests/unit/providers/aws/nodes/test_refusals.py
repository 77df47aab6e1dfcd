"""Every rule of AWS that a pool can break: where it stands in the stack file, the value, and what to do instead."""

from datetime import UTC, datetime
from typing import Any

import pytest

from providers.aws.nodes.plan import part
from tests.unit.providers.aws.nodes.pools import BLOCK, GB200, GROUP, plan_of, pool, problems, spec_of

GANG: dict[str, Any] = {"count": 2}


def block(**changes: Any) -> dict[str, Any]:
    return {"capacity": {"capacityBlock": BLOCK | changes}}


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, list[str]]] = [
    # what, pool, cluster, path below the pool (or from the top with a slash), words of the message
    (
        "misspelt type",
        {"machineType": "p5.48xlarg"},
        {},
        "machineType",
        ["'p5.48xlarg'", "did you mean 'p5.48xlarge'?"],
    ),
    ("unlike any type", {"machineType": "zzzzzzzz"}, {}, "machineType", ["'zzzzzzzz'", "available are those of c7g, "]),
    (
        "not in the region",
        {"machineType": "p6-b300.48xlarge"},
        {"region": "eu-west-1"},
        "machineType",
        ["'p6-b300.48xlarge' is not offered in eu-west-1", "it is in", "us-west-2"],
    ),
    ("no region", {}, {"region": None}, "/cluster.region", ["is required on AWS"]),
    ("misspelt region", {}, {"region": "us-eastt-2"}, "/cluster.region", ["'us-eastt-2'", "did you mean 'us-east-2'?"]),
    (
        "gang without EFA",
        {"machineType": "g6e.4xlarge", **GANG},
        {},
        "fabric",
        ["'g6e.4xlarge' has no EFA", "2 nodes", "{none: <reason>}", "g6e.8xlarge"],
    ),
    (
        "gang without EFA, grown",
        {"machineType": "inf2.48xlarge", "count": 1, "maxCount": 3},
        {},
        "fabric",
        ["'inf2.48xlarge' has no EFA", "3 nodes", "{none: <reason>}"],
    ),
    ("zone elsewhere", {"zone": "us-west-2a"}, {}, "zone", ["'us-west-2a' is not a zone of us-east-2", "use2-az2"]),
    (
        "block's zone elsewhere",
        block(zone="us-east-1a"),
        {},
        "capacity.capacityBlock.zone",
        ["'us-east-1a' is not a zone of us-east-2", "us-east-2a"],
    ),
    (
        "reservation's zone elsewhere",
        {"capacity": {"reservation": {"id": "cr-0a1b2c3d", "zone": "us-east-2z"}}},
        {},
        "capacity.reservation.zone",
        ["'us-east-2z' is not a zone of us-east-2", "us-east-2a"],
    ),
    (
        "reservation without a zone",
        {"capacity": {"reservation": {"id": "cr-0a1b2c3d"}}},
        {},
        "capacity.reservation.zone",
        ["is missing", "one zone"],
    ),
    (
        "block in another zone than the pool",
        {"zone": "us-east-2a", **block()},
        {},
        "zone",
        ["'us-east-2a' is not us-east-2b", "remove zone"],
    ),
    (
        "reservation in another zone than the pool",
        {"zone": "us-east-2a", "capacity": {"reservation": {"id": "cr-0a1b2c3d", "zone": "us-east-2c"}}},
        {},
        "zone",
        ["'us-east-2a' is not us-east-2c", "cr-0a1b2c3d", "remove zone"],
    ),
    (
        "UltraServer outside its local zone",
        {**GB200, "capacity": {"capacityBlock": BLOCK | {"zone": "us-east-1a"}}},
        {"region": "us-east-1"},
        "zone",
        ["'us-east-1a' does not offer", "us-east-1-dfw-2a"],
    ),
    (
        "local zone without the machine",
        {"zone": "us-east-1-dfw-2a"},
        {"region": "us-east-1"},
        "zone",
        ["'us-east-1-dfw-2a' does not offer p5.48xlarge", "use1-az6"],
    ),
    (
        "group with a block",
        {"placement": "create", **block()},
        {},
        "placement",
        ["'create'", "a capacity block places its machines itself", "leave it out"],
    ),
    (
        "given group with a block",
        {"placement": {"existing": "mine"}, **block()},
        {},
        "placement",
        ["'existing'", "leave it out"],
    ),
    (
        "group of no reservation",
        {"placement": "fromReservation"},
        {},
        "placement",
        ["'fromReservation'", "no reservation", "create"],
    ),
    (
        "own group with a reservation",
        {"placement": "create", "capacity": {"reservation": {"id": "cr-0a1b2c3d", "zone": "us-east-2b"}}},
        {},
        "placement",
        ["'create'", "made in no group", "fromReservation"],
    ),
    (
        "another group than the reservation's",
        {
            "placement": {"existing": "mine"},
            "capacity": {"reservation": {"id": "cr-0a1b2c3d", "zone": "us-east-2b", "placementGroup": "theirs"}},
        },
        {},
        "placement",
        ["'mine'", "made in theirs", "fromReservation"],
    ),
    (
        "block of a type that has none",
        {"machineType": "g6.48xlarge", **block()},
        {},
        "capacity",
        ["'capacityBlock'", "g6.48xlarge is available as onDemand or reservation or spot only"],
    ),
    (
        "spot of a type that has none",
        {"machineType": "trn2u.48xlarge", "capacity": "spot"},
        {"region": "ap-south-2"},
        "capacity",
        ["'spot'", "trn2u.48xlarge is available as capacityBlock or onDemand or reservation only"],
    ),
    (
        "UltraServer on demand",
        {"machineType": "p6e-gb200.36xlarge", "zone": "us-east-1-dfw-2a"},
        {"region": "us-east-1"},
        "capacity",
        ["'onDemand'", "as capacityBlock only"],
    ),
    ("no id of a block", block(id="my-block"), {}, "capacity.capacityBlock.id", ["'my-block'", "cr-0a1b2c3d4e5f60718"]),
    (
        "resource group of plain blocks",
        block(id=GROUP),
        {},
        "capacity.capacityBlock.id",
        [f"'{GROUP}'", "cr-0a1b2c3d4e5f60718"],
    ),
    (
        "no id of a reservation",
        {"capacity": {"reservation": {"id": "crr-1", "zone": "us-east-2b"}}},
        {},
        "capacity.reservation.id",
        ["'crr-1'", "or the ARN of a resource group"],
    ),
    (
        "block that does not end at half past eleven",
        block(endsAt="2027-11-15T12:00:00Z"),
        {},
        "capacity.capacityBlock.endsAt",
        ["2027-11-15T12:00Z", "11:30 UTC"],
    ),
    (
        "block of a length that is not sold",
        block(startsAt="2027-10-30T11:30:00Z"),
        {},
        "capacity.capacityBlock.startsAt",
        ["16 days", "21 to 182 in steps of 7"],
    ),
    (
        "block of more than half a year",
        block(endsAt="2028-05-08T11:30:00Z"),
        {},
        "capacity.capacityBlock.startsAt",
        ["189 days", "21 to 182 in steps of 7"],
    ),
    (
        "block that begins when the cluster is gone",
        block(),
        {"expiresAt": "2027-11-01T11:30:00Z"},
        "capacity.capacityBlock.startsAt",
        ["2027-11-01T11:30Z", "expired", "set cluster.expiresAt"],
    ),
    ("block of too many machines", {"count": 65, **block()}, {}, "count", ["65 machines", "at most 64", "several"]),
    (
        "block that shrinks",
        {"count": 4, "minCount": 0, **block()},
        {},
        "minCount",
        ["0: a capacity block", "remove it"],
    ),
    ("block that grows", {"count": 4, "maxCount": 8, **block()}, {}, "maxCount", ["8: a capacity block", "remove it"]),
    ("too many nodes", {"count": 5001}, {}, "count", ["5001 nodes", "5000", "several stacks"]),
    ("too many nodes, grown", {"count": 1, "maxCount": 6000}, {}, "maxCount", ["6000 nodes", "5000"]),
    (
        "Kubernetes too old",
        GB200,
        {"region": "us-east-1", "kubernetesVersion": "1.32"},
        "/cluster.kubernetesVersion",
        ["'1.32' is too old for p6e-gb200.36xlarge", "1.33 or newer"],
    ),
    (
        "GB200 without DRA",
        GB200,
        {"region": "us-east-1", "aws": {"controlPlane": {"kind": "pcs"}}},
        "machineType",
        ["'p6e-gb200.36xlarge'", "DRA driver", "pcs does not have", "set aws.controlPlane.kind to eks"],
    ),
    (
        "label of Kubernetes",
        {"labels": {"node.kubernetes.io/role": "x"}},
        {},
        "labels",
        ["'node.kubernetes.io/role'", "kubernetes.io", "a domain of your own"],
    ),
    ("label of EKS", {"labels": {"eks.amazonaws.com/x": "y"}}, {}, "labels", ["'eks.amazonaws.com/x'", "your own"]),
    ("label of penstock", {"labels": {"penstock.dev/pool": "y"}}, {}, "labels", ["'penstock.dev/pool'", "your own"]),
    ("label of AWS", {"labels": {"topology.k8s.aws/network-node-layer-1": "y"}}, {}, "labels", ["k8s.aws", "your own"]),
    ("label without a value", {"labels": {"a": ""}}, {}, "labels", ["'' of a", 'write a: "true"']),
    ("long label", {"labels": {f"a.{'b' * 60}/c": "y"}}, {}, "labels", ["has 64 characters", "63 at most"]),
    ("long taint", {"taints": [{"key": f"a.{'b' * 60}/c"}]}, {}, "taints", ["has 64 characters", "63 at most"]),
    ("too many labels", {"labels": {f"l{n}": "x" for n in range(48)}}, {}, "labels", ["48 of them", "47"]),
    ("taint of Kubernetes", {"taints": [{"key": "k8s.io/x"}]}, {}, "taints", ["'k8s.io/x'", "a domain of your own"]),
    ("too many taints", {"taints": [{"key": f"t{n}"} for n in range(50)]}, {}, "taints", ["50 of them", "49"]),
]


@pytest.mark.parametrize(("keys", "cluster", "path", "words"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_a_mistake_is_told_with_path_value_and_remedy(
    keys: dict[str, Any], cluster: dict[str, Any], path: str, words: list[str]
) -> None:
    (problem,) = problems(pool() | keys, **cluster)
    assert problem.path == (path[1:] if path.startswith("/") else f"cluster.nodePools.train.{path}")
    for word in words:
        assert word in problem.message


def test_a_block_that_is_over_is_refused() -> None:
    (problem,) = problems(pool(**block()), now=datetime(2027, 11, 15, 11, 30, tzinfo=UTC))
    assert problem.path == "cluster.nodePools.train.capacity.capacityBlock.endsAt"
    assert "the block ended at 2027-11-15T11:30Z" in problem.message
    assert "remove the pool" in problem.message


@pytest.mark.parametrize("size", [{"count": 0, "maxCount": 4}, GANG])
def test_families_that_do_not_talk_stand_side_by_side_and_are_warned_of(size: dict[str, Any]) -> None:
    spec = spec_of(pool("old", "p4d.24xlarge", **size), pool("new", **GANG))
    (told,) = part(plan_of(spec), spec, ()).warnings
    assert told.startswith("cluster.nodePools.new: EFA of p5.48xlarge does not reach that of p4d.24xlarge in old")
    alike = spec_of(pool("old", "p5en.48xlarge", **GANG), pool("new", **GANG))
    assert part(plan_of(alike), alike, ()).warnings == ()


def test_a_fallback_is_not_named_like_another_pool() -> None:
    spot = pool("serve", "g6.xlarge", capacity={"spot": {"fallback": "onDemand"}})
    (problem,) = problems(spot, pool("serve-on-demand"))
    assert problem.path == "cluster.nodePools.serve.name"
    assert "'serve-on-demand'" in problem.message
    assert "rename" in problem.message


def test_a_name_that_is_too_long_for_a_launch_template() -> None:
    (problem,) = problems(pool("p" * 40), stack="s" * 80)
    assert problem.path == f"cluster.nodePools.{'p' * 40}.name"
    assert "120 characters" in problem.message
    assert "shorten it" in problem.message


def test_all_mistakes_are_told_at_once() -> None:
    bad: dict[str, Any] = {
        "capacity": {"capacityBlock": BLOCK | {"zone": "us-east-9a", "id": "x"}},
        "placement": "create",
        "count": 70,
    }
    found = problems(pool("a", "p5.48xlarg"), pool("b", **bad, labels={"k8s.io/x": "y"}), region="us-east-2")
    assert [problem.path.removeprefix("cluster.nodePools.") for problem in found] == [
        "a.machineType", "b.capacity.capacityBlock.id", "b.labels", "b.capacity.capacityBlock.zone", "b.placement",
        "b.count",
    ]  # fmt: skip


def test_a_region_that_is_not_there_hides_no_other_mistake() -> None:
    found = problems(pool(placement="fromReservation"), region="mars-1")
    assert [problem.path for problem in found] == ["cluster.region", "cluster.nodePools.train.placement"]
