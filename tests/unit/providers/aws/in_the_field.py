"""The field rules' findings in what a component registers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rehearsal.cloud.standing import StandingThing
from rehearsal.field.deployed import BuiltResource, Deployment
from rehearsal.field.reading import deployment_of
from rehearsal.field.rules import findings
from rehearsal.providers.aws.field_facts import FACTS
from tests.deployed import built
from tests.unit.providers.aws.mocks import Graph


def found_in(graph: Graph, *rules: str, region: str = "", now: datetime | None = None) -> list[str]:
    """Messages of these rules about a first `up` of all that was registered, in the region and at the time."""
    return [one.message for one in findings(deployed(graph, region=region, now=now)) if one.rule in rules]


def deployed(
    graph: Graph, *, region: str = "", now: datetime | None = None, config: Mapping[str, Any] | None = None,
    existing: Iterable[StandingThing] = (),
) -> Deployment:  # fmt: skip
    """All that was registered, as the rules see it, beside what stood there before."""
    there = [
        BuiltResource(token=one.token, name=one.id, id=one.id, inputs=one.inputs, outputs=one.outputs)
        for one in existing
    ]
    return deployment_of(FACTS, built(graph, region=region), now=now, config=config or {}, existing=there)
