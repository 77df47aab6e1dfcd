"""The rules on a cloud that they have never heard of: its facts are one file."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import policies
from policies import (
    budget_per_hour,
    clouds,
    encrypted_with_key,
    expiry_set,
    fabric_in_one_zone,
    fabric_interfaces,
    gang_fabric,
    no_open_ingress,
    placement_consistent,
    versions_pinned,
)
from policies.clouds.aws import MACHINE_ROWS
from policies.clouds.azure import MACHINE_ROWS as AZURE_ROWS
from policies.clouds.azure import PRICE_ROWS
from policies.clouds.gcp import MACHINE_ROWS as GCP_ROWS
from policies.facts import CloudReader, Ingress, Inputs, InterfaceFacts, Launch, MachineFacts, Pool, Stored, Versioned
from policies.rule import StackResource

POOL = "nimbus:pool"
"""A pool of this cloud holds its machines itself: it has no launch template."""


def launch(kind: str, inputs: Inputs) -> Launch | None:
    if kind != POOL:
        return None
    fabric = [
        InterfaceFacts(card=card, device=0, fabric=True, addressed=True, guarded=True) for card in inputs["cards"]
    ]
    return Launch(
        machine_type="gpu8",
        expires=inputs.get("expires"),
        interfaces=tuple(fabric),
        is_prepaid=inputs.get("prepaid", False),
        placement_group=inputs.get("group"),
    )


def only(kind: str, found: Callable[[Inputs], Any]) -> Callable[[str, Inputs], Iterable[Any]]:
    return lambda asked, inputs: [found(inputs)] if asked == kind else []


NIMBUS = CloudReader(
    name="nimbus",
    fabric="the ring",
    fabric_device="nimbus.example/ring",
    accelerator_devices=("nimbus.example/chip",),
    internal_services={"nimbus.example/inside": "yes"},
    machines=lambda: {"gpu8": MachineFacts(accelerators=True, fabric_cards=(0, 1), usd_per_hour=Decimal(10))},
    launch=launch,
    pool=lambda kind, inputs: Pool(nodes=inputs["nodes"], labels={"pool": "a"}) if kind == POOL else None,
    budget=lambda inputs: inputs.get("budget"),
    launches=lambda pool: [pool],
    zones=lambda pool: pool.outputs["zones"],
    stored=only("nimbus:disk", lambda inputs: Stored(data="the disk", encrypted=inputs["encrypted"])),
    ingress=only("nimbus:wall", lambda inputs: Ingress(path="from", ranges=inputs["from"])),
    versions=only("nimbus:cluster", lambda inputs: Versioned(software="Kubernetes", version=inputs["version"])),
)


@pytest.fixture(autouse=True)
def nimbus(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = (*clouds.CLOUDS, NIMBUS)
    for module in (clouds, budget_per_hour, encrypted_with_key, no_open_ingress, versions_pinned):
        monkeypatch.setattr(module, "CLOUDS", everywhere)


def pool(**inputs: Any) -> StackResource:
    given = {"cards": [0, 1], "nodes": 2, "zones": ["a"], "budget": "20"} | inputs
    return StackResource(kind=POOL, name="train", urn="urn:train", outputs=given)


def gang(*devices: str) -> StackResource:
    limits = dict.fromkeys(("nimbus.example/chip", *devices), "1")
    pod = {"containers": [{"resources": {"limits": limits}}], "nodeSelector": {"pool": "a"}}
    return StackResource(
        kind="kubernetes:jobset.x-k8s.io/v1alpha2:JobSet", name="gang", urn="urn:gang", outputs={"spec": pod}
    )


def test_rules_of_several_resources_pass_a_pool_in_order() -> None:
    for rule in (budget_per_hour.RULE, fabric_in_one_zone.RULE, gang_fabric.RULE):
        assert list(rule.check([pool(), gang("nimbus.example/ring")])) == []


def test_rules_of_several_resources_judge_the_cloud() -> None:
    ((_, cost),) = budget_per_hour.RULE.check([pool(nodes=3)])
    assert "machines for $30.00 an hour" in cost
    ((_, spread),) = fabric_in_one_zone.RULE.check([pool(zones=["a", "b"])])
    assert "its machines have a fabric, and its subnets are in a, b" in spread
    ((_, slow),) = gang_fabric.RULE.check([pool(), gang()])
    assert slow.endswith("on train, which has the ring, and for no nimbus.example/ring")


def test_rules_of_machines_judge_the_cloud() -> None:
    assert list(fabric_interfaces.check(POOL, pool().outputs)) == []
    assert list(fabric_interfaces.check(POOL, pool(cards=[0]).outputs)) == ["1 fabric interfaces, but gpu8 has 2"]
    assert list(placement_consistent.check(POOL, pool(group="g").outputs)) == []
    assert len(list(placement_consistent.check(POOL, pool(group="g", prepaid=True).outputs))) == 1
    assert "has no tag" in next(expiry_set.check(POOL, pool().outputs))


def test_rules_of_data_ways_in_and_versions_judge_the_cloud() -> None:
    assert list(encrypted_with_key.check("nimbus:disk", {"encrypted": False})) == ["the disk is not encrypted"]
    assert list(encrypted_with_key.check("nimbus:disk", {"encrypted": True})) == []
    assert len(list(no_open_ingress.check("nimbus:wall", {"from": ["10.0.0.0/8", "0.0.0.0/0"]}))) == 1
    assert len(list(versions_pinned.check("nimbus:cluster", {"version": None}))) == 1
    assert list(versions_pinned.check("nimbus:cluster", {"version": "1.35"})) == []


@pytest.mark.parametrize(("annotations", "violations"), [({}, 1), ({"nimbus.example/inside": "yes"}, 0)])
def test_a_clouds_annotation_keeps_a_load_balancer_inside(annotations: dict[str, str], violations: int) -> None:
    service = {"metadata": {"annotations": annotations}, "spec": {"type": "LoadBalancer"}}
    assert len(list(no_open_ingress.check("kubernetes:core/v1:Service", service))) == violations


def test_no_rule_names_a_type_of_a_cloud() -> None:
    for file in Path(policies.__path__[0]).glob("*.py"):
        assert not any(word in file.read_text() for word in ('"aws:', "gcp:", "azure", "amazon", "gke")), file.name


def test_the_pack_depends_on_data_that_a_cloud_declares_and_that_is_there() -> None:
    for package, file in (MACHINE_ROWS, AZURE_ROWS, PRICE_ROWS, GCP_ROWS):
        assert files(package).joinpath(file).is_file()
    readers = [each for each in Path(policies.__path__[0]).rglob("*.py") if "read_text" in each.read_text()]
    assert sorted(each.name for each in readers) == ["aws.py", "azure.py", "gcp.py"]
