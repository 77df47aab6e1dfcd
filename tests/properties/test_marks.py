"""Generated labels and taints: what the plan takes, EKS's model and the field rule take too."""

from hypothesis import example, given, settings

from components.errors import SpecError
from components.spec.stack import parse_stack
from providers import clouds
from providers.aws.types import AwsNodePoolPlan
from rehearsal.field.deployed import MachinePool
from rehearsal.field.marks import marks
from rehearsal.providers.aws.field_facts import FACTS
from rehearsal.providers.aws.oracles import ServiceModels, checked
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.properties.mark_cases import LABELS, TAINTS, cluster
from tests.unit.rehearsal.field.field_cases import deployment

OPERATIONS = ServiceModels()
_EKS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}


@settings(max_examples=300, deadline=None)
@given(LABELS, TAINTS)
@example({f"example.com/{'a' * 52}": "x"}, [])
@example({}, [{"key": f"example.com/{'a' * 52}"}])
def test_marks_that_the_plan_takes_are_taken(labels: dict[str, str], taints: list[dict[str, str]]) -> None:
    asked = MachinePool(
        name="gpu", labels=labels, taints=tuple({"effect": "NoSchedule", **taint} for taint in taints)
    )  # fmt: skip
    found = list(marks(deployment(FACTS, pools=(asked,))))
    try:
        plan = plan_stack(parse_stack(cluster(labels, taints), "Pulumi.x.yaml", clouds()), "x", NOW)
    except SpecError:
        return
    assert found == []
    (pool,) = plan.cluster.node_pools
    assert isinstance(pool, AwsNodePoolPlan)
    assert len({(taint.key, taint.effect) for taint in pool.taints}) == len(pool.taints), "penstock's own among them"
    request = {
        "clusterName": "x", "nodegroupName": "gpu", "subnets": ["subnet-0"], "nodeRole": "arn:aws:iam::1:role/x",
        "labels": dict(pool.labels),
        "taints": [
            {"key": taint.key, "value": taint.value, "effect": _EKS[taint.effect.value]} for taint in pool.taints
        ],
    }  # fmt: skip
    checked(OPERATIONS.operation("eks", "CreateNodegroup"), request)
