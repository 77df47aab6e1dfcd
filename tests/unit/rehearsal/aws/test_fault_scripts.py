"""Fault scripts: the examples are right, mistakes are told, and each fault strikes when and as often as it says."""

from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from rehearsal.cloud.account import Account
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.fault_injection import FaultInjector
from rehearsal.cloud.store import Store
from rehearsal.faults import FaultScript, read_faults
from rehearsal.providers.aws.rules import RULES

EXAMPLES = sorted((Path(__file__).parents[4] / "docs" / "faults").glob("*.yaml"))


def injector(**script: Any) -> FaultInjector:
    return FaultInjector(FaultScript.model_validate(script), Account(Store(), RULES), Clock(quiet_s=0.0))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_are_right(file: Path) -> None:
    assert read_faults(file) != FaultScript()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("throtle: {rate: 0.3}", "throtle: unknown key; did you mean 'throttle'?"),
        ("throttle: {rate: 3}", "throttle.rate: 3 is out of range; 1 or less is right"),
        ("kill: [{atRequest: 0}]", "0 is out of range; 1 or more is right"),
        ("drift: [{after: up, resource: net}]", "set: says what changes, or delete: true; one of both"),
        (
            "drift: [{after: upp, resource: net, delete: true}]",
            "drift.0.after: 'upp' is not one of 'up', 'up again' or 'refresh'; did you mean 'up'?",
        ),
        ("loadBalancers: [{after: upp}]", "loadBalancers.0.after: 'upp' is not one of 'up', 'up again' or 'refresh'"),
        ("nodes: [{node: a, devices: {nvidia.com/gpu: -3}}]", "-3 is out of range; 0 or more is right"),
        ("errors: [{operation: CreateVpc}]", "'CreateVpc' is not"),
        (
            "- 1",
            "is not a mapping; write `capacity:`, `partial:`, `throttle:`, `errors:`, `kill:`, `drift:`, `quotas:`,",
        ),
        ("", "holds no fault; write `capacity:`, `partial:`"),
        ("# later\n", "`loadBalancers:`, `webhooks:`, `nodes:`, `existing:`, as docs/faults shows"),
        ("kill: []", "holds no fault"),
        ("a: [", "is not YAML"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    with pytest.raises(SpecError) as refusal:
        read_faults(file)
    assert message in str(refusal.value)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="No such file or directory; name a fault script"):
        read_faults(tmp_path / "none.yaml")


def test_an_error_strikes_the_nth_request_as_often_as_it_says() -> None:
    found = injector(errors=[{"operation": "ec2:Create*", "resource": "net*", "nth": 2, "times": 2, "code": "Oops"}])
    refused = []
    for name in ("net", "other", "net-a", "net-b", "net-c"):
        try:
            found.before("ec2", "CreateSubnet", name=name, may_fail=True)
        except CloudApiError as error:
            refused.append((name, error.code))
    assert refused == [("net-a", "Oops"), ("net-b", "Oops")]
    assert len(found.injected) == 2


def test_a_request_that_must_not_fail_does_not() -> None:
    found = injector(errors=[{"operation": "ec2:*", "times": "always"}], throttle={"rate": 1.0, "attempts": 2})
    found.before("ec2", "CreateSubnet", name="a", may_fail=False)
    with pytest.raises(CloudApiError, match="RequestLimitExceeded"):
        found.before("ec2", "CreateSubnet", name="a", may_fail=True)


def test_the_engine_is_killed_at_its_request_only() -> None:
    found = injector(kill=[{"atRequest": 2}])
    killed: list[int] = []
    found.kill_engine = lambda: killed.append(found.requests)
    for _ in range(3):
        found.before("ec2", "CreateVpc", name="net", may_fail=True)
    assert killed == [2]


def test_what_met_nothing_is_named() -> None:
    """A misspelt name would else look like a stack that survives."""
    made = injector(
        errors=[{"operation": "ec2:CreateVpc"}, {"operation": "ec2:CreateVpcc"}],
        capacity=[{"machineType": "p5.48xlarg"}],
        partial=[{"resource": "*trian*", "nodes": 1}],
        kill=[{"atRequest": 1}, {"atRequest": 99}],
    )
    with pytest.raises(CloudApiError):
        made.before("ec2", "CreateVpc", name="net", may_fail=True)
    assert made.unused_faults() == (
        "no capacity of p5.48xlarg",
        "part of the pool *trian*",
        "ec2:CreateVpcc for * refused",
        "engine killed at request 99",
    )
