"""Obstacles that a project's own answers show, before anything is created."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.registrations import recorded
from components.errors import Problem
from providers import load
from providers.gcp.plan import GcpPlan
from providers.gcp.preflight import FIRST_SERVICES, PART_RIGHTS, RIGHTS, look, preflight
from stacks.program import build
from tests.unit.providers.aws.whole_stacks import changed, planned
from tests.unit.providers.gcp.answers import ABSENT, OFF, Answers
from tests.unit.providers.gcp.whole_stacks import STACK

PROJECT = "projects/my-project"
ZONE = f"{PROJECT}/zones/us-central1-b"
RESERVATION = f"GET {ZONE}/reservations/h200"
QUOTAS = f"GET {PROJECT}/locations/global/services/compute.googleapis.com/quotaInfos"
LIMITS = [
    {"metric": metric, "limit": 1_000_000, "usage": 0}
    for metric in ("NVIDIA_H200_GPUS", "PREEMPTIBLE_NVIDIA_L4_GPUS", "SSD_TOTAL_GB", "CPUS")
]
GOOD: dict[str, Any] = {
    f"GET {PROJECT}": {"quotas": [{"metric": "GPUS_ALL_REGIONS", "limit": 100, "usage": 0}]},
    f"GET {PROJECT}/services:batchGet": {
        "services": [{"config": {"name": name}, "state": "ENABLED"} for name in FIRST_SERVICES]
    },
    f"POST {PROJECT}:testIamPermissions": {"permissions": [*RIGHTS, *PART_RIGHTS]},
    f"GET {ZONE}/machineTypes/e2-standard-4": {},
    f"GET {ZONE}/machineTypes/a3-ultragpu-8g": {},
    f"GET {ZONE}/machineTypes/g2-standard-8": {},
    RESERVATION: {
        "status": "READY",
        "deploymentType": "DENSE",
        "specificReservation": {
            "count": "4",
            "inUseCount": "0",
            "instanceProperties": {"machineType": "a3-ultragpu-8g"},
        },
    },
    f"GET {PROJECT}/global/networkProfiles/us-central1-b-vpc-roce": {},
    f"GET {PROJECT}/locations": [{"locationId": zone} for zone in ("us-central1-a", "us-central1-b", "us-east1-b")],
    f"GET {PROJECT}/regions/us-central1": {"quotas": LIMITS},
    f"POST {PROJECT}:getEffectiveOrgPolicy": {"listPolicy": {"allValues": "ALLOW"}},
    f"{QUOTAS}/GPUS-PER-GPU-FAMILY-per-project-region": {
        "dimensionsInfos": [
            {"dimensions": {"region": "us-central1"}, "details": {"value": "1"}},
            {"dimensions": {"region": "us-central1", "gpu_family": "NVIDIA_H200"}, "details": {"value": "32"}},
        ]
    },
}
CLUSTER = f"GET {PROJECT}/locations/us-central1/clusters/gcp-test"


def plan_of(folder: Path, **changes: Any) -> GcpPlan:
    found = planned(changed(changes, STACK), folder, "gcp-test").cluster
    assert isinstance(found, GcpPlan)
    return found


def told(plan: GcpPlan, **over: Any) -> list[Problem]:
    return list(look(plan, Answers(GOOD | over)))  # type: ignore[arg-type]


def test_nothing_is_told_of_a_project_that_has_all(tmp_path: Path) -> None:
    assert told(plan_of(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, "compute.firewalls.create"),  # roles/compute.networkAdmin has none of these
        ({}, "compute.firewalls.delete"),
        ({}, "compute.disks.list"),
        ({}, "compute.disks.delete"),
        ({}, "servicenetworking.services.addPeering"),  # nor has roles/editor this one
        ({"storage": {"sharedFileSystem": {}}}, "compute.firewalls.delete"),
    ],
)
def test_a_right_to_come_or_go_is_missed(tmp_path: Path, changes: dict[str, Any], right: str) -> None:
    all_others = {"permissions": [one for one in (*RIGHTS, *PART_RIGHTS) if one != right]}
    (problem,) = told(plan_of(tmp_path, **changes), **{f"POST {PROJECT}:testIamPermissions": all_others})
    assert f"lack {right} in" in problem.message
    assert "roles/compute.securityAdmin, roles/compute.storageAdmin" in problem.message


def test_a_right_that_the_stack_does_not_use_is_not_missed(tmp_path: Path) -> None:
    unused = ("compute.firewalls.create", "servicenetworking.services.addPeering")
    all_others = {"permissions": [one for one in (*RIGHTS, *PART_RIGHTS) if one not in unused]}
    plan = plan_of(tmp_path, storage={"sharedFileSystem": {}})
    assert told(plan, **{f"POST {PROJECT}:testIamPermissions": all_others}) == []


@pytest.mark.parametrize(
    ("request_", "answer", "path", "words"),
    [
        (f"GET {PROJECT}", OFF, "gcp.project", "gcloud services enable serviceusage"),
        (f"GET {PROJECT}", ABSENT, "gcp.project", "is not there"),
        (f"POST {PROJECT}:testIamPermissions", {"permissions": [*RIGHTS[1:], *PART_RIGHTS]}, "gcp.project", RIGHTS[0]),
        (f"GET {ZONE}/machineTypes/g2-standard-8", ABSENT, "cluster.nodePools.serve.zone", "has no g2-standard-8"),
        (RESERVATION, ABSENT, "cluster.nodePools.train.capacity", "is not in us-central1-b"),
        (RESERVATION, {"status": "CREATING"}, "cluster.nodePools.train.capacity", "CREATING"),
        (
            RESERVATION,
            {"deploymentType": "DENSE", "specificReservation": {"count": "4", "inUseCount": "1"}},
            "cluster.nodePools.train.capacity",
            "3 machines left",
        ),
        (
            RESERVATION,
            {
                "deploymentType": "DENSE",
                "specificReservation": {"count": "4", "instanceProperties": {"machineType": "a4-highgpu-8g"}},
            },
            "cluster.nodePools.train.capacity",
            "holds a4-highgpu-8g",
        ),
        (
            f"GET {PROJECT}/global/networkProfiles/us-central1-b-vpc-roce",
            ABSENT,
            "cluster.nodePools",
            "no network profile",
        ),
        (
            f"GET {PROJECT}",
            {"quotas": [{"metric": "GPUS_ALL_REGIONS", "limit": 0}]},
            "cluster.nodePools",
            "GPUS_ALL_REGIONS of all regions is 0",
        ),
        (CLUSTER, {"currentMasterVersion": "1.33.5-gke.100"}, "cluster.kubernetesVersion", "ask '1.34'"),
        (
            f"GET {PROJECT}",
            {"quotas": [{"metric": "NETWORKS", "limit": 5, "usage": 3}]},
            "cluster.nodePools",
            "NETWORKS of all regions is 5, 3 in use, and the stack needs 3",
        ),
        (
            f"{QUOTAS}/GPUS-PER-GPU-FAMILY-per-project-region",
            {"dimensionsInfos": [{"dimensions": {"gpu_family": "NVIDIA_H200"}, "details": {"value": "8"}}]},
            "cluster.nodePools",
            "GPUS-PER-GPU-FAMILY-per-project-region of NVIDIA_H200 in us-central1 is 8, and the stack needs 32",
        ),
    ],
)
def test_an_obstacle_is_told_where_it_is(
    request_: str, answer: Any, path: str, words: str, tmp_path: Path
) -> None:  # fmt: skip
    found = told(plan_of(tmp_path), **{request_: answer})
    assert [problem.path for problem in found] == [path], found
    assert words in found[0].message
    assert found[0].stops


def test_an_image_that_nothing_has_brought_is_told_with_the_command(tmp_path: Path) -> None:
    plan = planned(changed({"training": {"pool": "serve"}}, STACK), tmp_path, "gcp-test")
    cluster = plan.cluster
    assert isinstance(cluster, GcpPlan)
    repository = f"{PROJECT}/locations/us-central1/repositories/gcp-test"
    (image,) = [one for one in plan.images if one.is_the_stacks]
    (found,) = look(cluster, Answers(GOOD), plan.images)  # type: ignore[arg-type]
    assert found.path == "training.image"
    assert "penstock images push gcp-test" in found.message
    there = {
        f"GET {repository}/packages/penstock/tags/{image.tag}": {"version": "v/sha256:abc"},
        f"GET {repository}/dockerImages/penstock@sha256:abc": {"name": "n@sha256:abc"},
    }
    assert look(cluster, Answers(GOOD | there), plan.images) == ()  # type: ignore[arg-type]


def test_a_program_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "x")
    monkeypatch.setenv("PATH", str(tmp_path))
    # The package names its function `preflight` too, which hides the module of that name.
    monkeypatch.setattr(sys.modules["providers.gcp.preflight"], "session", lambda **_: Answers(GOOD))
    plan = planned(STACK, tmp_path, "gcp-test")
    told_ = [problem.message for problem in preflight(plan) if problem.path == "gcp.controlPlane.reach"]
    assert len(told_) == 1
    assert "gcloud components install gke-gcloud-auth-plugin" in told_[0]


def test_without_credentials_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    assert preflight(planned(STACK, tmp_path, "gcp-test")) == ()


def test_apis_that_are_off_hide_nothing_else_and_the_command_names_them(tmp_path: Path) -> None:
    services = [{"config": {"name": name}, "state": "DISABLED"} for name in FIRST_SERVICES]
    (found,) = told(plan_of(tmp_path), **{f"GET {PROJECT}/services:batchGet": {"services": services}})
    assert f"gcloud services enable {' '.join(FIRST_SERVICES)} --project=my-project" in found.message


def test_an_api_that_up_switches_on_is_no_obstacle(tmp_path: Path) -> None:
    switched_on = [request for request in GOOD if "/quotaInfos/" not in request]
    parts = ("/zones/", "/regions/", "/global/")
    off = {request: OFF for request in switched_on if any(part in request for part in parts)}
    assert told(plan_of(tmp_path), **off) == []


def test_what_may_not_be_read_stops_nothing(tmp_path: Path) -> None:
    from providers.gcp.session import GoogleError

    (found,) = told(plan_of(tmp_path), **{RESERVATION: GoogleError(403, "forbidden", "denied on resource")})
    assert not found.stops
    assert "denied on resource" in found.message


def test_the_stacks_own_nodes_are_not_counted_against_it(tmp_path: Path) -> None:
    """A second `up` finds its machines in the reservation, and its use in the quota."""
    used = {"deploymentType": "DENSE", "specificReservation": {"count": "4", "inUseCount": "4"}}
    whole = {"quotas": [{"metric": "GPUS_ALL_REGIONS", "limit": 40, "usage": 33}]}
    stands = {CLUSTER: {"currentMasterVersion": "1.35.1-gke.1"}}
    assert told(plan_of(tmp_path), **{RESERVATION: used, f"GET {PROJECT}": whole, **stands}) == []
    assert len(told(plan_of(tmp_path), **{RESERVATION: used, f"GET {PROJECT}": whole})) == 2


def test_a_reservation_whose_machines_stand_anywhere_is_told_and_stops_nothing(tmp_path: Path) -> None:
    scattered = {**GOOD[RESERVATION], "deploymentType": "DEPLOYMENT_TYPE_UNSPECIFIED"}
    (found,) = told(plan_of(tmp_path), **{RESERVATION: scattered})
    assert not found.stops
    assert "would lack cloud.google.com/gce-topology-block" in found.message


def test_a_calendar_reservation_that_has_begun_has_its_nodes(tmp_path: Path) -> None:
    """Of an aggregate reservation nothing is counted, as it has no machine type of its own."""
    plan = plan_of(tmp_path)
    assert told(replace(plan), **{RESERVATION: {"status": "READY", "aggregateReservation": {}}}) == []


def test_a_zone_without_the_file_system_is_told_with_those_that_have_it(tmp_path: Path) -> None:
    (found,) = told(plan_of(tmp_path), **{f"GET {PROJECT}/locations": [{"locationId": "us-central1-a"}]})
    assert found.path == "storage.fileSystem"
    assert "us-central1-b has no Managed Lustre; the region has it in us-central1-a" in found.message
    assert told(plan_of(tmp_path), **{f"GET {PROJECT}/locations": OFF}) == []


def test_a_file_system_is_in_no_zone_for_ai(tmp_path: Path) -> None:
    held = {"reservation": {"id": "projects/my-project/reservations/h200", "zone": "us-central1-ai1a"}}
    changes = {"cluster.nodePools.0.capacity": held}
    plan = planned(changed(changes, STACK), tmp_path, "gcp-test").cluster
    assert isinstance(plan, GcpPlan)
    assert plan.storage.file_system is not None
    assert plan.storage.file_system.zone == "us-central1-b"


@pytest.mark.parametrize(("asked", "interval", "is_told"), [
    (None, "PERIODIC", True), ("periodic", "PERIODIC", False), ("periodic", "AS_NEEDED", True), (None, "", False),
])  # fmt: skip
def test_a_pool_is_maintained_as_its_reservation(
    tmp_path: Path, asked: str | None, interval: str, is_told: bool
) -> None:
    held = GOOD[RESERVATION]["specificReservation"]
    properties = {**held["instanceProperties"], **({"maintenanceInterval": interval} if interval else {})}
    answer = {**GOOD[RESERVATION], "specificReservation": {**held, "instanceProperties": properties}}
    changes = {"gcp.pools": {"train": {"maintenance": asked}}} if asked else {}
    found = told(plan_of(tmp_path, **changes), **{RESERVATION: answer})
    assert [one.path for one in found] == (["cluster.nodePools.train.capacity"] if is_told else [])
    assert all("set gcp.pools.train.maintenance" in one.message for one in found)


def test_the_interval_of_maintenance_is_asked_of_gke(tmp_path: Path) -> None:
    plan = planned(changed({"gcp.pools": {"train": {"maintenance": "periodic"}}}, STACK), tmp_path, "gcp-test")
    found = recorded(lambda: build(load("gcp"), plan), stack="gcp-test")
    (pool,) = [one for one in found if one["type"] == "gcp:container/nodePool:NodePool" and "-train" in one["name"]]
    assert pool["object"]["nodeConfig"]["hostMaintenancePolicy"] == {"maintenanceInterval": "PERIODIC"}


@pytest.mark.parametrize(("gated", "nodes"), [(True, 0), (False, 1)])
def test_a_pool_with_a_range_is_made_with_its_nodes_where_no_gate_asks_for_them(
    tmp_path: Path, gated: bool, nodes: int
) -> None:
    serve = "cluster.nodePools.1"
    ranged = {f"{serve}.minCount": 1, f"{serve}.maxCount": 4, f"{serve}.fabric": {"none": "one node each"}}
    plan = planned(changed({**ranged, "platform": {"gate": {"enabled": gated}}}, STACK), tmp_path, "gcp-test")
    found = recorded(lambda: build(load("gcp"), plan), stack="gcp-test")
    (pool,) = [one for one in found if one["type"] == "gcp:container/nodePool:NodePool" and "-serve" in one["name"]]
    assert pool["object"]["initialNodeCount"] == nodes
