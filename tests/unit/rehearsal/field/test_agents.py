"""Agents and balancers: what acts on a cloud from pods, and the load balancers that it makes."""

from typing import Any

import pytest

from rehearsal.field.agents import agents
from rehearsal.field.balancers import OF_PROXIES, balancers
from rehearsal.field.deployed import BuiltResource
from rehearsal.field.facts import FieldFacts
from rehearsal.field.reading import RELEASE
from rehearsal.field.service_facts import AgentRow, BalancerRow
from tests.unit.rehearsal.field.field_cases import built, chart, deployment

FACTS = FieldFacts(
    nodes="aws",
    agents=(
        AgentRow(
            chart="shipper", account="shipper", account_at="account.name", right="c:Identity", right_account="account",
            right_space="space", right_role="role", policy="c:Policy", policy_role="role", statements="allows",
            actions=("logs:write",), told=(("region", "place"),), hops=("c:Template", "hops"),
            when=("output", "*group*"), target=(r"group (\S+)", "c:Group", "name"), target_has=("key",), source="guide",
        ),
    ),
    balancers=(
        BalancerRow(
            chart="balancers", service_class="net", scheme="faces", public="all", subnet="c:Subnet", tags="tags",
            inside_tag="inside", outside_tag="outside", group="c:Guard", group_tag="cluster/",
            fails_closed="webhook", without_class="another makes it", source="guide",
        ),
    ),
)  # fmt: skip
ROLE = built("c:Role", "r", outputs={"arn": "arn:r"})
POLICY = built("c:Policy", "p", {"role": "r", "allows": [{"Action": ["logs:write"], "Resource": "g"}]})
RIGHT = built("c:Identity", "i", {"account": "shipper", "space": "logs", "role": "arn:r"})
GROUP = built("c:Group", "g", {"name": "g", "key": "k"})
NEAR, FAR = built("c:Template", "t", {"hops": 1}), built("c:Template", "t", {"hops": 2})
INSTALLED = built(RELEASE, "s", {"chart": "shipper", "namespace": "logs"}, needs=frozenset({RIGHT.key}))
WHOLE = (ROLE, POLICY, RIGHT, GROUP, NEAR, INSTALLED)


def told(*resources: BuiltResource, **values: Any) -> list[str]:
    shipper = chart("shipper", **{"output": "group g", "region": "r", **values})
    return [found.message for found in agents(deployment(FACTS, resources=resources, charts=(shipper,)))]


def test_an_agent_with_all_that_it_needs_is_in_order() -> None:
    assert told(*WHOLE) == []
    assert told(output="elsewhere") == []


@pytest.mark.parametrize(
    ("without", "instead", "words"),
    [
        (RIGHT, (), "nothing gives its account shipper a role"),
        (RIGHT, (built("c:Identity", "i", {**RIGHT.inputs, "space": "jobs"}),), "nothing gives its account"),
        (POLICY, (), "its role does not allow logs:write"),
        (GROUP, (), "writes into g, which the stack does not make"),
        (GROUP, (built("c:Group", "g", {"name": "g"}),), "writes into g, which has no key"),
        (INSTALLED, (built(RELEASE, "s", dict(INSTALLED.inputs)),), "may start before their role is there"),
    ],
)
def test_an_agent_without_one_of_them_is_found(
    without: BuiltResource, instead: tuple[BuiltResource, ...], words: str
) -> None:
    (message,) = told(*(one for one in WHOLE if one is not without), *instead)
    assert words in message


def test_an_agent_asks_metadata_where_that_answers_pods() -> None:
    far = tuple(FAR if one is NEAR else one for one in WHOLE)
    assert told(*far, region="") == []
    assert told(*WHOLE, region="", place="p") == []
    assert "is not told region or place" in told(*WHOLE, region="")[0]


def test_an_account_of_the_values_counts() -> None:
    assert "account other a role" in told(*WHOLE, account={"name": "other"})[0]


def proxy(notes: dict[str, str], **service: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "LoadBalancer", "annotations": notes, **service}
    for step in reversed(OF_PROXIES.split(".")):
        spec = {step: spec}
    return {"kind": "EnvoyProxy", "metadata": {"name": "serve"}, **spec}


FINE: dict[str, Any] = {"loadBalancerClass": "net", "loadBalancerSourceRanges": ["10.0.0.0/8"]}
SUBNET = built("c:Subnet", "s", {"tags": {"inside": "1"}})
CONTROLLER = chart("balancers", webhook=False)


def balanced(*objects: dict[str, Any], charts: tuple[Any, ...] = (CONTROLLER,), extra: Any = ()) -> list[str]:
    asked = deployment(FACTS, resources=(SUBNET, *extra), charts=charts, objects=objects)
    return [found.message for found in balancers(asked)]


def test_a_balancer_inside_for_named_ranges_is_in_order() -> None:
    assert balanced(proxy({}, **FINE)) == []
    service = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", **FINE}}
    assert balanced(service, {"kind": "Service", "metadata": {"name": "x"}, "spec": {"type": "ClusterIP"}}) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (proxy({}, loadBalancerSourceRanges=["10.0.0.0/8"]), "names no class net: another makes it"),
        (proxy({}, loadBalancerClass="net"), "lets everybody in who reaches the network"),
        (proxy({"faces": "all"}, **FINE | {"loadBalancerSourceRanges": ["0.0.0.0/0"]}), "from the internet"),
        (proxy({"faces": "all"}, **FINE), "no subnet has the tag outside"),
    ],
)
def test_a_balancer_that_is_open_or_does_not_come_is_found(body: dict[str, Any], words: str) -> None:
    assert any(words in message for message in balanced(body))


def test_a_balancer_needs_its_controller_which_is_not_to_hold_up_services() -> None:
    assert "balancers is not there" in balanced(proxy({}, **FINE), charts=())[0]
    assert "webhook is not false" in balanced(charts=(chart("balancers"),))[0]


def test_two_groups_of_the_clusters_tag_leave_a_balancer_without_targets() -> None:
    guard = built("c:Guard", "nodes", {"tags": {"cluster/ours": "owned"}})
    assert "nodes has the tag cluster/" in balanced(proxy({}, **FINE), extra=(guard,))[0]
