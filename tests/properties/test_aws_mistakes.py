"""Any stack file for AWS gets a plan or a list of problems as its answer, never a traceback."""

import json
import string
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.errors import SpecError
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers import clouds
from providers.aws.catalog import machines
from providers.aws.network.types import AwsSubnetPlan
from providers.aws.plan import AwsPlan
from providers.aws.regions import regions
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.properties.test_stack_mistakes import json_values, places, replaced
from tests.unit.providers.aws.whole_stacks import BATCH, GONE, SLURM, changed

ROOT = Path(__file__).parents[2]


def stack_files() -> dict[str, dict[str, Any]]:
    """The stacks of the repository, as plain data without YAML's own times."""
    return {
        file.stem.removeprefix("Pulumi."): json.loads(
            json.dumps(yaml.safe_load(file.read_text())["config"], default=str)
        )
        for file in sorted((ROOT / "stacks").glob("Pulumi.aws-*.yaml"))
    }


def keyed(stack: dict[str, Any]) -> dict[str, Any]:
    return {f"penstock:{key}": value for key, value in stack.items()}


SERVING: dict[str, Any] = {
    "aws.hyperPod": {"pools": ["train"], "lifecycleScripts": "s3://scripts/on/", "chartInstalled": True},
    "aws.expressStore": {"zoneId": "use2-az2"},
    "aws.controlPlane": {
        "reach": {"publicCidrs": ["203.0.113.0/24"]},
        "admins": ["arn:aws:iam::123456789012:role/ops"],
    },
    "aws.endpoints": [
        {
            "name": "chat",
            "image": "123456789012.dkr.ecr.us-east-2.amazonaws.com/serve:1.0",
            "serve": {"kind": "asynchronous", "machineType": "ml.g6.xlarge", "output": "s3://answers/here/"},
        }
    ],
    "cluster.network": {"cidr": "10.4.0.0/16", "zones": ["us-east-2a", "us-east-2b"], "nat": "none"},
    "cluster.nodePools.0.labels": {"team": "a"},
    "cluster.nodePools.0.taints": [{"key": "gang", "value": "yes", "effect": "NoExecute"}],
    "storage.fileSystem.links": [{"path": "/data", "uri": "s3://tokens/all/"}],
    "storage.sharedFileSystem": {},
    "platform.registryMirror": "stack.registry",
}
GOOD = {
    **stack_files(),
    "full": keyed(changed(SERVING)),
    "slurm": keyed(changed({"cluster.kubernetesVersion": GONE, "aws": SLURM})),
    "batch": keyed(changed({"cluster.kubernetesVersion": GONE, "cluster.nodePools.1": GONE, "aws": BATCH})),
}
LARGEST_SUBNET = 2**16 - 5
"""Addresses of a /16, less the five that AWS keeps."""
CAPACITY = ("penstock:storage", "fileSystem", "capacityTib")
WORDS = (
    "onDemand",
    "spot",
    "create",
    "none",
    "perZone",
    "keep",
    "delete",
    "1.33",
    "s3://a-bucket/x",
    "10.0.0.0/22",
    "",
)
NUMBERS = (-1, 0, 1, 3, 40_000, 2**31, 2**63, 10**30, 1e-9, 1e300, 1e308, 0.5)


def plan(config: dict[str, Any], stack: str = "aws-test") -> StackPlan | None:
    """The plan, or None after a look at the mistakes; any other exception fails the test."""
    try:
        return plan_stack(parse_stack(config, "Pulumi.x.yaml", clouds()), stack, NOW)
    except SpecError as error:
        mistakes = error.problems
    assert mistakes
    assert all(problem.path.strip(".") and problem.message.strip() for problem in mistakes)
    return None


def misspelt(value: str, at: int, letter: str) -> str:
    return value[: at % (len(value) + 1)] + letter + value[at % (len(value) + 1) + 1 :]


def other_values(value: Any) -> st.SearchStrategy[Any]:
    """Values that a user might write there instead, near and far."""
    choices = [json_values, st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.text(max_size=70)]
    choices += [st.sampled_from(sorted(machines())), st.sampled_from([*regions(), *regions()["us-west-2"].zone_ids])]
    if isinstance(value, str):
        letters = string.ascii_letters + string.digits + "-_./:é雪 "
        choices.append(st.builds(misspelt, st.just(value), st.integers(0, 80), st.sampled_from(letters)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        choices.append(st.integers(-10, 10).map(lambda step: value + step))
        choices.append(st.sampled_from([value * 1000, value / 3]))
    if isinstance(value, list):
        choices.append(st.just(value + value))
    return st.one_of(choices)


def at(config: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        config = config[step]
    return config


def without(config: Any, place: tuple[Any, ...]) -> Any:
    """The same with that key or entry left out."""
    holder = at(config, place[:-1])
    if isinstance(holder, dict):
        return replaced(config, place[:-1], {key: value for key, value in holder.items() if key != place[-1]})
    return replaced(config, place[:-1], [value for index, value in enumerate(holder) if index != place[-1]])


def with_key(config: Any, place: tuple[Any, ...], key: str) -> Any:
    """The same with that key misspelt."""
    holder = at(config, place[:-1])
    if not isinstance(holder, dict):
        return config
    renamed = {key if name == place[-1] else name: value for name, value in holder.items()}
    return replaced(config, place[:-1], renamed)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A stack that was right, changed in one to three places."""
    config = GOOD[draw(st.sampled_from(sorted(GOOD)))]
    for _ in range(draw(st.integers(1, 3))):
        there = places(config)
        if not there:
            break
        place = draw(st.sampled_from(there))
        match draw(st.sampled_from(("value", "value", "value", "without", "key"))):
            case "value":
                config = replaced(config, place, draw(other_values(at(config, place))))
            case "without":
                config = without(config, place)
            case _:
                key = misspelt(str(place[-1]), draw(st.integers(0, 30)), draw(st.sampled_from("aZ9-é")))
                config = with_key(config, place, key)
    return config


@pytest.mark.parametrize("name", GOOD)
def test_the_starting_points_have_no_mistake(name: str) -> None:
    assert plan(GOOD[name]) is not None


@settings(max_examples=400, deadline=None)
@given(mutated())
@example(replaced(GOOD["aws-batch"], CAPACITY, 10**30))
@example(replaced(GOOD["aws-batch"], CAPACITY, 1e308))
def test_any_change_is_planned_or_explained(config: dict[str, Any]) -> None:
    plan(config)


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=110))
@example("aws-dev")
@example("a" * 100)
@example("ä")
def test_any_stack_name_is_planned_or_explained(name: str) -> None:
    for config in (GOOD["aws-dev"], GOOD["aws-slurm"], GOOD["aws-batch"]):
        plan(config, name)


def resources(cluster: AwsPlan) -> dict[str, int]:
    """Resources that are made one by one of these: they would grow if a plan grew with its nodes."""
    return {
        "pools": len(cluster.node_pools),
        "interfaces": sum(len(pool.interfaces) for pool in cluster.node_pools),
        "changes of size": sum(len(pool.schedule) for pool in cluster.node_pools),
        "endpoints": len(cluster.network.interface_endpoints),
        "gateways": len(cluster.network.nat_zones),
        "zones": len(cluster.network.zones),
        "quotas": len(cluster.quotas),
        "mounts": len(cluster.storage.mounts),
    }


def node_subnets(cluster: AwsPlan) -> list[tuple[AwsSubnetPlan, ...]]:
    """Those of each zone."""
    return [cluster.network.node_subnets((zone,)) for zone in cluster.network.zones]


def of_nodes(count: int, machine: str) -> AwsPlan:
    changes = {"cluster.nodePools.0.count": count, "cluster.nodePools.0.machineType": machine}
    found = plan(keyed(changed(changes | {"cluster.budgetUsdPerHour": GONE})))
    assert found is not None
    assert isinstance(found.cluster, AwsPlan)
    return found.cluster


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4096), st.sampled_from(["p5.48xlarge", "g6e.8xlarge", "trn1.32xlarge", "p5en.48xlarge"]))
@example(4096, "g6e.8xlarge")
def test_more_nodes_are_no_more_resources(count: int, machine: str) -> None:
    """But for subnets, which have 65,531 addresses at most: a zone that needs more has another for each.

    One node alone has no fabric, hence the two.
    """
    two, many = of_nodes(2, machine), of_nodes(count, machine)
    assert resources(many) == resources(two)
    for subnets in node_subnets(many):
        assert len(subnets) == -(-sum(subnet.needed for subnet in subnets) // LARGEST_SUBNET)
    assert len(many.network.public_subnets()) == len(two.network.public_subnets())


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(GOOD)))
def test_a_plan_is_the_same_each_time(name: str) -> None:
    first, second = plan(GOOD[name]), plan(GOOD[name])
    assert (first and asdict(first)) == (second and asdict(second))
