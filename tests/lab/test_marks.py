"""Generated labels and taints: what the plan takes, a real API server takes, without being asked to keep it."""

from hypothesis import HealthCheck, given, settings

from components.errors import SpecError
from components.kubernetes.api import KubernetesApi
from components.spec.stack import parse_stack
from providers import clouds
from providers.aws.types import AwsNodePoolPlan
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.properties.mark_cases import LABELS, TAINTS, cluster


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LABELS, TAINTS)
def test_marks_that_the_plan_takes_a_node_may_have(
    api: KubernetesApi, labels: dict[str, str], taints: list[dict[str, str]]
) -> None:
    try:
        plan = plan_stack(parse_stack(cluster(labels, taints), "Pulumi.x.yaml", clouds()), "x", NOW)
    except SpecError:
        return
    (pool,) = plan.cluster.node_pools
    assert isinstance(pool, AwsNodePoolPlan)
    listed = [{"key": taint.key, "value": taint.value, "effect": taint.effect.value} for taint in pool.taints]
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "marked", "labels": dict(pool.labels)},
        "spec": {"taints": listed},
    }
    assert api.create(node, dry_run=True)["metadata"]["name"] == "marked"
