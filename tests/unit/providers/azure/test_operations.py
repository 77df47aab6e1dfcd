"""Pools set to no nodes and back, rights waited for, and groups that hold what is others'."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.errors import PenstockError
from providers.azure import drain, operations, session, settling
from tests.unit.providers.azure.answers import ABSENT, BUSY, Answers

PLACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/agentPools/train"
FIXED = {"subscription": "s", "group": "g", "cluster": "c", "pool": "train", "least": "4", "most": "4"}
RANGE = {**FIXED, "least": "1", "most": "6"}
THERE = {"vmSize": "Standard_ND96isr_H200_v5", "count": 0, "enableAutoScaling": False, "nodeImageVersion": "x"}
SCALED = {**THERE, "count": 3, "enableAutoScaling": True, "minCount": 1, "maxCount": 6}


def asked_of(monkeypatch: pytest.MonkeyPatch, properties: dict[str, Any]) -> Answers:
    found = Answers({f"GET {PLACE}": {"properties": properties}, f"PUT {PLACE}": {}})
    monkeypatch.setattr(operations, "session", lambda: found)
    return found


def test_a_pool_is_given_its_size_with_all_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request takes away what it leaves out, and is refused what the pool only tells."""
    azure = asked_of(monkeypatch, THERE)
    assert operations.restore(FIXED, 4) == 4
    body = azure.bodies[PLACE]["properties"]
    assert body == {"vmSize": "Standard_ND96isr_H200_v5", "count": 4, "enableAutoScaling": False}


def test_a_pool_with_a_range_keeps_the_nodes_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = asked_of(monkeypatch, {**SCALED, "maxCount": 5})
    assert operations.restore(RANGE, 2) == 3
    assert azure.bodies[PLACE]["properties"]["maxCount"] == 6


def test_nothing_is_asked_where_the_pool_has_it_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request is an operation of the whole cluster, and keeps all others waiting."""
    azure = asked_of(monkeypatch, SCALED)
    operations.limit(RANGE)
    assert azure.bodies == {}


def test_a_pool_that_failed_for_want_of_machines_is_shut_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its machines that did come would cost until somebody looks."""
    azure = asked_of(monkeypatch, {**THERE, "count": 4, "provisioningState": "Failed"})
    answers = iter([azure.answers[f"GET {PLACE}"], {"properties": {"provisioningState": "Succeeded"}}])
    azure.answers[f"GET {PLACE}"] = lambda: next(answers)
    operations.scale_to_zero(FIXED)
    assert azure.bodies[PLACE]["properties"]["count"] == 0


def test_the_autoscaler_is_kept_from_a_pool_that_is_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = asked_of(monkeypatch, SCALED)
    operations.scale_to_zero(RANGE)
    body = azure.bodies[PLACE]["properties"]
    assert body["count"] == 0
    assert not {"minCount", "maxCount"} & body.keys()


def test_another_pool_stands_in_within_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_of(monkeypatch, SCALED)
    assert operations.turn_to(FIXED, RANGE, 9) == 6


def test_a_shortage_is_told_in_azures_words(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_of(monkeypatch, {"status": {"provisioningError": {"message": "AllocationFailed: no capacity"}}})
    assert operations.shortage(FIXED) == "AllocationFailed: no capacity"
    asked_of(monkeypatch, {})
    assert operations.shortage(FIXED) == ""


def test_a_refusal_is_told_in_azures_words(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = asked_of(monkeypatch, THERE)
    azure.answers[f"PUT {PLACE}"] = BUSY
    with pytest.raises(PenstockError, match="train could not be set to 4 nodes: Another agentpool operation"):
        operations.restore(FIXED, 4)


def test_a_request_is_repeated_while_another_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: Iterator[Any] = iter([BUSY, BUSY, {"done": True}])

    def put(*_: object) -> Any:
        found = next(answers)
        if isinstance(found, session.AzureError):
            raise found
        return found

    waited: list[float] = []
    monkeypatch.setattr("providers.azure.session.time.sleep", waited.append)
    azure = session.Azure(lambda: "t")
    monkeypatch.setattr(azure, "put", put)
    assert azure.put_when_free("/x", "v", {}, 600) == {"done": True}
    assert len(waited) == 2


def right(age_s: float) -> dict[str, Any]:
    made = datetime.now(UTC) - timedelta(seconds=age_s)
    return {"properties": {"createdOn": made.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}}


def test_rights_are_waited_for_until_they_have_their_age(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([ABSENT, right(30), right(settling.AGE_S + 1)])
    azure = Answers({"GET /right": lambda: next(answers)})
    waited: list[float] = []
    monkeypatch.setattr("providers.azure.settling.time.sleep", waited.append)
    said: list[str] = []
    settling.await_rights(azure, ["/right"], said.append, 600)  # type: ignore[arg-type]
    assert len(waited) == 2
    assert said == ["waits until the rights that were given are known"]


def test_a_right_that_never_shows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PenstockError, match="run the same command again"):
        settling.await_rights(Answers({}), ["/right"], print, -1)  # type: ignore[arg-type]


GROUP = "GET /subscriptions/s/resourceGroups/g/resources"
DRAIN = {"subscription": "s", "stack": "dev", "groups": ["g"], "patienceS": 0}
OWN = {"id": "/own", "tags": {"penstock:stack": "dev"}}


def test_a_group_with_the_stacks_own_may_go() -> None:
    drain.drain(Answers({GROUP: {"value": [OWN]}}), DRAIN, print)  # type: ignore[arg-type]
    drain.drain(Answers({}), DRAIN, print)  # type: ignore[arg-type]


@pytest.mark.parametrize("foreign", [{"id": "/vm"}, {"id": "/vm", "tags": {"penstock:stack": "prod"}}])
def test_a_group_with_what_is_others_stays(foreign: dict[str, Any]) -> None:
    """Azure would take it along."""
    with pytest.raises(PenstockError, match="/vm; move it"):
        drain.drain(Answers({GROUP: {"value": [OWN, foreign]}}), DRAIN, print)  # type: ignore[arg-type]
