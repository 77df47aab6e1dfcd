"""Warnings of every part of a stack, as they arrive in a plan, and from there in `pulumi up`."""

import gc
import runpy
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psutil
import pulumi
import pytest

from components.errors import Problem, SpecError
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers import clouds, discover
from stacks import lean_sdk, program
from stacks.plan import plan_stack
from tests.clock import NOW

UNITS = {"name": "units", "model": "arn:aws:bedrock:us-east-2::foundation-model/x", "commitment": "SixMonths"}
BOX = {
    "cores": 64,
    "memoryGib": 512,
    "accelerator": "h100",
    "acceleratorCount": 8,
    "devices": {"nvidia.com/gpu": 8, "rdma/ib": 8},
    "topologyKeys": ["rack"],
}
CROWD = 1 + (psutil.cpu_count() or 1)


def aws(
    pool: dict[str, Any] | None = None, *, own: dict[str, Any] | None = None, nat: str = "single", **parts: Any
) -> StackPlan:
    """Two nodes with a fabric and a control plane that is reached from outside."""
    pools = [{"name": "train", "machineType": "p5.48xlarge", "count": 2, **(pool or {})}]
    cluster = {"cloud": "aws", "region": "us-east-2", "network": {"nat": nat}, "nodePools": pools}
    return planned(
        cluster=cluster, aws={"controlPlane": {"reach": {"publicCidrs": ["203.0.113.0/24"]}}, **(own or {})}, **parts
    )


def existing(owners: dict[str, str] | None = None, gang: int = 0, **pool: Any) -> StackPlan:
    """`gang`: nodes of a run on the pool, none where it is 0."""
    pools = [{"name": "train", "machineType": "box", "count": 2, **pool}]
    own = {"machines": {"box": BOX}, "version": "1.35", "kubeconfig": "/nowhere/config", "owners": owners or {}}
    own["volume"] = {"nfs": {"server": "storage.example.org", "path": "/export"}}
    run = {"nodes": gang, "image": "registry.example/penstock:1", "batch": {"sequences": 16 * gang}}
    return planned(
        cluster={"cloud": "existing", "nodePools": pools}, existing=own, **({"training": run} if gang else {})
    )


def local(**parts: Any) -> StackPlan:
    return planned(cluster={"cloud": "local", "nodePools": [{"name": "here", "machineType": "this-machine"}]}, **parts)


def planned(**config: Any) -> StackPlan:
    keyed = {f"penstock:{key}": value for key, value in config.items()}
    return plan_stack(discover(parse_stack(keyed, "Pulumi.mine.yaml", clouds())), "mine", NOW)


CASES: dict[str, tuple[Callable[[], StackPlan], str]] = {
    "network": (
        lambda: aws(
            own={"registry": {"mirrors": ["quay.io"]}}, nat="none", platform={"registryMirror": "mirror.example/hub"}
        ),
        "aws.registry.mirrors: without NAT",
    ),
    "storage": (
        lambda: aws(storage={"fileSystem": {"capacityTib": 1.2, "scratch": True}}),
        "storage.fileSystem.scratch: true",
    ),
    "serving": (lambda: aws(own={"throughput": [UNITS]}), "aws.throughput.units.commitment: SixMonths is paid"),
    "platform": (
        lambda: aws(platform={"addons": {"rook-ceph": {"enabled": True, "values": {"noSuchKey": 1}}}}),
        "platform.addons.rook-ceph.values.noSuchKey",
    ),
    "scheduler": (
        lambda: existing(minCount=1, owners={"node autoscaler": "ours"}, gang=2),
        "cluster.nodePools.train: may change size, and Kueue",
    ),
    "gate": (lambda: aws(platform={"gate": {"enabled": False}}), "platform.gate.enabled: false"),
    "fabric check": (existing, "cluster.nodePools.train: the gate does not measure its fabric: no image"),
    "existing": (existing, "existing: planned from the stack file, as the cluster was not seen"),
    "job": (
        lambda: local(training={"ranksPerNode": CROWD, "batch": {"sequences": 4 * CROWD}}),
        f"training.ranksPerNode: {CROWD} ranks",
    ),
    "service": (
        lambda: local(training={}, inference={"host": "192.0.2.7"}),
        "inference.host: 192.0.2.7 lets everyone in",
    ),
}


@pytest.mark.parametrize("part", CASES)
def test_a_warning_of_each_part_arrives_once(part: str) -> None:
    make, begins = CASES[part]
    found = [warning for warning in make().warnings if warning.startswith(begins)]
    assert len(found) == 1, make().warnings


@pytest.mark.parametrize(("gang", "count"), [(0, 2), (1, 2)])
def test_a_pool_without_a_gang_is_not_warned_of_its_topology(gang: int, count: int) -> None:
    plan = existing(minCount=1, owners={"node autoscaler": "ours"}, gang=gang, count=count)
    assert not [warning for warning in plan.warnings if "topology" in warning]


def test_a_warning_of_two_parts_is_told_once() -> None:
    keyed = {"penstock:cluster": {"cloud": "local", "nodePools": [{"name": "here", "machineType": "this-machine"}]}}
    spec = parse_stack(keyed, "Pulumi.mine.yaml", clouds()).model_copy(update={"warnings": ("one", "two", "one")})
    assert plan_stack(spec, "mine", NOW).warnings == ("one", "two")


@pytest.mark.parametrize("stops", [True, False])
def test_what_a_place_could_not_be_asked_is_told_and_stops_only_where_it_must(
    monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    plan = replace(local(), warnings=("first",))
    found = Problem(path="cluster.nodePools", message="could not be looked at; allow it", stops=stops)
    provider = SimpleNamespace(preflight=lambda _: (found,))
    monkeypatch.setattr(program, "load", lambda _: provider)
    monkeypatch.setattr(program, "plan_read", lambda *_: plan)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "mine")
    if stops:
        with pytest.raises(SpecError, match=r"cluster\.nodePools: could not be looked at; allow it"):
            program.decide()
    else:
        assert program.decide()[1].warnings == ("first", "cluster.nodePools: could not be looked at; allow it")


def test_up_tells_every_warning_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(local(), warnings=("cluster: first", "platform: second"))
    told: list[str] = []
    built: list[StackPlan] = []
    monkeypatch.setattr(lean_sdk, "install", lambda: None)
    monkeypatch.setattr(program, "decide", lambda: (None, plan))
    monkeypatch.setattr(program, "build", lambda _, decided: built.append(decided))
    monkeypatch.setattr(pulumi.log, "warn", told.append)
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    try:
        runpy.run_module("stacks.__main__")
    finally:
        gc.enable()
    assert told == ["cluster: first", "platform: second"]
    assert built == [plan]
