"""Slurm by Cluster Director: mistakes, what is asked of Google, what a change does, and what the project needs."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.plan.stack import StackPlan
from providers.gcp.answering import _QUESTIONS
from providers.gcp.cluster import build_cluster
from providers.gcp.node_changes import made_of
from providers.gcp.organization import policy_problems
from providers.gcp.plan import GcpPlan
from providers.gcp.preflight import SLURM_RIGHTS, look
from rehearsal.providers.gcp.names import DIRECTOR
from stacks.config import read_path
from stacks.plan import plan_stack
from tests import deployed_gcp
from tests.deployed import stack_deployed
from tests.unit.providers.aws.mocks import register
from tests.unit.providers.aws.whole_stacks import GONE, changed, mistakes, planned, write
from tests.unit.providers.gcp.answers import Answers
from tests.unit.providers.gcp.director_stacks import CASES, FLEX, PREPARE, SLURM, TRAIN
from tests.unit.providers.gcp.test_organization import NOTHING, Policies
from tests.unit.providers.gcp.test_preflight import GOOD, PROJECT, ZONE
from tests.unit.providers.gcp.whole_stacks import BLOCK, RESERVED

NAME = "gcp-slurm"
ACCOUNT = "serviceAccount:123-compute@developer.gserviceaccount.com"
POLICY = {
    "bindings": [
        {"role": role, "members": [ACCOUNT]}
        for role in ("roles/logging.logWriter", "roles/monitoring.metricWriter", "roles/storage.objectViewer")
    ]
}
HAS: dict[str, Any] = {
    **GOOD,
    f"GET {PROJECT}": {"projectNumber": "123", "quotas": []},
    f"POST {PROJECT}:testIamPermissions": {"permissions": list(SLURM_RIGHTS)},
    f"POST {PROJECT}:getIamPolicy": POLICY,
    f"GET {ZONE}/machineTypes/n2-standard-4": {},
    f"GET {ZONE}/machineTypes/n2-standard-16": {},
    f"GET {PROJECT}/locations/global/services/compute.googleapis.com/quotaInfos"
    "/PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region": {"dimensionsInfos": []},
}


def plan_of(folder: Path, **changes: Any) -> StackPlan:
    return planned(changed(changes, SLURM), folder, NAME)


def cluster_of(folder: Path, **changes: Any) -> GcpPlan:
    found = plan_of(folder, **changes).cluster
    assert isinstance(found, GcpPlan)
    return found


def asked(folder: Path, **changes: Any) -> dict[str, Any]:
    """The one resource that is the cluster."""
    made = stack_deployed(write(changed(changes, SLURM), folder, NAME), NAME)
    (found,) = made.of(DIRECTOR)
    return dict(found.inputs)


def test_the_stack_has_no_mistake(tmp_path: Path) -> None:
    assert mistakes(SLURM, tmp_path, NAME) == []


@pytest.mark.parametrize(
    ("changes", "path", "words", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_told_is_right_when_it_is_followed(
    changes: dict[str, Any], path: str, words: list[str], remedy: dict[str, Any], tmp_path: Path
) -> None:
    wrong = changed(changes, SLURM)
    found = mistakes(wrong, tmp_path, NAME)
    there = [problem.message for problem in found if problem.path == path]
    assert len(there) == 1, [str(problem) for problem in found]
    assert all(word in there[0] for word in words), there
    assert mistakes(changed(remedy, wrong), tmp_path, NAME) == []


@pytest.mark.parametrize("name", ["Gcp", "gcp-slurm-long", "1st"])
def test_a_name_that_makes_no_cluster_is_told(name: str, tmp_path: Path) -> None:
    assert [problem.path for problem in mistakes(SLURM, tmp_path, name)] == ["stack"]


def test_a_cluster_stands_in_the_stacks_network_with_its_stores(tmp_path: Path) -> None:
    inputs = asked(tmp_path)
    assert inputs["clusterId"] == "gcpslurm"
    ((network,),) = ([one["config"]["existingNetwork"] for one in inputs["networkResources"]],)
    assert network["network"].endswith("/networks/gcp-slurm-network")
    kinds = {one["id"]: next(iter(one["config"])) for one in inputs["storageResources"]}
    assert kinds == {
        "filesystem": "existingLustre", "sharedfilesystem": "existingFilestore", "objectstore": "existingBucket",
    }  # fmt: skip
    slurm = inputs["orchestrator"]["slurm"]
    for holder in (slurm["loginNodes"], *slurm["nodeSets"]):
        paths = {one["id"]: one["localMount"] for one in holder["storageConfigs"]}
        assert paths["sharedfilesystem"] == "/home"
        assert paths.keys() == kinds.keys()
    assert (slurm["loginNodes"]["enablePublicIps"], slurm["loginNodes"]["enableOsLogin"]) == (False, True)


def test_each_pool_is_a_node_set_of_its_own_and_a_partition_of_its_name(tmp_path: Path) -> None:
    slurm = asked(tmp_path)["orchestrator"]["slurm"]
    train, prepare = slurm["nodeSets"]
    assert (train["staticNodeCount"], train["maxDynamicNodeCount"]) == ("1", "3")
    assert ("staticNodeCount" in prepare, prepare["maxDynamicNodeCount"]) == (False, "2")
    assert [(one["id"], one["nodeSetIds"]) for one in slurm["partitions"]] == [
        ("train", [train["id"]]),
        ("prepare", [prepare["id"]]),
    ]
    assert slurm["defaultPartition"] == "train"
    assert train["computeInstance"]["bootDisk"] == {"sizeGb": "200", "type": "hyperdisk-balanced"}
    assert "penstock-expires" in train["computeInstance"]["labels"]


@pytest.mark.parametrize(
    ("changes", "member", "inputs"),
    [
        ({}, "newSpotInstances", {"terminationAction": "DELETE", "machineType": "a3-ultragpu-8g"}),
        (FLEX, "newFlexStartInstances", {"maxDuration": "86400s", "zone": "us-central1-b"}),
        ({f"{TRAIN}.capacity": RESERVED}, "newReservedInstances",
         {"reservation": "projects/my-project/zones/us-central1-b/reservations/h200"}),
        ({f"{TRAIN}.capacity": BLOCK, f"{TRAIN}.maxCount": GONE}, "newReservedInstances",
         {"reservation": "projects/my-project/zones/us-central1-b/reservations/h200"}),
    ],
)  # fmt: skip
def test_machines_are_had_as_the_pool_says(
    changes: dict[str, Any], member: str, inputs: dict[str, Any], tmp_path: Path
) -> None:
    train, prepare = (one["config"] for one in asked(tmp_path, **changes)["computeResources"])
    assert list(train) == [member]
    assert inputs.items() <= train[member].items()
    assert list(prepare) == ["newOnDemandInstances"]


def test_the_way_in_is_told_and_how_a_script_is_handed_in(tmp_path: Path) -> None:
    plan = cluster_of(tmp_path)
    program = lambda: dict(build_cluster(NAME, plan, pulumi.ResourceOptions()).outputs)  # noqa: E731
    told = register(program, outputs=deployed_gcp.OUTPUTS, identify=deployed_gcp.identity).result
    login = "gcloud compute ssh gcpslurm-login-001 --project=my-project --zone=us-central1-b --tunnel-through-iap"
    assert told["login"] == login
    assert told["submit"] == f'{login} --command="sbatch" < run.sbatch'
    assert told["queues"] == ["train", "prepare"]
    assert told["cluster"] == "projects/my-project/locations/us-central1/clusters/gcpslurm"


def test_no_kubernetes_and_no_fabric_of_gkes_is_made(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert (plan.inside, plan.cluster.scheduler) == (None, "")
    made = stack_deployed(write(SLURM, tmp_path, NAME), NAME)
    assert not [one for one in made.resources if "container/" in one.token or one.token.startswith("kubernetes:")]
    assert len(list(made.of("gcp:compute/network:Network"))) == 1
    (subnet,) = made.of("gcp:compute/subnetwork:Subnetwork")
    assert not subnet.inputs.get("secondaryIpRanges")
    services = {one.inputs["service"] for one in made.of("gcp:projects/service:Service")}
    assert "hypercomputecluster.googleapis.com" in services
    assert "container.googleapis.com" not in services
    assert "hypercomputecluster.googleapis.com" in _QUESTIONS


@pytest.mark.parametrize(("now", "nodes"), [("2026-12-01", 0), ("2027-01-05", 4), ("2027-01-19", 0)])
def test_a_block_has_its_nodes_while_it_lasts(now: str, nodes: int, tmp_path: Path) -> None:
    """Outside its time they could not start; that it is past is told as a mistake."""
    block = {f"{TRAIN}.capacity": BLOCK, f"{TRAIN}.count": 4, f"{TRAIN}.maxCount": 4}
    file = write(changed(block, SLURM), tmp_path, NAME)
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    if now > "2027-01-18":
        at = at.replace(day=4)
    plan = plan_stack(read_path(file), NAME, at)
    control = plan.cluster.control_plane  # type: ignore[attr-defined]
    assert control.node_sets[0].static == nodes
    assert any("run `up` again" in warning for warning in plan.warnings) == (nodes == 0)


@pytest.mark.parametrize(
    ("changes", "is_replaced"),
    [
        ({f"{TRAIN}.machineType": "a4-highgpu-8g"}, True),
        ({f"{TRAIN}.capacity": RESERVED}, True),
        (FLEX, True),
        ({f"{TRAIN}.rootDiskGib": 500}, True),
        ({f"{TRAIN}.zone": "us-central1-a", f"{PREPARE}.zone": "us-central1-a"}, True),
        ({f"{TRAIN}.maxCount": 8}, False),
        ({f"{TRAIN}.count": 2}, False),
        ({"gcp.labels": {"team": "other"}}, False),
        ({"gcp.controlPlane.loginNodes": 2}, False),
    ],
)
def test_what_the_api_never_changes_is_another_node_set(
    changes: dict[str, Any], is_replaced: bool, tmp_path: Path
) -> None:
    """And the plan asks for consent then, while the partition keeps its name."""
    before, after = cluster_of(tmp_path), cluster_of(tmp_path, **changes)
    (old,), (new,) = ([one.control_plane.node_sets[0].name] for one in (before, after))  # type: ignore[union-attr]
    assert (old != new) == is_replaced
    assert (made_of(before)["train"].replaces != made_of(after)["train"].replaces) == is_replaced
    assert made_of(before)["train"].rolls == made_of(after)["train"].rolls == {}
    assert after.control_plane.partitions[0].name == "train"  # type: ignore[union-attr]


def test_login_nodes_and_the_largest_size_count(tmp_path: Path) -> None:
    needs = {need.code: need.needed for need in cluster_of(tmp_path).quotas}
    assert needs["PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region"] == 4 * 8
    assert needs["N2_CPUS"] == 4 + 2 * 16
    assert any("Cluster Director" in line.what for line in cluster_of(tmp_path).bill)


def test_nothing_is_told_of_a_project_that_has_all(tmp_path: Path) -> None:
    google = Answers(HAS)
    assert list(look(cluster_of(tmp_path), google)) == []  # type: ignore[arg-type]
    assert f"GET {PROJECT}/locations/us-central1/clusters/gcpslurm" in google.asked


@pytest.mark.parametrize(
    ("answer", "words", "stops"),
    [
        ({f"POST {PROJECT}:testIamPermissions": {"permissions": list(SLURM_RIGHTS[:-1])}},
         ["serviceusage.services.enable", "roles/hypercomputecluster.editor"], True),
        ({f"POST {PROJECT}:getIamPolicy": {"bindings": POLICY["bindings"][:1]}},
         ["123-compute@", "roles/monitoring.metricWriter, roles/storage.objectViewer"], False),
    ],
)  # fmt: skip
def test_rights_that_lack_are_told(answer: dict[str, Any], words: list[str], stops: bool, tmp_path: Path) -> None:
    (told,) = look(cluster_of(tmp_path), Answers({**HAS, **answer}))  # type: ignore[arg-type]
    assert told.stops == stops
    assert all(word in told.message for word in words), told.message


def test_a_project_of_old_whose_account_is_an_editor_is_not_spoken_of(tmp_path: Path) -> None:
    old = {f"POST {PROJECT}:getIamPolicy": {"bindings": [{"role": "roles/editor", "members": [ACCOUNT]}]}}
    assert list(look(cluster_of(tmp_path), Answers({**HAS, **old}))) == []  # type: ignore[arg-type]


def test_an_organization_that_trusts_no_such_image_is_told(tmp_path: Path) -> None:
    policies = Policies({"compute.trustedImageProjects": NOTHING, "iam.disableServiceAccountCreation": NOTHING})
    (told,) = policy_problems(cluster_of(tmp_path), policies)  # type: ignore[arg-type]
    assert "projects/clusterdirector-public-images" in told.message


def test_a_reservation_of_other_machines_is_told(tmp_path: Path) -> None:
    plan = cluster_of(tmp_path, **{f"{TRAIN}.capacity": RESERVED, f"{TRAIN}.machineType": "a4-highgpu-8g"})
    held = replace(plan, node_pools=plan.node_pools[:1])
    found = [one.message for one in look(held, Answers(HAS)) if one.stops]  # type: ignore[arg-type]
    assert any("holds a3-ultragpu-8g, and train is of a4-highgpu-8g" in message for message in found)
