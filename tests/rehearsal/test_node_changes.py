"""A change of nodes with accelerators, through the real engine: refused before anything changes, or told and made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.cloud.store import Store
from rehearsal.cycle import Rehearsal, Report, rehearse
from rehearsal.providers.aws.kinds.ec2_machines import TEMPLATE

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]


def test_nodes_are_rolled_by_consent_alone(project: Path) -> None:
    """A later expiry leaves nodes as they are and needs none: what they are started from has no time in it. Nor does a
    first `up` or a destroy need one.
    """
    file = project / "stacks" / "Pulumi.aws-dev.yaml"

    def up(change: Callable[[dict[str, Any]], None]) -> Report:
        content = yaml.safe_load(file.read_text())
        change(content["config"]["penstock:cluster"])
        file.write_text(yaml.safe_dump(content))
        return rehearse(Rehearsal.UP, "aws-dev", project=project, keep=True)

    def larger_disk(cluster: dict[str, Any]) -> None:
        next(pool for pool in cluster["nodePools"] if pool["name"] == "train")["rootDiskGib"] = 400

    content = yaml.safe_load(file.read_text())
    del content["config"]["penstock:storage"]
    file.write_text(yaml.safe_dump(content))
    first = up(lambda cluster: cluster.update(nodePools=cluster["nodePools"][:1]))
    assert first.ok, [phase.problem for phase in first.phases]
    later = up(lambda cluster: cluster.update(expiresAt="2028-06-30T00:00:00Z"))
    assert later.ok, [phase.problem for phase in later.phases]
    assert later.phases[0].updated > 0
    assert template_versions(project) == [1, 1, 1]

    refused = up(larger_disk)
    (phase,) = refused.phases
    assert not refused.ok
    assert (phase.created, phase.updated, phase.replaced, phase.deleted) == (0, 0, 0, 0)
    assert "cluster.allowNodeRoll is not set, and pool train: rootDiskGib 200 -> 400 rolls its" in phase.problem
    assert "nodes (g6e.8xlarge); jobs on them end" in phase.problem
    assert template_versions(project) == [1, 1, 1]

    allowed = up(lambda cluster: cluster.update(allowNodeRoll="no run is under way"))
    assert allowed.ok, [phase.problem for phase in allowed.phases]
    assert allowed.phases[0].updated > 0
    assert template_versions(project) == [1, 1, 2]
    assert rehearse(Rehearsal.DESTROY, "aws-dev", project=project).ok


def template_versions(project: Path) -> list[int]:
    """The newest version of each launch template in the account, those of the system's nodes, the pool and the host
    that leads in; another one than before means other nodes.
    """
    store = Store(project / ".penstock" / "rehearsal" / "aws-dev" / "account.sqlite")
    try:
        bodies = store.objects()
    finally:
        store.close()
    return sorted(body["outputs"]["latestVersion"] for key, body in bodies.items() if key.startswith(TEMPLATE))
