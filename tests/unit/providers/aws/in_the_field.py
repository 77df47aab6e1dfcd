"""The field rules' findings in what a component registers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rehearsal.cloud.standing import StandingThing
from rehearsal.field.deployed import BuiltResource, Deployment
from rehearsal.field.reading import deployment_of
from rehearsal.field.rules import findings
from rehearsal.providers.aws.field_facts import FACTS
from tests.unit.providers.aws.mocks import Graph, Registration


def found_in(graph: Graph, *rules: str, region: str = "", now: datetime | None = None) -> list[str]:
    """Messages of these rules about a first `up` of all that was registered, in the region and at the time."""
    return [one.message for one in findings(deployed(graph, region=region, now=now)) if one.rule in rules]


def deployed(
    graph: Graph, *, region: str = "", now: datetime | None = None, config: Mapping[str, Any] | None = None,
    existing: Iterable[StandingThing] = (),
) -> Deployment:  # fmt: skip
    """All that was registered, as the rules see it, beside what stood there before."""
    keys: dict[str, set[str]] = {}
    for one in graph.registrations:
        keys.setdefault(one.name, set()).add(f"{one.token} {one.name}")
    built = [
        BuiltResource(
            token=one.token, name=one.name, inputs=one.inputs, outputs={"region": region},
            id="" if one.token.startswith("penstock:") else _id(one),
            needs=frozenset(key for name in one.depends_on for key in keys.get(name, ())),
            timeouts_min={operation: 60 * float(text.removesuffix("h")) for operation, text in one.timeouts.items()},
        )
        for one in graph.registrations
    ]  # fmt: skip
    there = [
        BuiltResource(token=one.token, name=one.id, id=one.id, inputs=one.inputs, outputs=one.outputs)
        for one in existing
    ]
    return deployment_of(FACTS, built, now=now, config=config or {}, existing=there)


def _id(one: Registration) -> str:
    """As the engine has it: components have none."""
    return "" if one.token.startswith("penstock:") and not one.inputs else f"{one.name}-id"
