"""Planned pools: capacity, placement, zones, fabric, and a pod's requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.fabric import Collective, Fabric
from components.plan.cluster import Taint
from components.spec.cluster import TaintEffect
from providers.aws.nodes.costs import bill, quotas
from providers.aws.nodes.plan import part
from providers.aws.nodes.scaling import autoscaler_tags
from providers.aws.types import (
    AwsNodePoolPlan,
    BlockCapacity,
    GivenGroup,
    NoGroup,
    OnDemandCapacity,
    OwnGroup,
    Placement,
    ReservedCapacity,
    SpotCapacity,
)
from tests.unit.providers.aws.nodes.pools import BLOCK, GB200, GROUP, plan_of, plans, pool, spec_of

STARTS = datetime(2027, 11, 1, 11, 30, tzinfo=UTC)
ENDS = datetime(2027, 11, 15, 11, 30, tzinfo=UTC)
DRAINS = ENDS - timedelta(hours=1)
A_SECOND = timedelta(seconds=1)
IN_BLOCK: dict[str, Any] = {"count": 32, "capacity": {"capacityBlock": BLOCK}}
RESERVED: dict[str, Any] = {"id": "cr-0a1b2c3d", "zone": "us-east-2b"}


def one(
    machine_type: str = "p5.48xlarge", *, now: datetime | None = None, region: str = "us-east-2", **keys: Any
) -> AwsNodePoolPlan:
    (found,) = plans(pool("train", machine_type, **keys), region=region, **({"now": now} if now else {}))
    return found


# Capacity


@pytest.mark.parametrize(
    ("now", "desired", "to_come"),
    [
        (STARTS - A_SECOND, 0, [("start", STARTS, 32), ("drain", DRAINS, 0)]),
        (STARTS, 32, [("drain", DRAINS, 0)]),
        (DRAINS - A_SECOND, 32, [("drain", DRAINS, 0)]),
        (DRAINS, 0, []),
        (ENDS - A_SECOND, 0, []),
    ],
)
def test_a_blocks_nodes_are_there_between_its_start_and_its_drain(
    now: datetime, desired: int, to_come: list[tuple[str, datetime, int]]
) -> None:
    plan = one(now=now, **IN_BLOCK)
    assert plan.desired_now == desired
    assert [(change.name, change.at, change.nodes) for change in plan.schedule] == to_come
    assert (plan.node_count, plan.min_count, plan.max_count, plan.least_in_group) == (32, 32, 32, 0)


def test_a_block_is_drained_half_an_hour_before_awss_own_hour() -> None:
    assert one(**IN_BLOCK).capacity == BlockCapacity(
        reservation=BLOCK["id"], starts_at=STARTS, drains_at=datetime(2027, 11, 15, 10, 30, tzinfo=UTC), ends_at=ENDS
    )


def test_an_ultra_server_is_drained_half_an_hour_earlier() -> None:
    (plan,) = plans(pool() | GB200, region="us-east-1")
    assert isinstance(plan.capacity, BlockCapacity)
    assert plan.capacity.drains_at == datetime(2027, 11, 15, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "ends_at", ["2027-11-02T11:30:00Z", "2027-11-15T11:30:00Z", "2027-11-22T11:30:00Z", "2028-05-01T11:30:00Z"]
)
def test_lengths_that_are_sold(ends_at: str) -> None:
    assert one(capacity={"capacityBlock": BLOCK | {"endsAt": ends_at}}).schedule


@pytest.mark.parametrize("starts_at", ["2027-10-31T20:00:00Z", "2027-10-25T20:00:00Z"])
def test_a_block_that_was_begun_at_once_has_a_broken_first_day(starts_at: str) -> None:
    """14 days and some hours; 21 days less some."""
    assert one(capacity={"capacityBlock": BLOCK | {"startsAt": starts_at}}).schedule


def test_times_of_another_zone_are_the_same_moments() -> None:
    there = {"startsAt": "2027-11-01T04:30:00-07:00", "endsAt": "2027-11-15T03:30:00-08:00"}
    assert one(capacity={"capacityBlock": BLOCK | there}).capacity == one(**IN_BLOCK).capacity


def test_a_spot_pool_with_a_fallback_is_two() -> None:
    asked = pool("serve", "g6e.12xlarge", count=2, maxCount=8, labels={"tier": "gold"})
    asked |= {"capacity": {"spot": {"fallback": "onDemand"}}, "fabric": {"none": "every replica fits on one node"}}
    spot, fallback = plans(asked)
    assert (spot.name, spot.capacity, spot.desired_now, spot.min_count) == ("serve", SpotCapacity(), 2, 0)
    assert (spot.fallback, fallback.fallback, spot.keeps_idle_nodes) == ("serve-on-demand", "", False)
    assert (fallback.name, fallback.capacity) == ("serve-on-demand", OnDemandCapacity())
    assert (fallback.node_count, fallback.desired_now, fallback.min_count, fallback.max_count) == (0, 0, 0, 8)
    waits = {"k8s.amazonaws.com/accelerator": "l40s"}
    assert spot.labels == {**waits, "tier": "gold", "penstock.dev/pool": "serve", "penstock.dev/capacity": "spot"}
    assert fallback.labels == {**spot.labels, "penstock.dev/capacity": "on-demand"}
    assert fallback.binding == spot.binding
    assert set(spot.binding.node_selector.items()) <= set(fallback.labels.items())


def test_a_group_with_a_fallback_may_be_empty_and_keeps_what_its_count_asks_for() -> None:
    """The autoscaler turns to another group only where it can take back what the first was not given."""
    spot, fallback = plans(pool("train", "g6e.48xlarge", count=2, capacity={"spot": {"fallback": "onDemand"}}))
    assert (spot.least_in_group, spot.max_count, spot.keeps_idle_nodes) == (0, 2, True)
    idle = {key: value for key, value in autoscaler_tags(spot).items() if "utilizationthreshold" in key}
    assert (len(idle), set(idle.values())) == (2, {"0"})
    assert not [key for key in autoscaler_tags(fallback) if "utilizationthreshold" in key]
    (alone,) = plans(pool("train", "g6e.48xlarge", count=2, capacity="spot"))
    assert (alone.least_in_group, alone.keeps_idle_nodes) == (2, False)


def test_a_fallback_has_a_group_of_its_own() -> None:
    spot, fallback = plans(pool("train", "g6e.48xlarge", count=2, capacity={"spot": {"fallback": "onDemand"}}))
    assert spot.placement == OwnGroup(name="aws-test-train")
    assert fallback.placement == OwnGroup(name="aws-test-train-on-demand")


def test_a_reservation_is_named() -> None:
    assert one(capacity={"reservation": RESERVED}).capacity == ReservedCapacity(reservation="cr-0a1b2c3d")


def test_a_pool_of_none_may_have_one() -> None:
    """EKS refuses a largest size of 0."""
    plan = one(count=0)
    assert (plan.desired_now, plan.min_count, plan.max_count) == (0, 0, 1)


# Placement


@pytest.mark.parametrize(
    ("keys", "placement"),
    [
        ({"count": 2}, OwnGroup(name="aws-test-train")),
        ({"count": 2, "capacity": "spot"}, OwnGroup(name="aws-test-train")),
        ({"count": 2, "placement": "none"}, NoGroup()),
        ({"count": 1}, NoGroup()),
        ({"count": 1, "placement": "create"}, OwnGroup(name="aws-test-train")),
        ({"count": 2, "placement": {"existing": "mine"}}, GivenGroup(name="mine")),
        (IN_BLOCK, NoGroup()),
        (IN_BLOCK | {"placement": "fromReservation"}, NoGroup()),
        ({"count": 2, "capacity": {"reservation": RESERVED}}, NoGroup()),
        ({"count": 2, "capacity": {"reservation": RESERVED | {"placementGroup": "theirs"}}}, GivenGroup(name="theirs")),
        (
            {
                "placement": {"existing": "theirs"},
                "capacity": {"reservation": RESERVED | {"placementGroup": "theirs"}},
            },
            GivenGroup(name="theirs"),
        ),
    ],
)
def test_where_machines_stand(keys: dict[str, Any], placement: Placement) -> None:
    assert one(**keys).placement == placement


# Zones


@pytest.mark.parametrize(
    ("machine_type", "keys", "zones"),
    [
        ("p5.48xlarge", {"count": 2}, ("use2-az1",)),
        ("p5.48xlarge", {"count": 2, "zone": "use2-az3"}, ("use2-az3",)),
        ("p5.48xlarge", {"count": 2, "zone": "us-east-2c"}, ("us-east-2c",)),
        ("p5.48xlarge", {"count": 1, "placement": "create"}, ("use2-az1",)),
        ("p5.48xlarge", {"count": 1, "placement": "none"}, ("use2-az1", "use2-az2", "use2-az3")),
        ("p5.48xlarge", IN_BLOCK, ("us-east-2b",)),
        ("p5.48xlarge", {"capacity": {"reservation": {"id": "cr-0a1b2c3d", "zone": "us-east-2b"}}}, ("us-east-2b",)),
        ("trn1.32xlarge", {"count": 2}, ("use2-az3",)),  # the one zone that offers it
        ("trn1.32xlarge", {"count": 1}, ("use2-az3",)),
    ],
)
def test_zones_of_a_pool(machine_type: str, keys: dict[str, Any], zones: tuple[str, ...]) -> None:
    assert one(machine_type, **keys).zones == zones


def test_a_fabric_stands_where_another_pool_is_bound_to() -> None:
    _, second = plans(pool("train", **IN_BLOCK), pool("more", "p5en.48xlarge", count=2))
    assert second.zones == ("us-east-2b",)


def test_a_fabric_stands_in_the_first_of_the_networks_zones_that_offers_the_machine() -> None:
    network = {"zones": ["us-east-2b", "us-east-2c"]}
    (plan,) = plans(pool(count=2), network=network)
    (elsewhere,) = plans(pool("train", "trn1.32xlarge", count=2), network=network)
    assert plan.zones == ("us-east-2b",)
    assert elsewhere.zones == ("us-east-2c",)


def test_a_pool_stands_in_three_zones_at_most() -> None:
    assert len(one("m7i.large", count=2, region="us-east-1").zones) == 3


# Fabric and what pods ask for


@pytest.mark.parametrize(
    ("machine_type", "keys", "fabric", "collective", "devices"),
    [
        ("p5.48xlarge", {"count": 2}, Fabric.EFA, Collective.NCCL, {"nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 32}),
        ("p5.48xlarge", {"count": 1}, Fabric.HOST, Collective.NCCL, {"nvidia.com/gpu": 8}),
        ("p5.48xlarge", {"count": 0, "maxCount": 2}, Fabric.EFA, Collective.NCCL,
         {"nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 32}),
        ("p5.48xlarge", {"count": 2, "fabric": {"none": "replicas of one node"}}, Fabric.ETHERNET, Collective.NCCL,
         {"nvidia.com/gpu": 8}),
        ("g6.xlarge", {"count": 2, "fabric": {"none": "replicas of one node"}}, Fabric.ETHERNET, Collective.NCCL,
         {"nvidia.com/gpu": 1}),
        ("trn2.48xlarge", {"count": 2}, Fabric.EFA, Collective.NEURON,
         {"aws.amazon.com/neuron": 16, "vpc.amazonaws.com/efa": 16}),
        ("m7i.large", {"count": 2}, Fabric.ETHERNET, Collective.GLOO, {}),
        ("c7i.48xlarge", {"count": 2}, Fabric.ETHERNET, Collective.GLOO, {}),
    ],
)  # fmt: skip
def test_a_gang_has_its_machines_fabric_or_a_reason(
    machine_type: str, keys: dict[str, Any], fabric: Fabric, collective: Collective, devices: dict[str, int]
) -> None:
    plan = one(machine_type, **keys)
    assert (plan.fabric, plan.collective, plan.binding.devices) == (fabric, collective, devices)
    assert plan.efa_devices == devices.get("vpc.amazonaws.com/efa", 0)
    assert plan.binding.huge_pages_mib == (5120 if fabric is Fabric.EFA else 0)
    assert ("topology.k8s.aws/network-node-layer-1" in plan.binding.topology_keys) == (fabric is Fabric.EFA)


@pytest.mark.parametrize(
    ("machine_type", "count", "env"),
    [
        ("p5.48xlarge", 2, {"NCCL_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0"}),
        ("p5.48xlarge", 1, {}),
        ("trn1.32xlarge", 2, {"CCOM_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0"}),
        ("m7i.large", 2, {"GLOO_SOCKET_IFNAME": "eth0"}),
    ],
)
def test_the_environment_is_the_least_that_is_right(machine_type: str, count: int, env: dict[str, str]) -> None:
    assert one(machine_type, count=count).binding.env == env


def test_topology_goes_from_the_widest_to_the_narrowest() -> None:
    assert one(count=2).binding.topology_keys == (
        "topology.kubernetes.io/zone",
        "topology.k8s.aws/network-node-layer-1",
        "topology.k8s.aws/network-node-layer-2",
        "topology.k8s.aws/network-node-layer-3",
    )


@pytest.mark.parametrize(
    ("machine_type", "levels"),
    [
        ("g5.48xlarge", []),
        ("g6.24xlarge", []),
        ("p5.4xlarge", []),
        ("g6e.48xlarge", [1, 2, 3]),
        ("p6-b200.48xlarge", [1, 2, 3, 4]),
    ],
)
def test_a_pool_is_placed_by_the_layers_that_ec2_tells_of_its_machine(machine_type: str, levels: list[int]) -> None:
    layers = [f"topology.k8s.aws/network-node-layer-{level}" for level in levels]
    assert list(one(machine_type, count=2).binding.topology_keys) == ["topology.kubernetes.io/zone", *layers]


@pytest.mark.parametrize(
    ("machine_type", "keys"),
    [("p5.48xlarge", ["nvidia.com/gpu"]), ("inf2.xlarge", ["aws.amazon.com/neuron"]), ("m7g.large", [])],
)
def test_accelerators_are_kept_for_those_that_ask_for_them(machine_type: str, keys: list[str]) -> None:
    plan = one(machine_type)
    assert [taint.key for taint in plan.taints] == keys
    assert plan.binding.tolerations == plan.taints


def test_a_users_own_taint_of_accelerators_takes_the_place_of_ours() -> None:
    plan = one(taints=[{"key": "nvidia.com/gpu", "value": "true", "effect": "NoExecute"}, {"key": "team"}])
    assert plan.taints == (
        Taint(key="nvidia.com/gpu", value="true", effect=TaintEffect.NO_EXECUTE),
        Taint(key="team", value="", effect=TaintEffect.NO_SCHEDULE),
    )
    assert plan.binding.tolerations == plan.taints


# GB200


def test_gb200() -> None:
    (plan,) = plans(pool(count=18) | GB200, region="us-east-1", kubernetesVersion="1.34")
    assert plan.self_managed
    assert plan.ami_type == "AL2023_ARM_64_NVIDIA"
    assert plan.image_parameter == (
        "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/nvidia/"
        "amazon-eks-node-al2023-arm64-nvidia-1.34-v20260714/image_id"
    )
    assert plan.binding.devices == {"nvidia.com/gpu": 4, "vpc.amazonaws.com/efa": 4}
    assert plan.binding.huge_pages_mib == 0
    assert plan.zones == ("us-east-1-dfw-2a",)
    assert isinstance(plan.capacity, BlockCapacity)
    assert plan.capacity.reservation == GROUP


def test_one_reservation_of_gb200_is_managed_by_eks() -> None:
    keys = {"capacity": {"capacityBlock": BLOCK | {"zone": "us-east-1-dfw-2a"}}}
    (plan,) = plans(pool() | GB200 | keys, region="us-east-1")
    assert not plan.self_managed
    assert not plan.image_parameter


# What is left open


def test_the_root_disk_grows_with_what_images_hold() -> None:
    assert one().root_disk_gib == 200
    assert one("m7i.large").root_disk_gib == 100
    assert one(rootDiskGib=500).root_disk_gib == 500


@pytest.mark.parametrize(
    ("aws", "repair"),
    [
        ({}, True),
        ({"controlPlane": {"kind": "eks", "nodeRepair": False}}, False),
        ({"controlPlane": {"kind": "pcs"}}, False),
    ],
)
def test_node_repair_is_ekss(aws: dict[str, Any], repair: bool) -> None:
    (plan,) = plans(pool(), aws=aws)
    assert plan.node_repair is repair


RELEASE: dict[str, Any] = {"controlPlane": {"kind": "eks", "nodeRelease": "1.34.6-20260512"}}


def test_a_release_is_every_pools_also_of_those_that_eks_does_not_start() -> None:
    managed, own = plans(
        pool("a", "g6.xlarge"), pool("b", count=2) | GB200, aws=RELEASE, region="us-east-1", kubernetesVersion="1.34"
    )
    assert managed.release == own.release == "1.34.6-20260512"
    folder = "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/nvidia"
    assert own.image_parameter == f"{folder}/amazon-eks-node-al2023-arm64-nvidia-1.34-v20260512/image_id"


def test_pools_stand_in_the_order_of_the_spec() -> None:
    found = plans(
        pool("b", "m7i.large"), pool("a", "g6.xlarge", capacity={"spot": {"fallback": "onDemand"}}), pool("c")
    )
    assert [plan.name for plan in found] == ["b", "a", "a-on-demand", "c"]


def test_a_node_of_several_machine_types_offers_the_least_and_costs_the_most() -> None:
    asked = {"spot": {"alternatives": ["g6.2xlarge", "gr6.4xlarge"]}}
    (one,), (all_of_them,) = (plans(pool("serve", "g6.xlarge", **more)) for more in ({}, {"capacity": asked}))
    assert all_of_them.room == one.room
    assert all_of_them.max_pods == one.max_pods
    assert all_of_them.addresses_per_node >= one.addresses_per_node
    machine = bill([all_of_them], "us-east-2")[0]
    assert machine.unit_usd_per_hour == max(
        row.usd_per_hour for row in all_of_them.machine_types if row.usd_per_hour is not None
    )
    assert quotas([all_of_them])[0].needed == 16


def test_one_node_has_the_fabric_where_it_is_asked_for_and_no_group() -> None:
    (plain,), (wired,) = (
        plans(pool("serve", "p5.48xlarge", **more)) for more in ({}, {"fabric": {"wanted": "reads over EFA"}})
    )
    assert (plain.fabric, plain.efa_devices) == (Fabric.HOST, 0)
    assert (wired.fabric, wired.efa_devices, wired.placement) == (Fabric.EFA, 32, NoGroup())
    assert len(wired.zones) == 1
    assert wired.binding.devices["vpc.amazonaws.com/efa"] == 32


@pytest.mark.parametrize(("count", "warned"), [(18, 0), (9, 0), (36, 0), (16, 1)])
def test_machines_of_an_ultra_server_that_no_node_uses_are_told(count: int, warned: int) -> None:
    spec = spec_of(pool(count=count) | GB200, region="us-east-1")
    planned = plan_of(spec)
    assert len([one for one in part(planned, spec, planned).warnings if "UltraServers" in one]) == warned


def test_a_burstable_machine_is_told_to_be_one() -> None:
    spec = spec_of(pool("web", "t3.xlarge", count=2))
    planned = plan_of(spec)
    assert any("comes and goes" in one for one in part(planned, spec, planned).warnings)
