"""The address of the stack's own registry in place of its name."""

from typing import Any

import pulumi
import pytest

from components.kubernetes.manifest import resolved
from tests.unit.providers.aws.mocks import register

ADDRESS = "123456789012.dkr.ecr.us-east-2.amazonaws.com/lab"


def test_the_address_takes_the_place_of_the_name_wherever_it_stands() -> None:
    value = {
        "image": "stack.registry/penstock:1", "args": ["x", '{"image": "stack.registry/a:1"}'], "count": 2,
        "other": "a/b:1",
    }  # fmt: skip
    result = register(lambda: resolved(value, pulumi.Output.from_input(ADDRESS))).result
    assert result == {
        "image": f"{ADDRESS}/penstock:1", "args": ["x", f'{{"image": "{ADDRESS}/a:1"}}'], "count": 2, "other": "a/b:1",
    }  # fmt: skip


def test_what_does_not_name_it_stays_plain() -> None:
    value: dict[str, Any] = {"image": "quay.io/a:1", "args": ("x",)}
    assert resolved(value, None) == {"image": "quay.io/a:1", "args": ["x"]}


def test_a_name_without_a_registry_is_a_defect_of_the_plan() -> None:
    with pytest.raises(AssertionError, match="the plan refuses"):
        resolved("stack.registry/a:1", None)
