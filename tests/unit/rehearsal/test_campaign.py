"""The scripts of a campaign: as many as asked for, the same for the same seed, and each with something to go wrong."""

from collections import Counter

from rehearsal.campaigns.cloud import Campaign, scripts
from rehearsal.faults import FaultScript
from rehearsal.providers.aws.rules import RULES

AROUND = Campaign(
    requests=120, operations=("ec2:CreateVpc", "eks:CreateCluster"), pools=(("dev-a", "g6.xlarge"),),
    refusals=RULES.refusals, deletable=RULES.deletable,
)  # fmt: skip


def test_a_seed_gives_the_same_scripts() -> None:
    first, again, other = (scripts(AROUND, kills=20, faults=30, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_kills_come_first_and_strike_within_the_requests_that_are_made() -> None:
    killing = scripts(AROUND, kills=200, faults=0, seed=3)
    numbers = [script.kill[0].at_request or 0 for _, script in killing]
    assert {kind for kind, _ in killing} == {"engine killed"}
    assert 1 <= min(numbers) < max(numbers) <= AROUND.requests
    assert len(set(numbers)) > 60


def test_every_kind_of_fault_has_its_share() -> None:
    others = scripts(AROUND, kills=0, faults=60, seed=4)
    assert set(Counter(kind for kind, _ in others).values()) == {10}
    assert all(script != FaultScript() for _, script in others)
