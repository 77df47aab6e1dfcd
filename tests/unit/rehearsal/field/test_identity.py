"""Identity: guards and profiles of a stack file that a provider was not given."""

from dataclasses import replace
from typing import Any

import pytest

from rehearsal.field.facts import FieldFacts
from rehearsal.field.identity import identity
from tests.unit.rehearsal.field.field_cases import built, deployment

CONFIG = {
    "fog:onlyIn": ["111122223333", "444455556666"],
    "fog:role": {"roleArn": "arn:fog:role/build"},
    "own:text": "of a program",
}


def judged(**inputs: Any) -> list[str]:
    made = deployment(FieldFacts(nodes="fog"), resources=(built("pulumi:providers:fog", "account", inputs),))
    return [found.message for found in identity(replace(made, config=CONFIG))]


def test_what_arrives_in_another_form_has_arrived() -> None:
    assert judged(onlyIn='["111122223333","444455556666"]', roles='[{"roleArn":"arn:fog:role/build"}]') == []


@pytest.mark.parametrize(
    ("inputs", "missing"),
    [
        ({"onlyIn": '["111122223333"]', "role": "arn:fog:role/build"}, "444455556666"),
        ({"onlyIn": '["111122223333","444455556666"]'}, "arn:fog:role/build"),
    ],
)
def test_what_was_dropped_is_found(inputs: dict[str, Any], missing: str) -> None:
    (found,) = judged(**inputs)
    assert found.endswith(f"the provider account was not given {missing}")
