"""The load balancer before a service: whose it is, and who may come."""

import json
from dataclasses import replace
from typing import Any

import pytest

from components.plan.kubernetes import BalancerFacts
from components.plan.work import ServicePlan
from components.serving import render_service
from components.serving.entry import entry_problems, entry_warnings, with_entry
from components.spec.inference import RouteSpec
from tests.definitions import judge
from tests.unit.components.platform.requests import facts
from tests.unit.components.test_serving import POOL, only, plan

CLOUDS = BalancerFacts(
    addon="balancers", service_class="cloud/net", internal={"scheme": "inside"}, internet={"scheme": "outside"},
    network=("10.1.0.0/16",),
)  # fmt: skip


def asked(balancer: Any) -> ServicePlan:
    return plan(route=RouteSpec.model_validate_json(json.dumps({"loadBalancer": balancer})))


def entered(balancer: Any, **more: Any) -> ServicePlan:
    return with_entry(asked(balancer), facts(balancers=replace(CLOUDS, **more)))


def told(balancer: Any, **more: Any) -> list[str]:
    return [str(problem) for problem in entry_problems(asked(balancer).route, facts(balancers=replace(CLOUDS, **more)))]


def test_a_proxy_inside_the_network_lets_in_the_networks_own_ranges() -> None:
    service = entered("internal")
    proxy = only(render_service(service, POOL), "EnvoyProxy")
    judge(proxy)
    assert proxy["spec"]["provider"]["kubernetes"]["envoyService"] == {
        "type": "LoadBalancer", "loadBalancerClass": "cloud/net", "loadBalancerSourceRanges": ["10.1.0.0/16"],
        "annotations": {"scheme": "inside"},
    }  # fmt: skip
    assert list(entry_warnings(service)) == []


def test_a_proxy_that_faces_the_internet_lets_in_the_named_ranges_and_warns() -> None:
    service = entered({"internet": {"sourceRanges": ["203.0.113.0/24"]}})
    entry = service.entry
    assert entry is not None
    assert (entry.source_ranges, entry.annotations) == (("203.0.113.0/24",), {"scheme": "outside"})
    assert "unencrypted" in next(entry_warnings(service))


def test_no_balancer_without_a_word() -> None:
    service = with_entry(plan(route=RouteSpec()), facts(balancers=CLOUDS))
    assert service.entry is None
    proxy = only(render_service(service, POOL), "EnvoyProxy")
    assert proxy["spec"]["provider"]["kubernetes"]["envoyService"] == {"type": "ClusterIP"}


@pytest.mark.parametrize(
    ("balancer", "words"),
    [
        ({"internet": {"sourceRanges": ["0.0.0.0/0"]}}, "0.0.0.0/0: lets everyone in"),
        ({"internet": {"sourceRanges": ["128.0.0.0/1"]}}, "128.0.0.0/1: lets everyone in"),
        ({"internet": {"sourceRanges": ["10.2.0.0/16"]}}, "is a private range, from which nobody comes"),
        ({"internet": {"sourceRanges": ["2001:db8::/32"]}}, "has IPv4 addresses alone"),
        ({"internal": {"sourceRanges": ["203.0.113.0/24"]}}, "is a public range"),
    ],
)
def test_a_range_that_is_wrong_is_told_with_its_remedy(balancer: Any, words: str) -> None:
    (message,) = told(balancer)
    assert words in message


def test_every_wrong_range_is_told() -> None:
    assert len(told({"internal": {"sourceRanges": ["203.0.113.0/24", "0.0.0.0/0"]}})) == 2


def test_a_network_without_a_way_in_has_no_balancer_that_faces_the_internet() -> None:
    (message,) = told({"internet": {"sourceRanges": ["203.0.113.0/24"]}}, internet={})
    assert "no public subnets" in message
    (unknown,) = entry_problems(asked("internal").route, facts())
    assert "knows no load balancer" in unknown.message
