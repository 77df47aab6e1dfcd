"""Makeup of nodes on AWS: a pinned release is part of what rolls them."""

from pathlib import Path
from typing import Any

from providers.aws.node_changes import made_of
from providers.aws.plan import AwsPlan
from tests.unit.providers.aws.whole_stacks import BLOCK, GONE, changed, planned

ULTRA: dict[str, Any] = {
    "name": "train", "machineType": "p6e-gb200.36xlarge", "count": 18,
    "capacity": {"capacityBlock": BLOCK | {
        "id": "arn:aws:resource-groups:us-east-1:123456789012:group/ultra", "zone": "us-east-1-dfw-2a"}},
}  # fmt: skip


def made(folder: Path, **control: Any) -> Any:
    cluster = planned(
        changed({"aws.controlPlane": {"kind": "eks", "reach": {"ssmHost": {}}, **control}}), folder
    ).cluster
    assert isinstance(cluster, AwsPlan)
    return made_of(cluster)["train"]


def test_another_release_rolls(tmp_path: Path) -> None:
    first, second = (made(tmp_path, nodeRelease=f"1.34.6-{day}") for day in ("20260512", "20260612"))
    assert first.rolls != second.rolls
    assert first.replaces == second.replaces


def test_a_group_of_ones_own_rolls_with_its_template(tmp_path: Path) -> None:
    """Its refresh starts every machine anew, so the user is asked as with EKS's groups."""

    def of(**changes: Any) -> Any:
        stack = {
            "cluster.region": "us-east-1", "cluster.nodePools.0": {**ULTRA, **changes}, "storage.fileSystem": GONE,
        }  # fmt: skip
        cluster = planned(changed(stack), tmp_path).cluster
        assert isinstance(cluster, AwsPlan)
        return made_of(cluster)["train"]

    same, larger, fewer = of(), of(rootDiskGib=300), of(count=9)
    assert same.rolls == fewer.rolls
    assert {key for key in same.rolls if same.rolls[key] != larger.rolls[key]} == {"rootDiskGib"}
    assert same.rolls["startup"] != of(labels={"tier": "gold"}).rolls["startup"]


def test_several_machine_types_replace_a_group(tmp_path: Path) -> None:
    serve = {"name": "train", "machineType": "g6.xlarge", "capacity": {"spot": {"alternatives": ["g6.2xlarge"]}}}
    made_with = []
    for spot in ({"alternatives": ["g6.2xlarge"]}, {}):
        stack = {"cluster.nodePools.0": {**serve, "capacity": {"spot": spot}}}
        cluster = planned(changed(stack), tmp_path).cluster
        assert isinstance(cluster, AwsPlan)
        made_with.append(made_of(cluster)["train"])
    assert made_with[0].replaces["machineType"] == "g6.xlarge or g6.2xlarge"
    assert made_with[0].replaces != made_with[1].replaces
