"""EKS, decided: what a stack gets, what it is told, and what is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from components.errors import SpecError
from providers.aws.control_plane.eks import plan as clusters
from providers.aws.control_plane.eks.types import EksPlan, PublicReach
from providers.aws.network.demand import SYSTEM_NODE, SYSTEM_NODES
from providers.aws.settings import AwsSpec, Tier
from providers.aws.versions import default_version, kubernetes_versions
from tests.unit.providers.aws.control_plane.stacks import planned, stack


def eks(**keys: Any) -> EksPlan:
    plan = planned(stack(**keys))
    assert isinstance(plan, EksPlan)
    return plan


def refusals(name: str = "aws-test", **keys: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        planned(stack(**keys), name)
    return [str(problem) for problem in caught.value.problems]


def reason(plan: EksPlan, key: str) -> str:
    (decision,) = [decision for decision in plan.decisions if decision.path.endswith(key)]
    return f"{decision.value}: {decision.reason}"


def test_left_alone_a_cluster_is_a_small_one_of_the_default_version() -> None:
    plan = eks()
    assert plan.tier is Tier.STANDARD
    assert plan.version == default_version()


def test_a_cluster_that_nobody_would_reach_is_refused_with_three_remedies() -> None:
    (message,) = refusals(control_plane={"kind": "eks", "reach": None})
    assert message.startswith("aws.controlPlane.reach: missing")
    assert all(
        remedy in message for remedy in ("`ssmHost: {}`", "`publicCidrs: [RANGE]`", "`inside: {cidrs: [RANGE]}`")
    )


def test_the_control_plane_stands_in_two_zones_and_so_does_the_system_pool() -> None:
    plan = eks()
    assert len(plan.subnets) == len(set(plan.subnets)) >= 2
    pool = plan.system_pool
    assert len(pool.zones) == pool.node_count == pool.desired_now == 2
    assert not pool.self_managed
    assert pool.taints == ()


def test_a_region_without_the_usual_system_machine_gets_the_other_one() -> None:
    pool = eks(cluster={"region": "me-south-1", "network": {"zones": ["me-south-1a", "me-south-1b"]}}).system_pool
    assert pool.machine.name == "m7g.xlarge"
    assert pool.ami_type == "AL2023_ARM_64_STANDARD"


def test_every_add_on_has_its_own_version() -> None:
    for version in kubernetes_versions():
        plan = eks(
            cluster={"kubernetesVersion": version},
            storage={"fileSystem": {"capacityTib": 1.2}, "sharedFileSystem": {}},
        )
        installed = {one.name: one.version for one in (*plan.first_add_ons, *plan.add_ons)}
        assert set(installed) == set(kubernetes_versions()[version].add_ons)
        assert installed["kube-proxy"].startswith(f"v{version}.")
        assert all("-eksbuild." in number for number in installed.values())


def test_drivers_and_the_repair_agent_are_there_where_they_are_asked_for() -> None:
    bare = eks(control_plane={"kind": "eks", "nodeRepair": False})
    assert {one.name for one in bare.add_ons} == {"coredns", "aws-ebs-csi-driver"}
    assert not [decision for decision in bare.decisions if "DCGM" in decision.reason]
    assert "DCGM" in reason(eks(), "dcgm")


def test_the_cni_carries_out_network_policies() -> None:
    (cni,) = [one for one in eks().first_add_ons if one.name == "vpc-cni"]
    assert json.loads(cni.configuration) == {"enableNetworkPolicy": "true"}


def test_the_agents_host_engine_runs_on_nodes_with_accelerators() -> None:
    (agent,) = [one for one in eks().add_ons if one.name == "eks-node-monitoring-agent"]
    assert json.loads(agent.configuration) == {"dcgmAgent": {"tolerations": [{"operator": "Exists"}]}}


def test_what_acts_on_aws_may_do_so_in_its_own_name() -> None:
    plan = eks(storage={"fileSystem": {"capacityTib": 1.2}})
    for one in (*plan.first_add_ons, *plan.add_ons):
        assert bool(one.service_account) == bool(one.managed_policies or one.actions), one.name
    (driver,) = [one for one in plan.add_ons if one.name == "aws-fsx-csi-driver"]
    assert driver.actions == ("fsx:DescribeFileSystems",)


@pytest.mark.parametrize(
    ("expires_at", "support"),
    [("2027-03-01T00:00:00Z", "STANDARD"), ("2027-04-01T00:00:00Z", "EXTENDED"), (None, "EXTENDED")],
)
def test_a_run_is_not_moved_to_another_version_under_way(expires_at: str | None, support: str) -> None:
    plan = eks(cluster={"kubernetesVersion": "1.35"} | ({"expiresAt": expires_at} if expires_at else {}))
    assert plan.support == support
    assert plan.standard_support_ends == datetime(2027, 3, 27, tzinfo=UTC)
    told = reason(plan, "support")
    assert "2027-03-27" in told
    assert ("EKS moves the cluster" in told) == (expires_at is None)


def test_the_bill_begins_extended_support_on_its_day() -> None:
    lines = {line.what: line for line in clusters.bill(eks(cluster={"kubernetesVersion": "1.34"}), "us-east-2")}
    assert lines["EKS control plane in us-east-2"].usd_per_hour == Decimal("0.10")
    extended = lines["extended support of Kubernetes 1.34"]
    assert extended.usd_per_hour == Decimal("0.50")
    assert (extended.since, extended.until) == (datetime(2026, 12, 2, tzinfo=UTC), datetime(2027, 12, 2, tzinfo=UTC))


@pytest.mark.parametrize("tier", Tier)
def test_every_tier_has_a_price(tier: Tier) -> None:
    lines = clusters.bill(eks(control_plane={"kind": "eks", "tier": tier.value}), "us-east-2")
    provisioned = [line for line in lines if "provisioned" in line.what]
    assert len(provisioned) == (tier is not Tier.STANDARD)
    assert all(line.unit_usd_per_hour for line in provisioned)


def test_quotas_count_the_groups_that_eks_manages() -> None:
    plan = eks()
    own = replace(plan.system_pool, name="train", max_count=700, self_managed=True)
    managed = replace(plan.system_pool, name="serve", max_count=500)
    needed = {quota.code: quota.needed for quota in clusters.quotas(plan, (own, managed))}
    assert needed == {"L-1194D53C": 1, "L-6D54EA21": 2, "L-BD136A63": 500}


def test_nodes_that_eks_does_not_manage_are_let_in() -> None:
    spec = stack()
    assert isinstance(spec.settings, AwsSpec)
    pool = replace(eks().system_pool, self_managed=True)
    for pools, let_in in (((pool,), True), ((replace(pool, self_managed=False),), False)):
        plan = planned(spec, pools=pools)
        assert isinstance(plan, EksPlan)
        assert plan.self_managed_nodes == let_in


@pytest.mark.parametrize(
    ("cidr", "words"),
    [
        ("0.0.0.0/0", "opens the API server"),
        ("::/0", "IPv4 ranges only"),
        ("128.0.0.0/1", "opens the API server"),
        ("10.1.0.0/16", "private range"),
        ("100.64.1.0/24", "private range"),
    ],
)
def test_a_public_range_that_is_none_is_refused(cidr: str, words: str) -> None:
    (message,) = refusals(control_plane={"reach": {"publicCidrs": [cidr]}})
    assert message.startswith(f"aws.controlPlane.reach.publicCidrs: {cidr}: ")
    assert words in message


def test_a_public_range_of_ones_own_is_taken() -> None:
    plan = eks(control_plane={"reach": {"publicCidrs": ["203.0.113.0/24"]}})
    assert plan.reach == PublicReach(cidrs=("203.0.113.0/24",))


def test_a_release_of_another_version_is_refused() -> None:
    at = {"kind": "eks", "nodeRelease": "1.34.6-20260512"}
    assert eks(cluster={"kubernetesVersion": "1.34"}, control_plane=at).system_pool.release == "1.34.6-20260512"
    (told,) = refusals(cluster={"kubernetesVersion": "1.35"}, control_plane=at)
    assert told.startswith("aws.controlPlane.nodeRelease: '1.34.6-20260512' is not of Kubernetes 1.35")
    assert "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/nvidia/recommended/release_version" in told


def test_nodes_have_the_release_of_the_versions_row() -> None:
    for version, row in kubernetes_versions().items():
        assert row.node_release.startswith(f"{version}.")
    assert eks().system_pool.release == kubernetes_versions()[default_version()].node_release
    assert "names the newest" in reason(eks(), "nodeRelease")


def test_a_stacks_name_too_long_for_a_cluster_is_refused() -> None:
    (message,) = refusals("aws-" + "x" * 29)
    assert message.startswith("stack: ")
    assert "33 characters" in message


def test_all_mistakes_are_told_at_once() -> None:
    arn = "arn:aws:iam::123456789012:role/ops"
    settings = {"kind": "eks", "reach": {"publicCidrs": ["0.0.0.0/0"]}, "admins": [arn, arn], "logRetentionDays": 31}
    messages = refusals("a" * 33, control_plane=settings)
    paths = [message.partition(":")[0] for message in messages]
    settled = "aws.controlPlane."
    assert paths == ["stack", f"{settled}reach.publicCidrs", f"{settled}admins", f"{settled}logRetentionDays"]
    assert "the next longer one is 60" in messages[-1]


def test_more_public_ranges_than_eks_takes_are_refused() -> None:
    (message,) = refusals(control_plane={"reach": {"publicCidrs": [f"203.0.113.{n}/32" for n in range(41)]}})
    assert "41 ranges, but EKS takes at most 40" in message


def test_the_network_holds_the_system_pool_while_it_is_updated() -> None:
    pool = eks().system_pool
    assert pool.addresses_per_node <= SYSTEM_NODE
    assert pool.max_count < SYSTEM_NODES


def test_the_system_pools_name_is_no_pools_of_the_stack() -> None:
    (message,) = refusals(cluster={"nodePools": [{"name": "system", "machineType": "g6.xlarge"}]})
    assert message.startswith("cluster.nodePools.system.name: ")


def test_versions_are_in_order_and_the_default_is_supported_longer_than_some() -> None:
    rows = list(kubernetes_versions().values())
    assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert [row.standard_support_ends for row in rows] == sorted(row.standard_support_ends for row in rows)
    for row in rows:
        assert 364 <= (row.extended_support_ends - row.standard_support_ends).days <= 366
    assert default_version() in [row.name for row in rows[-2:]]


@pytest.mark.parametrize(
    ("cidrs", "words"),
    [
        (["10.0.4.0/24", "10.0.4.0/24"], "10.0.4.0/24 is given more than once; give it once"),
        ([f"10.0.{n}.0/24" for n in range(51)], "51 ranges, but a security group takes 50 beside its own rules"),
    ],
)
def test_ranges_inside_are_few_and_differ(cidrs: list[str], words: str) -> None:
    told = refusals(control_plane={"kind": "eks", "reach": {"inside": {"cidrs": cidrs}}})
    assert any(message.startswith(f"aws.controlPlane.reach.inside.cidrs: {words}") for message in told)
