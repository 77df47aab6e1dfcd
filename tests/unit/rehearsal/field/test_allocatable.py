"""Allocatable: measured nodes, formulas against what nodes printed, and pods that do not fit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.field.allocatable import FORMULAS, MIB, NodeRow, allocatable, node_rows, offered
from tests.unit.rehearsal.field.field_cases import GPU_TOLERATION, chart, deployment, job, pool

EFA_PAGES = 10256


def judged(body: dict[str, Any], *pools: Any, charts: tuple[Any, ...] = ()) -> list[str]:
    one = deployment(objects=(body,), pools=pools or (pool(huge_pages_mib=EFA_PAGES),), charts=charts)
    return [f"{found.subject}: {found.message}" for found in allocatable(one)]


def test_a_pod_that_peers_run_fits() -> None:
    """1800Gi is what public recipes ask on p5.48xlarge."""
    assert judged(job(requests={"hugepages-2Mi": "5120Mi"})) == []


def test_a_pod_of_the_nominal_memory_stays_pending() -> None:
    found = judged(job(requests={"memory": "2047161Mi"}))
    assert found[0].startswith("Job trainer on train: asks 2047161 Mi on p5.48xlarge, which offers 2036")


def test_huge_pages_are_taken_from_memory() -> None:
    body = job(requests={"memory": "2040000Mi"})
    assert judged(body, pool()) == []
    assert "10256 of huge pages" in judged(body)[0]


def test_more_huge_pages_than_are_set_aside_stay_pending() -> None:
    assert "of huge pages" in judged(job(requests={"hugepages-2Mi": "10258Mi"}))[0]


def test_what_daemons_hold_is_off() -> None:
    body = job(requests={"cpu": "191430m"})
    assert judged(body) == []
    assert "which offers 191400m" in judged(body, charts=(chart("vpc-cni"),))[0]


def test_memory_that_daemons_hold_is_off() -> None:
    body = job(requests={"memory": "2036100Mi"})
    assert judged(body) == []
    assert "208 of daemons" in judged(body, charts=(chart("aws-ebs-csi-driver"), chart("aws-fsx-csi-driver")))[0]


def test_sidecars_are_added_and_init_containers_are_not() -> None:
    early = {"name": "early", "resources": {"requests": {"memory": "500Gi"}}}
    assert judged(job(initContainers=[early])) == []
    assert len(judged(job(initContainers=[{**early, "restartPolicy": "Always"}]))) == 1
    assert len(judged(job(initContainers=[{"name": "early", "resources": {"requests": {"memory": "2000Gi"}}}]))) == 1


def test_the_least_of_several_measured_nodes_counts() -> None:
    found = offered("aws", pool(machine_type="p4d.24xlarge"))
    assert found
    assert found.memory_ki == 1167612836


def test_more_devices_than_a_node_has_stay_pending() -> None:
    assert "asks 16 nvidia.com/gpu" in judged(job(requests={"nvidia.com/gpu": "16"}))[0]


def test_a_pod_without_a_toleration_or_a_label_has_no_node() -> None:
    assert "untolerated taint nvidia.com/gpu" in judged(job(tolerations=[]))[0]
    assert "no label pool=other" in judged(job(nodeSelector={"pool": "other"}))[0]


def test_a_required_affinity_that_no_pool_meets_has_no_node() -> None:
    terms = [{"matchExpressions": [{"key": "pool", "operator": "NotIn", "values": ["train"]}]}]
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    assert "no required node affinity" in judged(job(affinity={"nodeAffinity": rule}))[0]


def test_one_pool_with_room_is_enough() -> None:
    body = job(requests={"memory": "1100Gi"}, nodeSelector={}, tolerations=[GPU_TOLERATION])
    small = pool("small", machine_type="g6e.12xlarge", devices={"nvidia.com/gpu": 8})
    assert judged(body, small, pool()) == []
    assert len(judged(body, small)) == 1


def test_a_node_that_prints_its_offer_is_believed() -> None:
    told = pool(machine_type="mine", told={"memory": "64Gi", "cpu": "16"})
    assert judged(job(requests={"memory": "60Gi", "cpu": "8"}), told) == []
    assert "offers 65536 Mi" in judged(job(requests={"memory": "65Gi", "cpu": "8"}), told)[0]


def test_an_accelerator_that_nobody_measured_is_found() -> None:
    assert "nobody measured x9.huge" in judged(job(), pool(machine_type="x9.huge"))[0]


def test_measured_rows_come_before_formulas() -> None:
    found = offered("aws", pool(huge_pages_mib=42242))
    assert found
    assert found.memory_ki <= 2052371068  # printed by a node with these pages
    assert found.memory_ki > 0.999 * 2052371068
    assert "measured" in found.source


MEASURED = [
    row
    for rows in node_rows().values()
    for row in rows
    if row.kind == "measured" and row.allocatable_memory_ki and row.nominal_memory_gib and row.nominal_memory_gib >= 16
]
OWN_RESERVES = "Cloudera"  # a distributor's, not nodeadm's
JUDGED = [row for row in MEASURED if row.cloud in ("aws", "gcp") and OWN_RESERVES not in row.source]


@pytest.mark.parametrize("row", JUDGED, ids=str)
def test_a_formula_never_promises_more_than_a_node_printed(row: NodeRow) -> None:
    """And no more than 1 % less, 2.5 % on AWS's smallest and oldest."""
    formula = FORMULAS[row.cloud]
    same_type = node_rows()[row.cloud, row.machine_type]
    pods = next((one.max_pods for one in same_type if one.kind == "estimate" and one.max_pods), row.max_pods or 110)
    nominal = row.nominal_memory_gib
    assert nominal
    promised = formula(nominal, pods) - row.hugepages_2mi_mib * MIB
    assert row.allocatable_memory_ki
    assert promised <= row.allocatable_memory_ki
    assert promised >= row.allocatable_memory_ki * (0.99 if nominal > 64 else 0.975)


@given(
    nominal=st.floats(min_value=16, max_value=8192), pods=st.integers(10, 800), cloud=st.sampled_from(sorted(FORMULAS))
)
def test_a_formula_stays_below_the_nominal_memory(nominal: float, pods: int, cloud: str) -> None:
    assert FORMULAS[cloud](nominal, pods) < nominal * 1024 * 1024 * 63 / 64
