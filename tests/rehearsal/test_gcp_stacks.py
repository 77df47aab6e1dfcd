"""The stacks that penstock ships for Google Cloud, and one in a network of others, through the real engine; gcp-tpu is
judged in tests/unit/rehearsal/field, without it.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.cycle import Rehearsal, Report, rehearse
from rehearsal.faults import Drift, FaultScript, LoadBalancer, read_faults

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]

DISCOVERY = "Google's discovery documents, kept by the account"
WITH_LUSTRE = ["Connection", "Firewall", "GlobalAddress", "Instance", "Network"]
"""Types of a file system that is kept, and of what holds it."""


SLURM: dict[str, Any] = {
    "penstock:cluster": {
        "cloud": "gcp", "region": "us-central1", "expiresAt": "2027-12-31T00:00:00Z",
        "nodePools": [{"name": "train", "machineType": "a3-ultragpu-8g", "count": 1, "zone": "us-central1-b",
                       "capacity": "spot"}],
    },
    "penstock:storage": {"fileSystem": {"capacityTib": 18, "throughputMbpsPerTib": 500, "mountPath": "/home",
                                        "onDestroy": "delete"}},
    "penstock:gcp": {"project": "my-project", "controlPlane": {"kind": "clusterDirector"}},
}  # fmt: skip


def judged(report: Report, *phases: str) -> dict[str, int]:
    """Requests by operation of a rehearsal that did what it must and left nothing."""
    assert report.ok, [phase.problem for phase in report.phases]
    assert tuple(phase.name for phase in report.phases) == phases
    assert not any(phase.expected for phase in report.phases)  # no finding of these stacks is known and let be
    assert report.account is not None
    assert (report.account.uncovered, report.account.left, report.account.unused_faults) == ((), (), ())
    assert set(report.account.requests_by_oracle) in ({DISCOVERY, "kubernetes-validate", "CRD schemas"}, {DISCOVERY})
    return dict(report.account.requests_by_operation)


def test_a_cluster_comes_up_in_a_new_project_stays_and_goes(repository: Path) -> None:
    """With its APIs off at first, and a load balancer that something in the cluster has asked for."""
    off = read_faults(repository / "docs" / "faults" / "gcp-new-project.yaml")
    faults = FaultScript(existing=off.existing, load_balancers=(LoadBalancer(after="up"),))
    report = rehearse(Rehearsal.CYCLE, "gcp-dev", project=repository, faults=faults)
    asked = judged(report, "up", "up again", "refresh", "destroy")
    assert asked["container:projects.locations.clusters.nodePools.create"] == 3
    assert asked["serviceusage:services.enable"] > 5
    assert report.account is not None
    assert report.account.kept_on_purpose == ()


def test_machines_of_a_reservation_come_with_their_fabric_and_what_is_kept_stays(repository: Path) -> None:
    report = rehearse(Rehearsal.UP, "gcp-prod", project=repository)
    asked = judged(report, "up", "destroy")
    assert asked["compute:networks.insert"] == 3
    assert asked["compute:subnetworks.insert"] == 10
    assert report.account is not None
    assert sorted(line.partition(" ")[0] for line in report.account.kept_on_purpose) == ["Bucket", *WITH_LUSTRE]


def test_pools_that_others_delete_later_are_no_finding_of_what_was_made(repository: Path) -> None:
    """The gate gives pools their sizes, which are gone with them: the rules judge what `up` left."""
    gone = Drift(after="up", resource="*", type="gcp:container/nodePool:NodePool", delete=True)
    report = rehearse(Rehearsal.UP, "gcp-dev", project=repository, faults=FaultScript(drift=(gone,)))
    judged(report, "up", "destroy")


def test_a_stack_in_a_shared_vpc_comes_and_goes_and_leaves_it_as_it_was(project: Path) -> None:
    """Of that network rehearsal/providers/gcp/standing.py tells."""
    stack = Path(__file__).parents[1] / "golden" / "gcp-existing" / "stack.yaml"
    shutil.copy(stack, project / "stacks" / "Pulumi.gcp-existing.yaml")
    report = rehearse(Rehearsal.CYCLE, "gcp-existing", project=project)
    asked = judged(report, "up", "up again", "refresh", "destroy")
    assert asked["container:projects.locations.clusters.nodePools.create"] == 4
    assert asked["compute:networks.insert"] == 2, "the fabric's, and not the cluster's"
    assert not {"compute:routers.insert", "servicenetworking:services.connections.create"} & set(asked)


def test_slurm_without_kubernetes_comes_stays_and_goes(repository: Path) -> None:
    report = rehearse(Rehearsal.CYCLE, "gcp-slurm", project=repository)
    asked = judged(report, "up", "up again", "refresh", "destroy")
    assert asked["hypercomputecluster:projects.locations.clusters.create"] == 1
    assert asked["compute:firewalls.insert"] == 2
    assert not [operation for operation in asked if operation.startswith("container:")]


def _up(project: Path, *, consent: str = "", **pool: Any) -> Report:
    """An `up` of Slurm with its home on Managed Lustre, whose only pool is otherwise."""
    pools = [{**SLURM["penstock:cluster"]["nodePools"][0], **pool}]
    cluster = {**SLURM["penstock:cluster"], "nodePools": pools, **({"allowNodeRoll": consent} if consent else {})}
    config = {**SLURM, "penstock:cluster": cluster}
    (project / "stacks" / "Pulumi.slurm.yaml").write_text(yaml.safe_dump({"config": config}))
    return rehearse(Rehearsal.UP, "slurm", project=project, keep=True)


def test_other_machines_of_slurm_need_consent_and_come_in_place(project: Path) -> None:
    """Its API changes no compute resource, so they are others; the cluster stays."""
    assert _up(project).ok
    assert _up(project, count=2).ok
    held = {"reservation": {"id": "projects/my-project/reservations/h200", "zone": "us-central1-b"}}
    refused = _up(project, count=2, capacity=held)
    assert not refused.ok
    assert "allowNodeRoll" in str([phase.problem for phase in refused.phases])
    done = _up(project, count=2, capacity=held, consent="moves to the reservation")
    assert done.ok, [phase.problem for phase in done.phases]
    assert (done.phases[0].replaced, done.phases[0].updated) == (0, 2)
    assert rehearse(Rehearsal.DESTROY, "slurm", project=project).ok
