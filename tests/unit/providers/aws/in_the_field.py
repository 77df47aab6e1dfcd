"""The field rules' findings in what a component registers."""

from datetime import datetime

from rehearsal.field.reading import deployment_of
from rehearsal.field.rules import findings
from rehearsal.providers.aws.field_facts import FACTS
from tests.deployed import built
from tests.unit.providers.aws.mocks import Graph


def found_in(graph: Graph, *rules: str, region: str = "", now: datetime | None = None) -> list[str]:
    """Messages of these rules about a first `up` of all that was registered, in the region and at the time."""
    deployment = deployment_of(FACTS, built(graph, region=region), now=now)
    return [one.message for one in findings(deployment) if one.rule in rules]
