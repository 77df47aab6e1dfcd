"""A stack whose file changes while it is up, through the real engine: what cannot change is another object in time."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.cloud.store import Store
from rehearsal.cycle import Phase, Rehearsal, rehearse

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]

CLUSTER: dict[str, Any] = {
    "cloud": "aws", "region": "us-east-2", "kubernetesVersion": "1.35", "expiresAt": "2027-12-31T00:00:00Z",
}  # fmt: skip


def up(project: Path, tebibytes: float, **pool: Any) -> tuple[Phase, list[str], list[str]]:
    """The phase, the cluster's flavors, and those that its queue has, after an `up` that must pass."""
    pools = [{"name": "work", "machineType": "m7i.xlarge", "count": 1, **pool}]
    config = {
        "penstock:cluster": {**CLUSTER, "nodePools": pools},
        "penstock:aws": {"controlPlane": {"reach": {"ssmHost": {}}}},
        "penstock:storage": {"fileSystem": {"capacityTib": tebibytes}},
    }
    (project / "stacks" / "Pulumi.changed.yaml").write_text(yaml.safe_dump({"config": config}))
    report = rehearse(Rehearsal.UP, "changed", project=project, keep=True)
    assert report.ok, [phase.problem for phase in report.phases]
    store = Store(project / ".penstock" / "rehearsal" / "changed" / "kubernetes.sqlite")
    try:
        objects = dict(store.objects())
    finally:
        store.close()
    flavors = [key.rpartition("|")[2] for key in objects if key.startswith("kueue.x-k8s.io|ResourceFlavor|")]
    (queue,) = (body for key, body in objects.items() if key.startswith("kueue.x-k8s.io|ClusterQueue|"))
    named = [one["name"] for group in queue["spec"]["resourceGroups"] for one in group["flavors"]]
    return report.phases[0], flavors, named


def test_a_taint_and_a_larger_volume_reach_a_stack_that_is_up(project: Path) -> None:
    _, before, named = up(project, 1.2)
    assert before == named
    second, after, named = up(project, 2.4, taints=[{"key": "team", "value": "a"}])
    assert after == named
    assert before != after
    assert second.replaced == 0
    assert rehearse(Rehearsal.DESTROY, "changed", project=project).ok
