"""The scripts of a campaign: as many as asked for, the same for the same seed, and each with something to go wrong."""

from collections import Counter
from dataclasses import replace

from rehearsal.campaigns.cloud import Campaign, scripts
from rehearsal.faults import FaultScript
from rehearsal.providers.aws.rules import RULES

AROUND = Campaign(
    requests=120, operations=("ec2:CreateVpc", "eks:CreateCluster"), pools=(("dev-a", "g6.xlarge"),),
    refusals=RULES.refusals, deletable=RULES.deletable,
)  # fmt: skip


CLUSTER = replace(AROUND, changes=120)


def test_a_seed_gives_the_same_scripts() -> None:
    first, again, other = (scripts(AROUND, kills=20, faults=30, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_kills_strike_within_the_requests_that_are_made() -> None:
    killing = [script.kill[0] for _, script in scripts(AROUND, kills=200, faults=0, seed=3)]
    numbers = [one.at_request or 0 for one in killing]
    assert 1 <= min(numbers) < max(numbers) <= AROUND.requests
    assert len(set(numbers)) > 60
    with_cluster = [script.kill[0] for _, script in scripts(CLUSTER, kills=200, faults=0, seed=3)]
    inside = [one.at_kubernetes_request for one in with_cluster if one.at_kubernetes_request]
    assert 1 <= min(inside) < max(inside) <= CLUSTER.changes
    assert 50 < len(inside) < 150


def test_kills_and_faults_take_turns_so_that_a_campaign_cut_short_has_both() -> None:
    kinds = [kind == "engine killed" for kind, _ in scripts(AROUND, kills=6, faults=4, seed=1)]
    assert kinds == [True, False] * 4 + [True, True]


def test_every_kind_of_fault_has_its_share() -> None:
    others = scripts(AROUND, kills=0, faults=60, seed=4)
    assert set(Counter(kind for kind, _ in others).values()) == {10}
    assert all(script != FaultScript() for _, script in others)


def test_where_no_machine_starts_no_pool_is_struck() -> None:
    others = scripts(replace(AROUND, pools=()), kills=0, faults=40, seed=4)
    assert set(Counter(kind for kind, _ in others).values()) == {10}
    assert not any(script.capacity or script.partial or script.load_balancers for _, script in others)
