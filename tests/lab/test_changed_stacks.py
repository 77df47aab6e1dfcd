"""A stack that changes while it is up, on the lab: real Kueue takes the changes, and jobs run before and after.

The pools' nodes get a taint, and one pool may then change its size: a flavor with a topology can take neither.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.kubernetes.api import KubernetesApi
from components.plan.kubernetes import NAMESPACE
from lab.lab import Lab, down, find_lab
from rehearsal.cycle import Rehearsal, Report, rehearse
from tests.lab.test_control_plane import eventually

API = "kueue.x-k8s.io/v1beta2"
TAINT = {"key": "lab.example/reserved", "value": "yes", "effect": "NoSchedule"}


@pytest.fixture
def home(project: Path) -> Iterator[Path]:
    """The folder of the rehearsal's lab, which is gone with the test."""
    found = project / ".penstock" / "rehearsal" / "lab" / "lab"
    yield found
    down(found)


def up(project: Path, steps: int, **sizes: int) -> Report:
    """The stack as it is to be now, without its service: a run of so many steps on two nodes."""
    file = project / "stacks" / "Pulumi.lab.yaml"
    content = yaml.safe_load(file.read_text())
    config = content["config"]
    config.pop("penstock:inference", None)
    config["penstock:cluster"]["nodePools"][0] |= sizes
    config["penstock:existing"]["owners"] = {"node autoscaler": "somebody's"}
    config["penstock:scheduler"]["queues"] = [{"name": "research"}]
    config["penstock:training"] |= {"steps": steps, "checkpoint": {"everySteps": 10}}
    file.write_text(yaml.safe_dump(content))
    report = rehearse(Rehearsal.UP, "lab", project=project, keep=True)
    assert [phase.problem for phase in report.phases if phase.problem] == []
    return report


def of_a_user(pool: str) -> dict[str, Any]:
    """A job that runs for as long as the test, handed to the stack's queue by somebody else."""
    command = ["python", "-c", "import time; time.sleep(3600)"]
    requests = {"cpu": "1", "memory": "256Mi"}
    container = {"name": "main", "image": "penstock.dev/workload:lab", "command": command}
    spec = {
        "restartPolicy": "Never",
        "nodeSelector": {"penstock.dev/pool": pool},
        "containers": [container | {"resources": {"requests": requests}}],
    }
    metadata = {"name": "mine", "namespace": NAMESPACE, "labels": {"kueue.x-k8s.io/queue-name": "research"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": spec}}}


def pods(api: KubernetesApi) -> list[str]:
    """Uids of the user's pods that run."""
    found = api.list("v1", "Pod", NAMESPACE)
    mine = [one for one in found if one["metadata"]["name"].startswith("mine-")]
    return [one["metadata"]["uid"] for one in mine if one["status"].get("phase") == "Running"]


def flavors(api: KubernetesApi) -> list[str]:
    return sorted(one["metadata"]["name"] for one in api.list(API, "ResourceFlavor"))


def lab_of(home: Path) -> Lab:
    found = find_lab(home)
    assert found is not None
    return found


@pytest.mark.timeout(900)
def test_a_taint_and_a_range_change_under_a_running_job(project: Path, home: Path) -> None:
    first = up(project, 20)
    assert "2 nodes x 2 ranks trained to step 20" in "\n".join(first.phases[0].seen)
    with KubernetesApi(lab_of(home).access()) as api:
        before = flavors(api)
        assert all(name.startswith(("penstock-serve-", "penstock-train-")) for name in before)
        api.create(of_a_user("serve"))
        eventually(lambda: len(pods(api)) == 1, "the user's job runs")
        running = pods(api)
        for node in api.list("v1", "Node"):
            if node["metadata"]["labels"].get("penstock.dev/pool") in ("train", "serve"):
                body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node["metadata"]["name"]}}
                api.apply(body | {"spec": {"taints": [TAINT]}})

    second = up(project, 40, minCount=1, maxCount=3)

    assert "2 nodes x 2 ranks trained to step 40" in "\n".join(second.phases[0].seen)
    replaced = "the JobSet, gone before the next was made, and the Job before it, which finds its text prepared"
    assert second.phases[0].replaced == 2, replaced
    with KubernetesApi(lab_of(home).access()) as api:
        after = flavors(api)
        assert len(after) == 2
        assert "penstock-train" in after
        assert not set(before) & set(after)
        (queue,) = api.list(API, "ClusterQueue")
        (group,) = queue["spec"]["resourceGroups"]
        assert sorted(one["name"] for one in group["flavors"]) == after
        assert {one["type"]: one["status"] for one in queue["status"]["conditions"]}["Active"] == "True"
        assert pods(api) == running
        api.delete("batch/v1", "Job", "mine", NAMESPACE)
    report = rehearse(Rehearsal.DESTROY, "lab", project=project)
    assert report.ok, [phase.problem for phase in report.phases]
