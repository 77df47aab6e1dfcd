"""The field rules' findings in what a component registers."""

from datetime import datetime

from rehearsal.field.deployed import BuiltResource
from rehearsal.field.reading import deployment_of
from rehearsal.field.rules import findings
from rehearsal.providers.aws.field_facts import FACTS
from tests.unit.providers.aws.mocks import Graph


def found_in(graph: Graph, *rules: str, region: str = "", now: datetime | None = None) -> list[str]:
    """Messages of these rules about a first `up` of all that was registered, in the region and at the time."""
    keys: dict[str, set[str]] = {}
    for one in graph.registrations:
        keys.setdefault(one.name, set()).add(f"{one.token} {one.name}")
    built = [
        BuiltResource(
            token=one.token, name=one.name, inputs=one.inputs, outputs={"region": region},
            id="" if one.token.startswith("penstock:") else f"{one.name}-id",
            needs=frozenset(key for name in one.depends_on for key in keys.get(name, ())),
            timeouts_min={operation: 60 * float(text.removesuffix("h")) for operation, text in one.timeouts.items()},
        )
        for one in graph.registrations
    ]  # fmt: skip
    return [one.message for one in findings(deployment_of(FACTS, built, now=now)) if one.rule in rules]
