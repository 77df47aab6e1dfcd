"""The checks of rules that see several resources together."""

from typing import Any

import pytest

from policies import budget_per_hour, capacity_agrees, expiry_set, fabric_in_one_zone, fabric_security, gang_fabric
from policies.clouds.aws import AUTO_SCALING_GROUP, LAUNCH_TEMPLATE, NODE_GROUP, SECURITY_GROUP, SUBNET
from policies.clouds.aws import EGRESS_RULE as EGRESS
from policies.clouds.aws import INGRESS_RULE as INGRESS
from policies.rule import StackResource, StackRule
from policies.values import UNKNOWN

EFA = {"networkInterfaces": [{"interfaceType": "interface"}, {"interfaceType": "efa-only"}]}
PLAIN = {"networkInterfaces": [{"interfaceType": "interface"}]}
BLOCK = {"instanceMarketOptions": {"marketType": "capacity-block"}}


def resource(
    kind: str, name: str, outputs: dict[str, Any], **sources: StackResource | list[StackResource]
) -> StackResource:
    listed = {key: each if isinstance(each, list) else [each] for key, each in sources.items()}
    return StackResource(kind=kind, name=name, urn=f"urn:{name}", outputs=outputs, sources=listed)


def violations(rule: StackRule, *resources: StackResource) -> list[tuple[str, str]]:
    return [(found.name, message) for found, message in rule.check(resources)]


def fabric_stack(*, way_in: str = "-1", way_out: str = "-1", out_to: str = "fabric") -> list[StackResource]:
    """A group with its two rules, and a template with a fabric in it, as they are in a preview: without ids."""
    groups = {name: resource(SECURITY_GROUP, name, {"id": UNKNOWN}) for name in ("fabric", "other")}
    own = groups["fabric"]
    return [
        *groups.values(),
        resource(INGRESS, "in", {"ipProtocol": way_in}, securityGroupId=own, referencedSecurityGroupId=own),
        resource(EGRESS, "out", {"ipProtocol": way_out}, securityGroupId=own, referencedSecurityGroupId=groups[out_to]),
        resource(LAUNCH_TEMPLATE, "train", EFA, networkInterfaces=[own]),
    ]


def test_a_group_that_talks_to_itself_both_ways_passes() -> None:
    assert violations(fabric_security.RULE, *fabric_stack()) == []


@pytest.mark.parametrize(
    ("keys", "words"),
    [({"way_in": "tcp"}, "its own in"), ({"way_out": "tcp"}, "its own out"), ({"out_to": "other"}, "out")],
)
def test_a_group_that_keeps_its_own_traffic_out_is_refused(keys: dict[str, str], words: str) -> None:
    ((name, message),) = violations(fabric_security.RULE, *fabric_stack(**keys))
    assert name == "train"
    assert message.endswith(words)


def test_a_range_does_not_stand_for_the_group() -> None:
    stack = [each for each in fabric_stack() if each.kind != EGRESS]
    out = resource(EGRESS, "out", {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}, securityGroupId=stack[0])
    assert len(violations(fabric_security.RULE, *stack, out)) == 1


def test_templates_without_a_fabric_or_with_anothers_group_are_passed_over() -> None:
    group = resource(SECURITY_GROUP, "plain", {})
    assert violations(fabric_security.RULE, resource(LAUNCH_TEMPLATE, "serve", PLAIN, networkInterfaces=group)) == []
    assert violations(fabric_security.RULE, resource(LAUNCH_TEMPLATE, "train", EFA)) == []


def in_zones(*zones: Any) -> list[StackResource]:
    return [resource(SUBNET, f"subnet-{index}", {"availabilityZone": zone}) for index, zone in enumerate(zones)]


@pytest.mark.parametrize("bound", [EFA, {"placement": {"groupName": UNKNOWN}}])
def test_a_fabric_over_two_zones_is_refused(bound: dict[str, Any]) -> None:
    template = resource(LAUNCH_TEMPLATE, "train", bound)
    for kind, key in ((NODE_GROUP, "subnetIds"), (AUTO_SCALING_GROUP, "vpcZoneIdentifiers")):
        for zones, refused in ((("us-east-2a", "us-east-2b"), 1), (("us-east-2a", "us-east-2a"), 0)):
            group = resource(kind, "nodes", {}, launchTemplate=template, **{key: in_zones(*zones)})
            assert len(violations(fabric_in_one_zone.RULE, template, group)) == refused


def test_machines_that_are_not_bound_to_each_other_may_stand_in_two_zones() -> None:
    template = resource(LAUNCH_TEMPLATE, "serve", PLAIN)
    group = resource(NODE_GROUP, "nodes", {}, launchTemplate=template, subnetIds=in_zones("us-east-2a", "us-east-2b"))
    assert violations(fabric_in_one_zone.RULE, template, group) == []


@pytest.mark.parametrize(
    ("capacity", "template", "refused"),
    [
        ("CAPACITY_BLOCK", BLOCK, 0),
        ("ON_DEMAND", {}, 0),
        ("CAPACITY_BLOCK", {}, 1),
        ("ON_DEMAND", BLOCK, 1),
        (None, BLOCK, 1),
        (UNKNOWN, BLOCK, 0),
    ],
)
def test_a_group_and_its_template_mean_the_same_capacity(capacity: Any, template: dict[str, Any], refused: int) -> None:
    made = resource(LAUNCH_TEMPLATE, "train", template)
    group = resource(NODE_GROUP, "nodes", {"capacityType": capacity}, launchTemplate=made)
    assert len(violations(capacity_agrees.RULE, made, group)) == refused


def priced(budget: str | None, *, nodes: Any = 2.0, **template: Any) -> list[StackResource]:
    """Nodes of g6.xlarge, $0.80 an hour each, managed; and one that is not."""
    tags = {"penstock:budget-usd-per-hour": budget} if budget else {}
    made = resource(LAUNCH_TEMPLATE, "serve", {"instanceType": "g6.xlarge", "tags": tags} | template)
    managed = resource(NODE_GROUP, "managed", {"scalingConfig": {"desiredSize": nodes}}, launchTemplate=made)
    own = resource(AUTO_SCALING_GROUP, "own", {"desiredCapacity": 1.0}, launchTemplate=made)
    return [made, managed, own]


def test_machines_over_the_budget_are_refused_with_the_costliest() -> None:
    ((name, message),) = violations(budget_per_hour.RULE, *priced("2"))
    assert name == "managed"
    assert "$2.41 an hour, $1.61 of it managed; the budget is $2.00" in message


@pytest.mark.parametrize(
    "stack",
    [
        priced("3"),
        priced(None),
        priced("2", nodes=1.0),
        priced("2", nodes=UNKNOWN),
        priced("2", **BLOCK),
        priced("2", instanceType="p5e.48xlarge"),
        priced("2", instanceType=UNKNOWN),
    ],
)
def test_what_is_within_the_budget_or_cannot_be_known_passes(stack: list[StackResource]) -> None:
    assert violations(budget_per_hour.RULE, *stack) == []


def gang(
    limits: dict[str, str], selector: dict[str, str], kind: str = "jobset.x-k8s.io/v1alpha2:JobSet"
) -> StackResource:
    pod = {"containers": [{"name": "train", "resources": {"limits": limits}}], "nodeSelector": selector}
    job = {"template": {"spec": {"template": {"spec": pod}}}}
    return resource(f"kubernetes:{kind}", "gang", {"spec": {"replicatedJobs": [job]}})


def pool_of(template: dict[str, Any], labels: Any) -> StackResource:
    return resource(NODE_GROUP, "train", {"labels": labels}, launchTemplate=resource(LAUNCH_TEMPLATE, "t", template))


GPUS, TRAIN = {"nvidia.com/gpu": "8"}, {"pool": "train"}


@pytest.mark.parametrize(
    "kind", ["jobset.x-k8s.io/v1alpha2:JobSet", "batch.volcano.sh/v1alpha1:Job", "ray.io/v1:RayJob"]
)
def test_a_gang_that_leaves_the_fabric_is_refused(kind: str) -> None:
    ((name, message),) = violations(gang_fabric.RULE, pool_of(EFA, TRAIN), gang(GPUS, TRAIN, kind))
    assert name == "gang"
    assert message == "its pods ask for nvidia.com/gpu on train, which has EFA, and for no vpc.amazonaws.com/efa"


@pytest.mark.parametrize(
    ("template", "labels", "job"),
    [
        (EFA, TRAIN, gang(GPUS | {"vpc.amazonaws.com/efa": "32"}, TRAIN)),
        (PLAIN, TRAIN, gang(GPUS, TRAIN)),
        (EFA, {"pool": "other"}, gang(GPUS, TRAIN)),
        (EFA, UNKNOWN, gang(GPUS, TRAIN)),
        (EFA, TRAIN, gang({"cpu": "1"}, TRAIN)),
        (EFA, TRAIN, gang(GPUS, TRAIN, "apps/v1:Deployment")),
    ],
    ids=["asked for", "none there", "elsewhere", "labels unknown", "no accelerators", "no gang"],
)
def test_gangs_that_have_it_or_cannot_are_passed_over(
    template: dict[str, Any], labels: Any, job: StackResource
) -> None:
    assert violations(gang_fabric.RULE, pool_of(template, labels), job) == []


def test_a_pool_of_several_machine_types_costs_what_the_dearest_does_and_has_an_end() -> None:
    tags = {"penstock:budget-usd-per-hour": "1.9"}
    spot = {"instanceTypes": ["g6.xlarge", "g6.2xlarge"], "scalingConfig": {"desiredSize": 2}, "tags": tags}
    template = resource(LAUNCH_TEMPLATE, "template", {"tags": tags})
    group = resource(NODE_GROUP, "serve", spot, launchTemplate=template)
    ((name, message),) = violations(budget_per_hour.RULE, template, group)
    assert (name, message.partition(" an hour")[0]) == ("serve", "machines for $1.96")
    (without,) = expiry_set.check(NODE_GROUP, spot)
    assert without == "it starts g6.2xlarge and has no tag penstock:expires"
    assert list(expiry_set.check(NODE_GROUP, {"scalingConfig": {"desiredSize": 2}})) == []
