"""Pools whose sizes change in the stack file, through the real engine: the cloud's group and its nodes follow."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.cloud.store import Store
from rehearsal.cycle import Rehearsal, rehearse
from rehearsal.faults import Drift, FaultScript
from rehearsal.providers.aws.capacity import NODE_GROUP

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]

CLUSTER: dict[str, Any] = {
    "cloud": "aws", "region": "us-east-2", "kubernetesVersion": "1.35", "expiresAt": "2027-12-31T00:00:00Z",
}  # fmt: skip
REACHED: dict[str, Any] = {"penstock:aws": {"controlPlane": {"reach": {"ssmHost": {}}}}}


def up(project: Path, grown_to: int = 0, **pool: Any) -> tuple[list[float], int]:
    """The group's least, most and desired size and the pool's nodes, after an `up` that must pass.

    `grown_to`: nodes that an autoscaler gives the pool afterwards.
    """
    pools = [{"name": "work", "machineType": "m7i.xlarge", **pool}]
    content = {"config": {"penstock:cluster": {**CLUSTER, "nodePools": pools}} | REACHED}
    (project / "stacks" / "Pulumi.resized.yaml").write_text(yaml.safe_dump(content))
    sizes = {"minSize": pool["minCount"], "maxSize": pool["maxCount"], "desiredSize": grown_to}
    growth = Drift(after="up", resource="*work*", type=NODE_GROUP, set={"scalingConfig": sizes})
    faults = FaultScript(drift=(growth,)) if grown_to else None
    report = rehearse(Rehearsal.UP, "resized", project=project, keep=True, faults=faults)
    assert report.ok, [phase.problem for phase in report.phases]
    return found(project)


def found(project: Path) -> tuple[list[float], int]:
    home = project / ".penstock" / "rehearsal" / "resized"
    bodies = objects(home / "account.sqlite")
    (sizes,) = (
        body["outputs"]["scalingConfig"]
        for key, body in bodies.items()
        if key.startswith(NODE_GROUP) and key.endswith(":work")
    )
    nodes = [key for key in objects(home / "kubernetes.sqlite") if key.startswith("|Node|") and "-work-" in key]
    return [sizes[name] for name in ("minSize", "maxSize", "desiredSize")], len(nodes)


def objects(file: Path) -> dict[str, Any]:
    store = Store(file)
    try:
        return dict(store.objects())
    finally:
        store.close()


def test_a_changed_size_takes_effect_once(project: Path) -> None:
    """The count, and never below what runs; then limits, with another change of the group."""
    assert up(project, count=1, minCount=0, maxCount=4) == ([0, 4, 1], 1)
    assert up(project, count=3, minCount=0, maxCount=6, grown_to=5) == ([0, 6, 5], 5)
    assert up(project, count=4, minCount=0, maxCount=6) == ([0, 6, 5], 5), "what an autoscaler has brought may work"
    assert up(project, count=4, minCount=2, maxCount=8, labels={"team": "blue"}) == ([2, 8, 5], 5)
    assert rehearse(Rehearsal.DESTROY, "resized", project=project).ok
