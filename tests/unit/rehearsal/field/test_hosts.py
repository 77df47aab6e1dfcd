"""Hosts without Kubernetes: mounts at first boot, nodes to submit from, and charts that have to be there before."""

import base64
from typing import Any

import pytest

from rehearsal.field.deployed import BuiltResource
from rehearsal.field.facts import FieldFacts
from rehearsal.field.hosts import entrances, mounts, prepared
from rehearsal.field.reading import RELEASE
from rehearsal.field.service_facts import EntranceRow, HostDataRow, PreparedRow
from tests.unit.rehearsal.field.field_cases import built, deployment

FACTS = FieldFacts(
    nodes="aws",
    host_data=(
        HostDataRow(
            template="c:Template", data="data", users=(("c:Group", "template"),), policy="c:Policy", policy_text="text",
            target="c:Target", source="guide",
        ),
    ),
    entrances=(
        EntranceRow(
            resource="c:Thing", kind="kind", cluster="Cluster", group="Group", queue="Queue", id="id",
            members="groups", least="least", source="guide",
        ),
    ),
    prepared=(PreparedRow(resource="c:Thing", path="kind", value="Pod", host="c:Host", chart="pod*", source="guide"),),
)  # fmt: skip
DENIES = built(
    "c:Policy",
    "p",
    {"text": '{"Statement": [{"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "no"}}}]}'},
)
TARGET = built("c:Target", "target")


def mounted(script: str, *others: BuiltResource, after: bool = True) -> list[str]:
    data = base64.b64encode(f"#!/bin/bash\nset -e\n{script}\n".encode()).decode()
    template = built("c:Template", "t", {"data": data})
    group = built("c:Group", "g", {"template": "t"}, needs=frozenset({TARGET.key} if after else ()))
    made = (template, group, *others)
    return [one.message for one in mounts(deployment(FACTS, resources=made))]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("mount -t nfs4 -o nfsvers=4.1,hard fs-1.efs:/ /home", 1),
        ("mount -t efs fs-1:/ /home", 1),
        ("mount -t efs -o tls fs-1:/ /home", 0),
        ("mount -t efs -o noresvport,tls,iam fs-1:/ /home", 0),
        ("mount -t lustre -o flock fs-2@tcp:/a /fsx", 0),
    ],
)
def test_a_mount_without_tls_is_found_where_the_policy_denies_it(script: str, found: int) -> None:
    assert len(mounted(script, DENIES, TARGET)) == found
    assert mounted(script, TARGET) == []


def test_machines_that_mount_before_the_targets_are_there_are_found() -> None:
    script = "mount -t efs -o tls fs-1:/ /home"
    assert mounted(script, TARGET, after=False) == ["g starts machines that mount before 1 targets are there"]
    assert mounted("echo hello", TARGET, after=False) == []


def thing(name: str, kind: str, **more: Any) -> BuiltResource:
    return built("c:Thing", name, {"kind": kind, **more}, outputs={"id": name})


@pytest.mark.parametrize(
    ("group", "found"),
    [
        (thing("people", "Group", least=1), 0),
        (thing("people", "Group", least=0), 1),
        (thing("work", "Group", least=1), 1),
    ],
)
def test_a_scheduler_that_nobody_can_reach_is_found(group: BuiltResource, found: int) -> None:
    made = (thing("control", "Cluster"), thing("batch", "Queue", groups=["work"]), group)
    assert len(list(entrances(deployment(FACTS, resources=made)))) == found


def test_what_needs_a_chart_on_a_cluster_is_found_where_the_same_up_makes_it() -> None:
    host = built("c:Host", "eks")

    def found(*others: BuiltResource, before: tuple[BuiltResource, ...] = (), **more: Any) -> int:
        made = (host, *others, built("c:Thing", "pod", {"kind": "Pod"}, **more))
        earlier = deployment(FACTS, resources=before) if before else None
        return len(list(prepared(deployment(FACTS, resources=made, before=earlier))))

    chart = built(RELEASE, "release", {"chart": "oci://charts/pod-dependencies"})
    assert found() == 1
    assert found(before=(host,)) == 0
    assert found(chart) == 1, "beside it, the chart may come later"
    assert found(chart, needs=frozenset({chart.key})) == 0
