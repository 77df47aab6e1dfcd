"""Makeup of nodes on AWS: a pinned release is part of what rolls them."""

from pathlib import Path
from typing import Any

from providers.aws.node_changes import made_of
from providers.aws.plan import AwsPlan
from tests.unit.providers.aws.whole_stacks import changed, planned


def made(folder: Path, **control: Any) -> Any:
    cluster = planned(changed({"aws.controlPlane": {"kind": "eks", **control}}), folder).cluster
    assert isinstance(cluster, AwsPlan)
    return made_of(cluster)["train"]


def test_another_release_rolls_and_none_is_no_part_of_it(tmp_path: Path) -> None:
    first, second = (made(tmp_path, nodeRelease=f"1.34.6-{day}") for day in ("20260512", "20260612"))
    assert first.rolls != second.rolls
    assert first.replaces == second.replaces
    assert "nodeRelease" not in made(tmp_path).rolls
