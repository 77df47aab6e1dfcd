"""Pools that the acceptance gate keeps shut, on real control planes: no scheduler brings work to them.

Nor to nodes that come later. The others work, and the same command opens a pool once it is whole.
"""

from pathlib import Path

import pytest
import yaml

from bench.lab_cluster import POOL, LabCluster, cluster
from components.kubernetes.api import KubernetesApi
from components.labels import POOL_LABEL, QUARANTINE
from components.plan.kubernetes import NAMESPACE
from components.spec.scheduler import SchedulerKind
from lab.kwok import create_nodes
from lab.lab import Lab, find_lab
from lab.shape import plain_shape
from plugin.kubernetes.gate.shutting import open_all, shut
from rehearsal.cycle import Rehearsal, rehearse
from tests.lab.test_control_plane import eventually

NODES = 4
EXPECTED = {"pool": POOL, "selector": {POOL_LABEL: POOL}}
REFUSED = "pool shut; `up` opens it"


@pytest.mark.parametrize("kind", [SchedulerKind.KUEUE, SchedulerKind.VOLCANO])
def test_no_scheduler_brings_work_to_a_shut_pool(kind: SchedulerKind) -> None:
    """Two nodes are marked; two come later, without a mark."""
    with cluster(NODES, kind=kind) as found:
        nodes = plain_shape(process=1, kwok=NODES).kwok
        for node in nodes[2:]:
            found.api.delete("v1", "Node", node.name)
        shut(found.api, [EXPECTED], [POOL], [])
        marked = [one["metadata"]["name"] for one in found.api.list("v1", "Node") if QUARANTINE in str(one["spec"])]
        assert marked == [node.name for node in nodes[:2]]
        for body in found.objects(kind, "gang", 2):
            found.api.create(body)
        create_nodes(found.api, nodes[2:])
        eventually(lambda: REFUSED in str(found.api.list("v1", "Event")), "a binding to a later node is refused", 90)
        assert bound(found) == []
        open_all(found.api)
        eventually(lambda: len(bound(found)) == 2, "the gang runs in the pool that is open", 90)


def bound(found: LabCluster) -> list[str]:
    pods = found.api.list("v1", "Pod", NAMESPACE)
    return [pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")]


@pytest.mark.timeout(900)
def test_one_pool_trains_while_another_is_shut_and_the_same_command_opens_it(project: Path) -> None:
    """Through the engine. No node has the label of the pool `serve`; one gets it, and the command is given again."""
    file = project / "stacks" / "Pulumi.lab.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["penstock:existing"]["poolSelectors"] = {"serve": {"rack": "serving"}}
    content["config"]["penstock:platform"] = {"gate": {"timeoutS": 60}}
    file.write_text(yaml.safe_dump(content))

    (first,) = rehearse(Rehearsal.UP, "lab", project=project, keep=True).phases
    found = [line for line in first.problem.splitlines() if "field rules" not in line]
    assert all("Deployment serve: no node takes it" in line for line in found), "rightly said of a pool without nodes"
    assert any("2 nodes x 2 ranks trained to step 60" in line for line in first.seen), first.seen
    assert any("waits: serve is shut" in line for line in first.seen), first.seen
    assert not any("answered" in line for line in first.seen)

    lab = find_lab(project / ".penstock" / "rehearsal" / "lab" / "lab")
    assert isinstance(lab, Lab)
    with KubernetesApi(lab.access()) as api:
        label = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "serve-0", "labels": {"rack": "serving"}}}
        api.patch(label)
        eventually(lambda: REFUSED in str(api.list("v1", "Event", NAMESPACE)), "the server finds no place", 60)
        assert "serve-0" not in str([pod["spec"].get("nodeName") for pod in api.list("v1", "Pod", NAMESPACE)])

    second, *_ = rehearse(Rehearsal.UP, "lab", project=project).phases
    assert (second.problem, second.created) == ("", 0)
    assert any("answered 16 tokens" in line for line in second.seen), second.seen
