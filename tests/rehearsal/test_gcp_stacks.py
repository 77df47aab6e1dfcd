"""A stack on Google Cloud in a network of others, through the real engine: up, up again, refresh, destroy."""

import shutil
from pathlib import Path

import pytest

from rehearsal.cycle import Rehearsal, rehearse

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]


def test_a_stack_in_a_shared_vpc_comes_and_goes_and_leaves_it_as_it_was(project: Path) -> None:
    """Of that network rehearsal/providers/gcp/standing.py tells."""
    stack = Path(__file__).parents[1] / "golden" / "gcp-existing" / "stack.yaml"
    shutil.copy(stack, project / "stacks" / "Pulumi.gcp-existing.yaml")
    report = rehearse(Rehearsal.CYCLE, "gcp-existing", project=project)
    assert report.ok, [phase.problem for phase in report.phases]
    assert report.account is not None
    assert report.account.left == ()
    asked = report.account.requests_by_operation
    assert asked["container:projects.locations.clusters.nodePools.create"] == 4
    assert asked["compute:networks.insert"] == 2, "the fabric's, and not the cluster's"
    assert not {"compute:routers.insert", "servicenetworking:services.connections.create"} & set(asked)
