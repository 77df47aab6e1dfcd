"""Load balancers, logs and metrics of a whole stack, and each part of them undone: field rules that share nothing with
the planner find what then goes wrong.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from components.plan.kubernetes import AddonPlan, BalancerFacts, PlatformPlan
from components.platform.plan import plan_platform
from components.platform.values import at, merged
from providers.aws import balancers
from providers.aws.control_plane.eks import kept
from providers.aws.control_plane.eks.types import PolicyStatement
from providers.aws.control_plane.identity import allowing
from tests.clock import NOW
from tests.unit.providers.aws.in_the_field import found_in
from tests.unit.providers.aws.test_undone import built

RULES = ("agents", "balancers", "claims", "landing", "rights", "patience")
SERVICE = {
    "pool": "serve", "replicas": 2, "image": "r.example/penstock:1", "model": {"path": "/fsx/model"},
}  # fmt: skip
SERVE = {"name": "serve", "machineType": "g6e.8xlarge", "count": 2, "fabric": {"none": "one node a replica"}}


def asked(balancer: Any = "internal", **platform: Any) -> dict[str, Any]:
    return {
        "cluster.nodePools.1": SERVE, "cluster.budgetUsdPerHour": 10_000,
        "inference": {**SERVICE, "route": {"loadBalancer": balancer}},
        "platform": {"logs": "cloud", "metrics": "cloud", **platform},
    }  # fmt: skip


INTERNET = {"internet": {"sourceRanges": ["203.0.113.0/24"]}}


@pytest.mark.parametrize(
    "changes",
    [asked(addons={"loki": True}), asked(INTERNET, logs="inCluster", metrics="inCluster")],
    ids=["inside, kept by AWS", "internet, kept in the cluster"],
)
def test_a_whole_stack_has_no_findings(changes: dict[str, Any], tmp_path: Path) -> None:
    graph, region = built(changes, tmp_path, NOW)
    assert found_in(graph, *RULES, region=region) == []


Patch = tuple[str, str, Any]


def no_rights(_cluster: str) -> Iterator[PolicyStatement]:
    yield PolicyStatement(actions=("ec2:DescribeVpcs",))


def wide_rights(_cluster: str) -> Iterator[PolicyStatement]:
    yield from (PolicyStatement(actions=one.actions) for one in balancers.rights("c"))


def with_values(*changes: tuple[str, str, Any]) -> Callable[..., PlatformPlan]:
    """The platform's plan with other values of charts: add-on, path, value."""

    def planned(request: Any) -> PlatformPlan:
        plan = plan_platform(request)
        return replace(plan, addons=tuple(reduce(_changed, changes, one) for one in plan.addons))

    return planned


def _changed(addon: AddonPlan, change: tuple[str, str, Any]) -> AddonPlan:
    name, path, value = change
    if addon.name != name or addon.release is None:
        return addon
    return replace(addon, release=replace(addon.release, values=merged(addon.release.values, at(path, value))))


def without_class(*args: Any) -> BalancerFacts:
    facts = balancers.balancers(*args)
    return BalancerFacts(
        addon=facts.addon, service_class="", internal=facts.internal, internet=facts.internet, network=facts.network
    )


def open_to_all(*args: Any) -> BalancerFacts:
    facts = balancers.balancers(*args)
    return BalancerFacts(
        addon=facts.addon, service_class=facts.service_class, internal=facts.internal, internet=facts.internet,
        network=("0.0.0.0/0",),
    )  # fmt: skip


def allowing_all(actions: Any, _resource: str) -> str:
    return allowing(actions, "*")


def elsewhere(_cluster: str, region: str) -> str:
    return kept.log_output("another", region)


LBC = "aws-load-balancer-controller"
ROLES, PLATFORM = "providers.aws.control_plane.eks.pod_roles", ("stacks.kubernetes", "plan_platform")
UNDONE: list[tuple[list[Patch], list[str]]] = [
    (
        [
            (ROLES, "rights", no_rights),
            (
                *PLATFORM,
                with_values((LBC, "enableServiceMutatorWebhook", True), (LBC, "region", ""), (LBC, "vpcTags", "")),
            ),
            ("providers.aws.plan", "balancers", without_class),
            ("providers.aws.plan", "log_output", elsewhere),
        ],
        [
            "its role does not allow elasticloadbalancing:CreateLoadBalancer",
            "is not told region",
            "is not told vpcId or vpcTags",
            "while no pod of it answers no Service can be made",
            "names no class service.k8s.aws/nlb",
            "writes into /aws/eks/another/pods, which the stack does not make",
        ],
    ),
    (
        [
            (ROLES, "is_asked", lambda _spec: False),
            (*PLATFORM, with_values(("fluent-bit", "serviceAccount.name", "default"))),
            ("providers.aws.plan", "balancers", open_to_all),
            ("providers.aws.network.routing", "ROLE_TAG", {"public": "p", "nodes": "n"}),
            ("providers.aws.control_plane.eks.keeping", "namespace_of", lambda _addon: "default"),
        ],
        [
            f"nothing gives its account {LBC} a role",
            "nothing gives its account default a role",
            "lets everybody in who reaches the network",
            "no subnet has the tag kubernetes.io/role/internal-elb",
            "nothing gives its account kps-prometheus a role",
        ],
    ),
    (
        [
            (ROLES, "rights", wide_rights),
            (*PLATFORM, with_values(("fluent-bit", "tolerations", []))),
            ("providers.aws.control_plane.eks.build", "_PATIENCE", None),
            ("providers.aws.control_plane.eks.build", "allowing", allowing_all),
        ],
        [
            "elasticloadbalancing:DeleteTargetGroup on everything in the account",
            "what the node's pods print is kept",
            "may take 30 min to delete, and is given 15",
            "ecr:CreateRepository on everything in the account",
        ],
    ),
]


@pytest.mark.parametrize("row", UNDONE, ids=["rights", "roles", "width"])
def test_what_is_undone_is_found_in_the_field(
    row: tuple[list[Patch], list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patches, words = row
    for module, name, value in patches:
        monkeypatch.setattr(import_module(module), name, value)
    graph, region = built(asked(), tmp_path, NOW)
    told = found_in(graph, *RULES, region=region)
    assert [one for one in words if not any(one in message for message in told)] == [], told


def test_logs_that_are_never_forgotten_fill_their_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    undone = with_values(("loki", "loki.compactor.retention_enabled", False))
    monkeypatch.setattr(import_module("stacks.kubernetes"), "plan_platform", undone)
    graph, region = built(asked(logs="inCluster"), tmp_path, NOW)
    assert any("its disk fills" in one for one in found_in(graph, *RULES, region=region))


def test_a_group_without_key_or_end_is_found(tmp_path: Path) -> None:
    graph, region = built(asked(), tmp_path, NOW)
    for one in graph.of("LogGroup"):
        for field in ("kmsKeyId", "retentionInDays"):
            cast("dict[str, Any]", one.inputs).pop(field, None)
    assert any("has no kmsKeyId and no retentionInDays" in one for one in found_in(graph, *RULES, region=region))
