"""Reservations: what two pools say of one, and what the account says of each. AWS's side: botocore's stubs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from providers.aws.held_reservations import held_problems
from tests.unit.providers.aws.nodes.pools import BLOCK, GROUP, plans, pool, problems

ID = "cr-0a1b2c3d4e5f60718"
NOW = datetime(2027, 10, 1, tzinfo=UTC)
HELD = {"reservation": {"id": ID, "zone": "us-east-2b"}}
BLOCKED = {"capacityBlock": BLOCK}


def reserved(**more: Any) -> dict[str, Any]:
    return {"reservation": {"id": ID, "zone": "us-east-2b", **more}}


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (HELD, BLOCKED, "first says reservation, second capacityBlock"),
        (HELD, reserved(zone="us-east-2a"), "first says zone us-east-2b where second says us-east-2a"),
        (HELD, reserved(placementGroup="g"), "first says placementGroup none where second says g"),
        (
            BLOCKED,
            {"capacityBlock": BLOCK | {"endsAt": "2027-11-14T11:30:00Z"}},
            "first says endsAt 2027-11-15T11:30Z where second says 2027-11-14T11:30Z",
        ),
    ],
)
def test_pools_that_contradict_each_other_about_a_reservation_are_told(one: Any, other: Any, words: str) -> None:
    found = problems(pool("first", capacity=one), pool("second", capacity=other))
    (told,) = [each for each in found if each.path.endswith(".id")]
    assert told.path.startswith("cluster.nodePools.second.capacity.")
    assert f"{ID!r} is one reservation" in told.message
    assert words in told.message
    assert told.message.endswith("say the same in both")


def test_a_reservation_is_of_one_machine_type_and_a_group_of_several() -> None:
    (told,) = problems(pool("first", capacity=HELD), pool("second", "p5en.48xlarge", capacity=HELD))
    assert "machineType p5.48xlarge, second p5en.48xlarge" in told.message
    group = reserved(id="arn:aws:resource-groups:us-east-2:123456789012:group/all")
    assert len(plans(pool("first", capacity=group), pool("second", "p5en.48xlarge", capacity=group))) == 2


def test_pools_share_a_reservation_and_a_block_no_further_than_it_reaches() -> None:
    assert len(plans(pool("first", count=32, capacity=BLOCKED), pool("second", count=32, capacity=BLOCKED))) == 2
    (told,) = problems(pool("first", count=32, capacity=BLOCKED), pool("second", count=33, capacity=BLOCKED))
    assert "asked for 65 machines by the pools up to second; a capacity block has at most 64" in told.message


class Account:
    """Stubbed clients of an account that holds what it is told."""

    def __init__(self) -> None:
        make: Any = boto3.Session("simulated", "simulated", region_name="us-east-2").client
        self.clients = {name: make(name) for name in ("ec2", "resource-groups")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def holds(self, *reservations: dict[str, Any]) -> None:
        self.stubs["ec2"].add_response("describe_capacity_reservations", {"CapacityReservations": list(reservations)})

    def runs(self, count: int) -> None:
        instances = [{"InstanceId": f"i-{index:017x}"} for index in range(count)]
        self.stubs["ec2"].add_response("describe_instances", {"Reservations": [{"Instances": instances}]})

    def told(self, *pools: dict[str, Any], region: str = "us-east-2", now: datetime = NOW) -> list[str]:
        found = held_problems(plans(*pools, region=region), "aws-test", now, self.clients.__getitem__)
        return [f"{one.path.removeprefix('cluster.nodePools.')}: {one.message}" for one in found]


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account()
    yield made
    for stub in made.stubs.values():
        stub.assert_no_pending_responses()


def found(**changes: Any) -> dict[str, Any]:
    """Answer of the account about an on-demand reservation that has all its machines free."""
    return {
        "CapacityReservationId": ID, "State": "active", "InstanceType": "p5.48xlarge", "ReservationType": "default",
        "AvailabilityZone": "us-east-2b", "TotalInstanceCount": 4, "AvailableInstanceCount": 4,
        "InstancePlatform": "Linux/UNIX", "StartDate": datetime(2027, 1, 1, tzinfo=UTC),
    } | changes  # fmt: skip


def block(**changes: Any) -> dict[str, Any]:
    times = {
        "StartDate": datetime(2027, 11, 1, 11, 30, tzinfo=UTC),
        "EndDate": datetime(2027, 11, 15, 11, 30, tzinfo=UTC),
    }
    return found(ReservationType="capacity-block", State="scheduled", AvailableInstanceCount=0, **times) | changes


GIVEN = "arn:aws:ec2:us-east-2:123456789012:placement-group/near"


@pytest.mark.parametrize(
    ("capacity", "there", "words"),
    [
        (HELD, block(), "is a capacity block; write it as capacity.capacityBlock, with startsAt and endsAt"),
        (BLOCKED, found(), "is an on-demand reservation and no capacity block; write it as capacity.reservation"),
        (HELD, found(InstancePlatform="Windows"), "is for Windows, and nodes run Linux/UNIX; name a reservation for"),
        (HELD, found(AvailabilityZone="us-east-2c"), "is in us-east-2c, the pool in us-east-2b; write its zone"),
        (
            HELD,
            found(PlacementGroupArn=GIVEN),
            "was made in near, the pool's machines are in none; write placementGroup: near",
        ),
        (
            reserved(placementGroup="near"),
            found(),
            "was made in no placement group, the pool's machines are in near; leave placementGroup out",
        ),
        (
            HELD,
            found(State="scheduled", StartDate=datetime(2027, 12, 1, tzinfo=UTC)),
            "begins at 2027-12-01T00:00:00Z, and nodes on demand are asked for at once; run `up` from then on",
        ),
        (
            BLOCKED,
            block(StartDate=datetime(2027, 11, 2, 11, 30, tzinfo=UTC)),
            "starts at 2027-11-02T11:30:00Z, not at 2027-11-01T11:30:00Z; copy startsAt from it",
        ),
        (
            BLOCKED,
            block(EndDate=datetime(2027, 11, 16, 11, 30, tzinfo=UTC)),
            "ends at 2027-11-16T11:30:00Z, not at 2027-11-15T11:30:00Z; copy endsAt from it",
        ),
        (
            HELD,
            found(InstanceType="p5e.48xlarge"),
            "holds p5e.48xlarge, the pool asks for p5.48xlarge; change machineType",
        ),
        (HELD, found(State="cancelled"), "is cancelled; name one that is active or scheduled"),
    ],
)
def test_each_difference_is_told_with_what_to_write(account: Account, capacity: Any, there: Any, words: str) -> None:
    account.holds(there)
    told = account.told(pool(count=2, capacity=capacity))
    assert any(words in one for one in told), told
    assert all(one.startswith(f"train.capacity: {ID} ") for one in told)


@pytest.mark.parametrize(("capacity", "there"), [(HELD, found()), (BLOCKED, block())])
def test_a_reservation_that_is_what_the_file_says_is_no_problem(account: Account, capacity: Any, there: Any) -> None:
    account.holds(there)
    assert account.told(pool(count=4, capacity=capacity)) == []


@pytest.mark.parametrize(("mine", "told"), [(0, 1), (2, 0)])
def test_machines_that_others_run_there_are_not_free_and_the_stacks_own_are(
    account: Account, mine: int, told: int
) -> None:
    account.holds(found(AvailableInstanceCount=2))
    account.runs(mine)
    said = account.told(pool(count=4, capacity=HELD))
    assert len(said) == told
    assert all("has 2 machines free of 4, and this stack runs 0 of them" in one for one in said)


def test_two_pools_ask_for_their_sum(account: Account) -> None:
    account.holds(found())
    (told,) = account.told(pool("a", count=2, capacity=HELD), pool("b", count=3, capacity=HELD))
    assert told == (
        f"b.capacity: {ID} holds 4 machines, asked by a for 2 and b for 3; "
        "lower the counts, or name a larger reservation"
    )


def test_a_resource_group_is_looked_up_by_its_members(account: Account) -> None:
    member = "arn:aws:ec2:us-east-1:123456789012:capacity-reservation/cr-1"
    entry = {"Identifier": {"ResourceArn": member, "ResourceType": "AWS::EC2::CapacityReservation"}}
    account.stubs["resource-groups"].add_response("list_group_resources", {"Resources": [entry]}, {"Group": GROUP})
    account.stubs["ec2"].add_response(
        "describe_capacity_reservations",
        {"CapacityReservations": [block(InstanceType="p6e-gb200.36xlarge", AvailabilityZone="us-east-1-dfw-2a")]},
        {"CapacityReservationIds": ["cr-1"]},
    )
    held = {"capacityBlock": BLOCK | {"id": GROUP, "zone": "us-east-1-dfw-2a"}}
    assert account.told(pool(machine_type="p6e-gb200.36xlarge", count=4, capacity=held), region="us-east-1") == []


def test_a_reservation_of_nobody_is_told_and_for_one_that_may_not_be_read_the_right(account: Account) -> None:
    account.stubs["ec2"].add_client_error("describe_capacity_reservations", "InvalidCapacityReservationId.NotFound")
    (told,) = account.told(pool(capacity=HELD))
    assert "is not a reservation of this account in this region; copy its id from" in told
    account.stubs["ec2"].add_client_error("describe_capacity_reservations", "UnauthorizedOperation")
    (told,) = account.told(pool(capacity=HELD))
    assert "allow ec2:DescribeCapacityReservations to them" in told


@pytest.mark.parametrize(
    ("expires", "words"),
    [
        (datetime(2028, 3, 1, tzinfo=UTC), "before the stack expires (2028-03-01T00:00:00Z)"),
        (None, "and the stack has no end"),
        (datetime(2027, 11, 1, tzinfo=UTC), ""),
    ],
)
def test_a_reservation_that_ends_before_the_stack_is_told_and_stops_nothing(
    account: Account, expires: datetime | None, words: str
) -> None:
    account.holds(found(EndDate=datetime(2027, 12, 1, tzinfo=UTC), EndDateType="limited"))
    pools = plans(pool(count=2, capacity=HELD))
    told = held_problems(pools, "aws-test", NOW, account.clients.__getitem__, expires_at=expires)
    assert [one.stops for one in told] == ([False] if words else [])
    assert all(words in one.message and "extend it, or end the stack" in one.message for one in told)
