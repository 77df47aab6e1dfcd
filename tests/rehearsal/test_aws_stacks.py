"""The stacks that penstock ships for AWS, through the real engine: up, up again, refresh, destroy, nothing left."""

from pathlib import Path

import pytest

from rehearsal.cycle import Rehearsal, rehearse
from rehearsal.faults import FaultScript, LoadBalancer

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]

CONTROLLERS_AT_WORK = FaultScript(load_balancers=(LoadBalancer(after="up"),))
"""Something in the cluster has asked for a load balancer, which no stack knows."""


@pytest.mark.parametrize(
    ("stack", "kept"),
    [("aws-dev", []), ("aws-prod", ["Bucket", "FileSystem", "Key"]), ("aws-trn", ["Bucket", "Key"])],
)
def test_a_cluster_comes_up_stays_and_goes(repository: Path, stack: str, kept: list[str]) -> None:
    """What is kept is what the stack file asks for, and nothing else is left."""
    report = rehearse(Rehearsal.CYCLE, stack, project=repository, faults=CONTROLLERS_AT_WORK)
    assert report.ok, [phase.problem for phase in report.phases]
    assert [phase.name for phase in report.phases] == ["up", "up again", "refresh", "destroy"]
    assert report.account is not None
    assert report.account.uncovered == ()
    assert report.account.left == ()
    assert sorted(line.partition(" ")[0] for line in report.account.kept_on_purpose) == kept
    assert report.account.requests_by_operation["elbv2:CreateLoadBalancer"] == 1
    judged = report.account.requests_by_oracle
    assert judged["botocore's model, executed by moto"] > judged["botocore's model, kept by the account"] > 0
