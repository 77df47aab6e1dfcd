"""The stacks that penstock ships for AWS, through the real engine: up, up again, refresh, destroy, nothing left."""

import shutil
from pathlib import Path

import pytest
import yaml

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


def test_a_stack_in_a_network_of_others_comes_and_goes_and_leaves_it_as_it_was(project: Path) -> None:
    """Each phase is held against the network as it was before: see rehearsal/providers/aws/standing.py."""
    stack = Path(__file__).parents[1] / "golden" / "aws-existing" / "stack.yaml"
    shutil.copy(stack, project / "stacks" / "Pulumi.aws-existing.yaml")
    report = rehearse(Rehearsal.CYCLE, "aws-existing", project=project)
    assert report.ok, [phase.problem for phase in report.phases]
    assert report.account is not None
    assert report.account.left == ()
    asked = report.account.requests_by_operation
    assert asked["eks:CreateNodegroup"] == 3
    assert not {"ec2:CreateVpc", "ec2:CreateSubnet", "ec2:CreateRouteTable", "ec2:CreateVpcEndpoint"} & set(asked)


@pytest.fixture
def with_an_image(project: Path) -> Path:
    """The project with a stack aws-dev that trains on its nodes, so that there is an image for the whole gate."""
    file = project / "stacks" / "Pulumi.aws-dev.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["penstock:training"] = {
        "pool": "train", "nodes": 2, "steps": 100, "image": "registry.example/penstock:1",
        "model": {"layers": 2, "width": 512, "heads": 8, "kvHeads": 8, "vocabulary": 512, "context": 512},
        "batch": {"sequences": 64},
    }  # fmt: skip
    file.write_text(yaml.safe_dump(content))
    return project


def test_a_slow_node_is_kept_out_until_node_repair_has_replaced_it(with_an_image: Path) -> None:
    """The whole gate runs: nodes, devices, a probe on each node, the fabric check over all.

    The job of its pool is handed in and waits; the next `up` opens the pool.
    """
    script = FaultScript(nodes=(BadNode(node="*-train-1", bandwidth=0.2, repaired_after_min=5),))
    report = rehearse(Rehearsal.UP, "aws-dev", project=with_an_image, faults=script)
    first, second = [phase for phase in report.phases if phase.name == "up"]
    assert (first.repeated, first.problem) == (True, ""), "another pool is whole"
    assert first.faults == ("aws-dev-train-1, a bad node, kept out for its fabric",)
    # The gate, and the time that the preparation of the text may take, which is short while its pool is shut.
    assert (second.repeated, second.faults, second.created, second.updated, second.problem) == (False, (), 0, 2, "")
    assert report.account is not None
    assert (report.account.unused_faults, report.account.left) == ((), ())
