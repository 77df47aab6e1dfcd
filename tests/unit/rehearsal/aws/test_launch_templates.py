"""Launch templates of the simulated AWS, as the engine asks for them: a tag of their own is no new version."""

from collections.abc import Iterator, Mapping
from itertools import permutations
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2 as provider

from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.servicer import SimulatedProvider
from rehearsal.providers.aws.kinds.ec2_machines import TEMPLATE
from rehearsal.providers.aws.rules import RULES

URN = f"urn:pulumi:aws-test::penstock::{TEMPLATE}::train"
OF_MACHINES = {"Name": "aws-test-train", "penstock:stack": "aws-test", "team": "research"}


@pytest.fixture
def cloud() -> Iterator[SimulatedCloud]:
    simulated = SimulatedCloud(RULES)
    yield simulated
    simulated.close()


def message(expires: str, tags: Mapping[str, str], **outputs: Any) -> Struct:
    """The template as the engine sends it: its maps have no order of their own."""
    struct = Struct()
    struct.update({"name": "train", "instanceType": "m7i.xlarge", "tags": {"penstock:expires": expires}, **outputs})
    kinds = [{"resourceType": kind, "tags": dict(tags)} for kind in ("instance", "volume")]
    struct.update({"tagSpecifications": kinds})
    return struct


def test_a_later_expiry_makes_no_new_version_in_whatever_order_tags_come(cloud: SimulatedCloud, tmp_path: Path) -> None:
    simulated = SimulatedProvider(cloud, crash_log=tmp_path / "crashes.log")
    first = message("2027-06-30", OF_MACHINES)
    made = simulated.Create(provider.CreateRequest(urn=URN, properties=first), Mock())
    for preview in (True, False):
        for order in permutations(OF_MACHINES.items()):
            request = provider.UpdateRequest(
                id=made.id, urn=URN, preview=preview, olds=made.properties, old_inputs=first,
                news=message("2028-06-30", dict(order)),
            )  # fmt: skip
            assert simulated.Update(request, Mock()).properties["latestVersion"] == 1


def test_another_tag_of_the_machines_is_a_new_version(cloud: SimulatedCloud, tmp_path: Path) -> None:
    simulated = SimulatedProvider(cloud, crash_log=tmp_path / "crashes.log")
    first = message("2027-06-30", OF_MACHINES)
    made = simulated.Create(provider.CreateRequest(urn=URN, properties=first), Mock())
    request = provider.UpdateRequest(
        id=made.id, urn=URN, olds=made.properties, old_inputs=first,
        news=message("2027-06-30", OF_MACHINES | {"team": "serving"}),
    )  # fmt: skip
    assert simulated.Update(request, Mock()).properties["latestVersion"] == 2
