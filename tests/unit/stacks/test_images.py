"""Images of a plan: which, for what, and what brings them."""

from pathlib import Path
from typing import Any

import pytest

from components.plan.images import Built, Copied, ImagePlan
from components.plan.stack import StackPlan
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.unit.providers.aws.whole_stacks import BLOCK, GONE, TRAIN, changed, write

RUN = {"pool": "train", "nodes": 4, "steps": 10, "batch": {"sequences": 64, "microSequences": 1}}
DIGEST = f"sha256:{'ab' * 32}"


def planned(changes: dict[str, Any], folder: Path) -> StackPlan:
    return plan_stack(read_path(write(changed(changes), folder, "lab")), "lab", NOW)


def built(plan: StackPlan) -> dict[str, str]:
    return {one.name: one.origin.target for one in plan.images if isinstance(one.origin, Built)}


def own(plan: StackPlan) -> ImagePlan:
    return next(one for one in plan.images if isinstance(one.origin, Built))


def test_a_left_out_image_is_penstocks_own_for_the_fabric_of_its_pool(tmp_path: Path) -> None:
    plan = planned({"training": RUN, "inference": {"pool": "serve"}}, tmp_path)
    assert built(plan) == {"penstock:0.1.0-efa": "efa", "penstock:0.1.0-workloads": "workloads"}
    assert plan.training
    assert plan.training.image == "stack.registry/penstock:0.1.0-efa"
    assert plan.inference
    assert plan.inference.image == "stack.registry/penstock:0.1.0-workloads"


def test_under_kuberay_it_has_ray(tmp_path: Path) -> None:
    plan = planned({"training": RUN, "scheduler": {"kind": "kuberay"}}, tmp_path)
    assert built(plan) == {"penstock:0.1.0-efa-ray": "efa-ray", "penstock:0.1.0-ray": "ray"}


def test_of_arm_machines_it_has_its_own_tag(tmp_path: Path) -> None:
    pool = {"name": "train", "machineType": "m7g.xlarge", "count": 2}
    plan = planned({TRAIN: pool, "cluster.nodePools.1": GONE, "storage.fileSystem.metadataIops": GONE}, tmp_path)
    assert built(plan) == {"penstock:0.1.0-workloads-arm64": "workloads"}
    assert own(plan).architectures == ("arm64",)


def test_the_gate_has_the_image_of_each_pool(tmp_path: Path) -> None:
    plan = planned({}, tmp_path)
    assert plan.inside
    assert plan.inside.gate
    check = plan.inside.gate.pools[0].check
    assert check
    assert check["spec"]["template"]["spec"]["containers"][0]["image"].endswith("penstock:0.1.0-efa")
    assert {image.asked_at for image in plan.images} == {"platform.gate"}


def test_nothing_is_needed_where_no_pod_of_penstocks_runs(tmp_path: Path) -> None:
    assert planned({"platform": {"gate": {"enabled": False}}}, tmp_path).images == ()


def test_a_digest_in_the_stack_file_is_what_pods_pull(tmp_path: Path) -> None:
    plan = planned({"training": RUN, "images": {"digests": {"0.1.0-efa": DIGEST}}}, tmp_path)
    assert plan.training
    assert plan.training.image == f"stack.registry/penstock@{DIGEST}"
    assert (own(plan).tag, own(plan).digest) == ("0.1.0-efa", DIGEST)


def test_a_digest_of_no_image_is_told(tmp_path: Path) -> None:
    plan = planned({"images": {"digests": {"0.0.9-efa": DIGEST}}}, tmp_path)
    assert any("images.digests.0.0.9-efa: no image of this plan" in warning for warning in plan.warnings)


@pytest.mark.parametrize(
    ("nat", "copied"),
    [("none", {"quay.io", "registry.k8s.io", "nvcr.io", "docker.io"}), ("single", {"nvcr.io", "docker.io"})],
)
def test_add_ons_are_copied_but_for_what_the_registry_fetches(nat: str, copied: set[str], tmp_path: Path) -> None:
    plan = planned(
        {"cluster.network": {"nat": nat}, "platform": {"registryMirror": "stack.registry"}, "aws.registry": {}},
        tmp_path,
    )
    sources = {one.origin.source.partition("/")[0] for one in plan.images if isinstance(one.origin, Copied)}
    assert copied <= sources
    assert nat == "none" or not sources & {"quay.io", "registry.k8s.io", "public.ecr.aws"}


def test_a_block_of_arm_machines_is_read_too(tmp_path: Path) -> None:
    capacity = {"capacityBlock": BLOCK | {"zone": "us-east-1-dfw-2a"}}
    pool = {"name": "train", "machineType": "p6e-gb200.36xlarge", "count": 9, "capacity": capacity}
    changes = {
        "cluster.region": "us-east-1", TRAIN: pool, "cluster.nodePools.1": GONE, "training": RUN | {"nodes": 9},
        "storage.fileSystem.throughputMbpsPerTib": 250, "cluster.kubernetesVersion": "1.35",
    }  # fmt: skip
    plan = planned(
        {**changes, "training": RUN | {"nodes": 9, "batch": {"sequences": 72, "microSequences": 1}}}, tmp_path
    )
    assert built(plan) == {"penstock:0.1.0-efa-arm64": "efa"}
