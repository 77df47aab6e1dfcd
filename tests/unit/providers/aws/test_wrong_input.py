"""Several things of AWS that are wrong in one stack file: told together. Each by itself: tests/properties.

Each case goes the whole way of a user's file. A plan is pure, so a refusal means that no resource was registered.
"""

from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from tests.unit.providers.aws.whole_stacks import (
    BATCH,
    LUSTRE,
    PLANE,
    POOL,
    SLURM,
    STACK,
    TRAIN,
    changed,
    mistakes,
    planned,
)


def test_the_stack_that_all_of_them_change_has_no_mistake(tmp_path: Path) -> None:
    plan = planned(STACK, tmp_path)
    assert [pool.name for pool in plan.cluster.node_pools] == ["train", "serve"]


def test_a_refusal_names_the_file_and_says_that_nothing_was_created(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"^Pulumi\.aws-test\.yaml: 1 problem, nothing was created\n  penstock:cluster\.region: "
    ):
        planned(changed({"cluster.region": "mars"}), tmp_path)


TOGETHER: dict[str, Any] = {
    "cluster.expiresAt": "2026-11-30T00:00:00Z",
    f"{TRAIN}.machineType": "p5.48xlarg",
    "cluster.nodePools.1.zone": "us-west-2a",
    "cluster.network": {"cidr": "8.8.0.0/16"},
    f"{LUSTRE}.capacityTib": 10,
    "storage.objectStore.name": "Tokens",
    PLANE: {"reach": {"publicCidrs": ["0.0.0.0/0"]}},
    "aws.hyperPod": {"pools": ["trian"], "lifecycleScripts": "s3://scripts/on/", "chartInstalled": True},
    "aws.tags": {"aws:team": "a"},
    "aws.endpoints": [
        {
            "name": "chat",
            "image": "quay.io/serve:1",
            "serve": {"kind": "realTime", "machineType": "ml.g6.xlarge"},
        }
    ],
    "training": {"pool": "train", "steps": 5, "image": "train:latest"},
    "platform": {"addons": {"kuue": True}},
}


def test_mistakes_of_all_parts_are_told_together(tmp_path: Path) -> None:
    """Neither a wrong pool nor a wrong network hides what is wrong elsewhere."""
    paths = {problem.path for problem in mistakes(changed(TOGETHER), tmp_path)}
    assert paths == {
        "cluster.expiresAt",
        f"{POOL}.machineType",
        "cluster.nodePools.serve.zone",
        "cluster.network.cidr",
        f"{LUSTRE}.capacityTib",
        "storage.objectStore.name",
        f"{PLANE}.reach.publicCidrs",
        "aws.hyperPod.pools.0",
        "aws.tags.aws:team",
        "aws.endpoints.chat.image",
        "training.image",
        "platform.addons.kuue",
    }


@pytest.mark.parametrize("aws", [SLURM, BATCH, {"controlPlane": {"kind": "pcs"}}], ids=["pcs", "batch", "no image"])
def test_a_wrong_pool_hides_nothing_of_slurm_and_batch(aws: dict[str, Any], tmp_path: Path) -> None:
    changes = {
        f"{TRAIN}.machineType": "p5.48xlarg",
        f"{TRAIN}.labels": {"a": "b"},
        "aws": aws,
        f"{LUSTRE}.fabric": True,
    }
    paths = [problem.path for problem in mistakes(changed(changes), tmp_path)]
    unset = [f"{PLANE}.amiId"] if len(aws["controlPlane"]) == 1 else []
    over_tcp = [f"{LUSTRE}.fabric"] if aws is BATCH else []
    assert paths == [f"{POOL}.machineType", *over_tcp, *unset, "cluster.kubernetesVersion", f"{POOL}.labels"]
