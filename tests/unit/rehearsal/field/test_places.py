"""Places and times: values that a region lacks, ARNs of another partition, versions that are made no more."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from rehearsal.field.deployed import BuiltResource
from rehearsal.field.facts import FieldFacts
from rehearsal.field.places import partitions, places, support
from rehearsal.field.service_facts import PartitionRow, PlaceRow, SupportRow
from tests.unit.rehearsal.field.field_cases import built, deployment

FACTS = FieldFacts(
    nodes="aws",
    places=(PlaceRow(resource="c:Disk", path="speed", value="fast", regions=("far-*",), source="guide"),),
    partitions=(
        PartitionRow(regions="cn-*", partition="aws-cn", source="guide"),
        PartitionRow(regions="*", partition="aws", source="guide"),
    ),
    support=(SupportRow(resource="c:Cluster", path="version", ends={"1.1": date(2027, 1, 1)}, source="guide"),),
)


def disk(region: str, speed: Any = "fast") -> BuiltResource:
    return built("c:Disk", "disk", {"speed": speed}, outputs={"region": region})


def test_a_value_that_the_region_lacks_is_found() -> None:
    (found,) = places(deployment(FACTS, resources=(disk("far-1"),)))
    assert found.message == "disk has speed fast, which the service does not have in far-1"
    assert list(places(deployment(FACTS, resources=(disk("near-1"), disk("far-1", "slow"), disk(""))))) == []


@pytest.mark.parametrize(
    ("region", "arn", "found"),
    [
        ("cn-north-1", "arn:aws:s3:::b", 1),
        ("cn-north-1", "arn:aws-cn:s3:::b", 0),
        ("eu-west-1", "arn:aws-cn:s3:::b", 1),
    ],
)
def test_an_arn_of_another_partition_is_found_wherever_it_stands(region: str, arn: str, found: int) -> None:
    policy = built("c:Policy", "p", {"text": f'{{"Resource": ["{arn}/*"]}}'}, outputs={"region": region})
    assert len(list(partitions(deployment(FACTS, resources=(policy,))))) == found
    nested = built("c:Policy", "p", {"a": [{"b": arn}]}, outputs={"region": region})
    assert len(list(partitions(deployment(FACTS, resources=(nested,))))) == found


def test_a_new_cluster_of_a_version_that_has_ended_is_found_at_that_time() -> None:
    cluster = built("c:Cluster", "c", {"version": "1.1"})

    def found(now: datetime | None, *before: BuiltResource) -> int:
        earlier = deployment(FACTS, resources=before) if before else None
        return len(list(support(deployment(FACTS, resources=(cluster,), now=now, before=earlier))))

    assert found(datetime(2027, 1, 1, tzinfo=UTC)) == 1
    assert found(datetime(2026, 12, 31, tzinfo=UTC)) == 0
    assert found(None) == 0
    assert found(datetime(2028, 1, 1, tzinfo=UTC), cluster) == 0, "one that is there is moved on, and not made"
