"""The stack's registry: its name, what is in it, and whose it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from components.errors import PenstockError
from providers.azure.images import questions
from providers.azure.images.address import HOST, address_of, registry_name
from providers.azure.images.registry import AzureRegistry
from tests.unit.providers.aws.whole_stacks import planned
from tests.unit.providers.azure.answers import ABSENT, Answers
from tests.unit.providers.azure.whole_stacks import STACK, SUBSCRIPTION

PLACE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/azure-test-images"


def test_a_registrys_name_is_legal_and_the_stacks_own() -> None:
    """Letters and digits, 50 at most, and no other of the world."""
    first, second = registry_name(SUBSCRIPTION, "azure-prod"), registry_name(SUBSCRIPTION, "azureprod")
    assert first != second
    assert first != registry_name(SUBSCRIPTION.replace("0", "1"), "azure-prod")
    assert HOST.fullmatch(address_of(registry_name(SUBSCRIPTION, "a" * 40)))


@pytest.fixture
def made(tmp_path: Any) -> tuple[AzureRegistry, Answers]:
    plan = planned(STACK, tmp_path, "azure-test").cluster.control_plane  # type: ignore[attr-defined]
    azure = Answers({})
    name = f"{PLACE}/providers/Microsoft.ContainerRegistry/registries/{plan.registry}"
    azure.answers |= {f"PUT {PLACE}": {}, f"PUT {name}": {}}
    return AzureRegistry(plan, {"penstock:stack": "azure-test"}, azure), azure  # type: ignore[arg-type]


def test_a_registry_is_made_in_a_group_of_its_own(made: tuple[AzureRegistry, Answers]) -> None:
    registry, azure = made
    place = next(request.removeprefix("PUT ") for request in azure.answers if "registries" in request)
    answers = iter([ABSENT, {"properties": {}}])
    azure.answers[f"GET {place}"] = lambda: next(answers)
    assert registry.make("penstock")
    assert azure.bodies[place]["properties"]["adminUserEnabled"] is False
    assert azure.bodies[PLACE]["tags"] == {"penstock:stack": "azure-test"}


@pytest.mark.parametrize(("tags", "refused"), [({"penstock:stack": "azure-test"}, False), ({}, True), (None, True)])
def test_a_registry_of_others_is_left_alone(made: tuple[AzureRegistry, Answers], tags: Any, refused: bool) -> None:
    registry, azure = made
    place = next(request.removeprefix("PUT ") for request in azure.answers if "registries" in request)
    azure.answers[f"GET {place}"] = {"tags": tags}
    if refused:
        with pytest.raises(PenstockError, match="is not this stack's"):
            registry.make("penstock")
    else:
        assert not registry.make("penstock")
    assert azure.bodies == {}


def test_a_time_of_seven_digits_is_read() -> None:
    found = datetime.fromisoformat(questions._to_microseconds("2026-11-30T10:11:12.1234567Z"))
    assert found == datetime(2026, 11, 30, 10, 11, 12, 123456, tzinfo=UTC)
    assert datetime.fromisoformat(questions._to_microseconds("2026-11-30T10:11:12Z")).year == 2026
