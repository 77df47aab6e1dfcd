"""Claims: disks that charts and objects claim where nothing says of what class."""

from typing import Any

import pytest

from rehearsal.field.claims import claims
from rehearsal.field.facts import FieldFacts
from tests.unit.rehearsal.field.field_cases import chart, deployment

NONE, SOME = FieldFacts(nodes="aws", no_default_class="guide"), FieldFacts(nodes="gcp")
MARK = {"storageclass.kubernetes.io/is-default-class": "true"}
CLASS = {"kind": "StorageClass", "metadata": {"name": "fast", "annotations": MARK}}


def claim(**spec: Any) -> dict[str, Any]:
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": "notes"}, "spec": spec}


KEPT = {"limits_config": {"retention_period": "720h"}, "compactor": {"retention_enabled": True}}


def judged(facts: FieldFacts = NONE, **parts: Any) -> list[str]:
    return [found.subject for found in claims(deployment(facts, **parts))]


@pytest.mark.parametrize("name", ["loki", "slurm"])
def test_a_chart_that_claims_a_disk_needs_a_class(name: str) -> None:
    installed = chart(name, loki=KEPT)
    assert judged(charts=(installed,)) == [name]
    assert judged(charts=(installed,), objects=(CLASS,)) == []
    assert judged(SOME, charts=(installed,)) == []


def test_a_chart_without_its_claim_or_with_a_class_is_fine() -> None:
    assert judged(charts=(chart("slurm", controller={"persistence": {"enabled": False}}),)) == []
    assert judged(charts=(chart("loki", singleBinary={"persistence": {"storageClass": "fast"}}, loki=KEPT),)) == []


@pytest.mark.parametrize("lacking", KEPT)
def test_a_disk_of_logs_that_are_never_forgotten_fills(lacking: str) -> None:
    kept = {key: value for key, value in KEPT.items() if key != lacking}
    assert judged(SOME, charts=(chart("loki", loki=kept),)) == ["loki"]


def test_what_is_kept_for_days_is_not_kept_in_a_pod_where_there_are_disks() -> None:
    kept = chart("kube-prometheus-stack", prometheus={"prometheusSpec": {"storageSpec": {"volumeClaimTemplate": {}}}})
    assert judged(charts=(chart("kube-prometheus-stack"),), objects=(CLASS,)) == ["kube-prometheus-stack"]
    assert judged(charts=(kept,), objects=(CLASS,)) == []
    assert judged(charts=(chart("kube-prometheus-stack"),)) == []


def test_a_claim_of_an_object_needs_a_class_unless_it_wants_none() -> None:
    assert judged(objects=(claim(),)) == ["PersistentVolumeClaim notes"]
    assert judged(objects=(claim(storageClassName=""),)) == []
    several = {"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"volumeClaimTemplates": [{"spec": {}}]}}
    assert judged(objects=(several,)) == ["StatefulSet db"]
    assert judged(objects=(several, CLASS | {"metadata": {"name": "slow"}})) == ["StatefulSet db"]
