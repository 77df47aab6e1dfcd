"""Patience: operations that may outlast what they are given."""

import pytest

from rehearsal.field.facts import FieldFacts
from rehearsal.field.patience import patience
from rehearsal.field.service_facts import PatienceRow
from tests.unit.rehearsal.field.field_cases import built, deployment

ROW = PatienceRow(
    resource="c:Disk", operation="delete", takes_min=240, given_min=30, when=("skipBackup", "False"), source="guide"
)


@pytest.mark.parametrize(
    ("skip", "given", "found"),
    [
        (False, {}, 1),
        (False, {"delete": 60.0}, 1),
        (False, {"create": 600.0}, 1),
        (False, {"delete": 240.0}, 0),
        (True, {}, 0),
    ],
)
def test_an_operation_that_outlasts_its_time_is_found(skip: bool, given: dict[str, float], found: int) -> None:
    disk = built("c:Disk", "disk", {"skipBackup": skip}, timeouts_min=given)
    told = list(patience(deployment(FieldFacts(nodes="aws", patience=(ROW,)), resources=(disk,))))
    assert len(told) == found
    assert all("disk may take 240 min to delete, and is given " in one.message for one in told)
