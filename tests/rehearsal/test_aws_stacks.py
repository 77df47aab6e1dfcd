"""The stacks that penstock ships for AWS, through the real engine: up, up again, refresh, destroy, nothing left."""

from pathlib import Path

import pytest

from rehearsal.cycle import Rehearsal, rehearse
from rehearsal.faults import BadNode, FaultScript, LoadBalancer

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]

CONTROLLERS_AT_WORK = FaultScript(load_balancers=(LoadBalancer(after="up"),))
"""Something in the cluster has asked for a load balancer, which no stack knows."""


@pytest.mark.parametrize(
    ("stack", "kept", "balancers"),
    [
        ("aws-dev", [], 1),
        ("aws-prod", ["Bucket", "FileSystem", "Key"], 1),
        ("aws-trn", ["Bucket", "Key"], 1),
        ("aws-slurm", [], 0),
        ("aws-batch", [], 0),
    ],
)
def test_a_cluster_comes_up_stays_and_goes(repository: Path, stack: str, kept: list[str], balancers: int) -> None:
    """Keeps what the stack file asks to keep, and leaves nothing else."""
    faults = CONTROLLERS_AT_WORK if balancers else None
    report = rehearse(Rehearsal.CYCLE, stack, project=repository, faults=faults)
    assert report.ok, [phase.problem for phase in report.phases]
    assert [phase.name for phase in report.phases] == ["up", "up again", "refresh", "destroy"]
    assert report.account is not None
    assert report.account.uncovered == ()
    assert report.account.left == ()
    assert sorted(line.partition(" ")[0] for line in report.account.kept_on_purpose) == kept
    assert report.account.requests_by_operation.get("elbv2:CreateLoadBalancer", 0) == balancers
    judged = report.account.requests_by_oracle
    assert judged["botocore's model, executed by moto"] > judged["botocore's model, kept by the account"] > 0


def test_a_bad_node_is_kept_out_until_node_repair_has_replaced_it(repository: Path) -> None:
    """The gate looks at the nodes that joined; what it finds stops `up`, and the next one goes on from there."""
    script = FaultScript(nodes=(BadNode(node="*-train-1", devices={"nvidia.com/gpu": 0}, repaired_after_min=5),))
    report = rehearse(Rehearsal.UP, "aws-dev", project=repository, faults=script)
    assert report.ok, [phase.problem for phase in report.phases]
    first, second = [phase for phase in report.phases if phase.name == "up"]
    assert "aws-dev-train-1 is kept out: offers 0 of 1 x nvidia.com/gpu" in first.problem
    assert first.faults == ("aws-dev-train-1, a bad node, kept out for its devices",)
    assert second.problem == ""
    assert report.account is not None
    assert (report.account.unused_faults, report.account.left) == ((), ())
