"""Propagation: users of fresh things that nothing lets settle, and fields that exclude each other."""

from typing import Any

from rehearsal.field.facts import FieldFacts, SettlingRow
from rehearsal.field.propagation import exclusive, propagation, reserved
from rehearsal.field.service_facts import ExclusiveRow, ReservedRow
from tests.unit.rehearsal.field.field_cases import built, deployment

FACTS = FieldFacts(
    nodes="aws",
    settling=(
        SettlingRow(made="c:Agent", made_where=("kind", "identity"), user="c:Addon", user_path="role", source="guide"),
        SettlingRow(
            made="c:Role",
            user="c:Machine",
            user_path="role",
            waits_on="c:Sleep",
            outlasted_by=("c:Controller", "kind", "slow"),
            source="guide",
        ),
    ),
    exclusive=(ExclusiveRow(resource="c:Fleet", one="groups", other="template>interfaces", source="guide"),),
)
AGENT = built("c:Agent", "agent", {"kind": "identity"})


def judged(*resources: Any, before: tuple[Any, ...] = ()) -> list[str]:
    earlier = deployment(FACTS, resources=before) if before else None
    return [found.subject for found in propagation(deployment(FACTS, resources=resources, before=earlier))]


def test_a_user_that_comes_after_is_fine() -> None:
    addon = built("c:Addon", "addon", {"role": "r"}, needs=frozenset({AGENT.key}))
    assert judged(AGENT, addon) == []


def test_a_user_that_comes_after_through_another_is_fine() -> None:
    between = built("c:Other", "between", needs=frozenset({AGENT.key}))
    addon = built("c:Addon", "addon", {"role": "r"}, needs=frozenset({between.key}))
    assert judged(AGENT, between, addon) == []


def test_a_user_beside_what_it_needs_is_found() -> None:
    assert judged(AGENT, built("c:Addon", "addon", {"role": "r"})) == ["Addon addon"]


def test_a_user_without_the_field_needs_nothing() -> None:
    assert judged(AGENT, built("c:Addon", "addon")) == []
    assert judged(built("c:Agent", "agent", {"kind": "other"}), built("c:Addon", "addon", {"role": "r"})) == []


def test_a_reference_is_no_wait() -> None:
    role = built("c:Role", "role")
    machine = built("c:Machine", "machine", {"role": "role"}, needs=frozenset({role.key}))
    assert judged(role, machine) == ["Machine machine"]
    sleep = built("c:Sleep", "sleep", needs=frozenset({role.key}))
    rested = built("c:Machine", "machine", {"role": "role"}, needs=frozenset({sleep.key}))
    assert judged(role, sleep, rested) == []


def test_what_takes_longer_than_the_settling_is_a_wait_if_it_is_made_in_between() -> None:
    def found(kind: str, *needs: str) -> list[str]:
        role = built("c:Role", "role")
        controller = built("c:Controller", "controller", {"kind": kind}, needs=frozenset(needs))
        wanted = frozenset({role.key, controller.key})
        return judged(role, controller, built("c:Machine", "machine", {"role": "role"}, needs=wanted))

    assert found("slow", "c:Role role") == []
    assert found("slow") == ["Machine machine"], "made beside the role, it may be there as soon"
    assert found("quick", "c:Role role") == ["Machine machine"]


def test_a_thing_of_an_earlier_up_has_settled() -> None:
    role = built("c:Role", "role")
    machine = built("c:Machine", "machine", {"role": "role"}, needs=frozenset({role.key}))
    assert judged(role, machine, before=(role,)) == []


def test_two_fields_of_which_one_is_taken_are_found() -> None:
    def found(fleet: dict[str, Any], template: dict[str, Any]) -> int:
        both = (built("c:Fleet", "f", fleet), built("c:Template", "t", template))
        return len(list(exclusive(deployment(FACTS, resources=both))))

    assert found({"groups": ["g"], "template": "t"}, {"interfaces": [{}]}) == 1
    assert found({"groups": ["g"], "template": "t"}, {}) == 0
    assert found({"template": "t"}, {"interfaces": [{}]}) == 0


def test_two_that_say_different_things_of_one_reservation_are_found() -> None:
    row = ReservedRow(resource="c:Template", target="held.id", alike=("type", "market.kind"), source="guide")
    facts = FieldFacts(nodes="aws", reserved=(row,))

    def found(**second: Any) -> list[str]:
        one = {"held": {"id": "cr-1"}, "type": "p5"}
        both = (built("c:Template", "a", one), built("c:Template", "b", one | second))
        return [finding.message for finding in reserved(deployment(facts, resources=both))]

    assert found() == []
    assert found(held={"id": "cr-2"}, type="p4") == []
    assert found(type="p4", market={"kind": "block"}) == [
        "b and a start machines of cr-1 and differ in type, market.kind"
    ]
