"""KubeRay's operator on a real control plane: what it makes of the job that penstock renders."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.kubernetes.api import KubernetesApi
from components.plan.kubernetes import NAMESPACE
from lab.proof import job_state
from lab.run import prepares
from plugin.kubernetes.barrier import missing
from rehearsal.campaigns.lab_job import TrainingLab, patiently, plan_of, training_lab
from rehearsal.campaigns.watch import watching
from tests.lab.test_control_plane import eventually
from tools.lab import Tools
from workloads.pretrain.folder import json_lines

OPERATOR = "kuberay-system"
NAME = "kuberay-operator"
STEPS = 10
ENDS_S = 600.0


@pytest.fixture(scope="module")
def lab(repository: Path, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingLab]:
    folder = tmp_path_factory.mktemp("kuberay")
    content = yaml.safe_load((repository / "stacks" / "Pulumi.lab.yaml").read_text())
    content["config"]["penstock:scheduler"]["kind"] = "kuberay"
    file = folder / "Pulumi.lab.yaml"
    file.write_text(yaml.safe_dump(content))
    with training_lab(file, folder / "lab") as found:
        _install_operator(found.api, tools)
        yield found


def _install_operator(api: KubernetesApi, tools: Tools) -> None:
    names = []
    for path in sorted(tools.files("kuberay", "crds").glob("*_*.yaml")):
        body = yaml.safe_load(path.read_text())
        api.apply(body, force=True)
        names.append(body["metadata"]["name"])
    eventually(lambda: not missing(api, names, []), "KubeRay's definitions are established")
    for body in _operator():
        patiently(api, body)


def _operator() -> Iterator[dict[str, Any]]:
    here = {"name": NAME, "namespace": OPERATOR}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR}}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here}
    rbac = "rbac.authorization.k8s.io"
    yield {
        "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": NAME},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", **here}],
    }  # fmt: skip
    marks = {"app": NAME}
    container = {"name": "operator", "image": "quay.io/kuberay/operator:v1.6.0", "command": ["/manager"]}
    pod = {"metadata": {"labels": marks}, "spec": {"serviceAccountName": NAME, "containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": marks}, "template": pod}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": here, "spec": spec}


@pytest.mark.timeout(900)
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed; `make test-lab` does it")
def test_the_job_trains_on_ray_once_it_has_its_quota(lab: TrainingLab) -> None:
    """Kueue lets the RayJob go, KubeRay starts Ray in a head and in a pod per node, and the ranks train."""
    plan = plan_of(lab.file, "ray", STEPS)
    job = plan.job[-1]
    text = next(one["metadata"]["name"] for one in plan.job if prepares(one) and one["kind"] == "Job")
    with watching(lab.lab, NAMESPACE) as watcher:
        for manifest in plan.job:
            patiently(lab.api, manifest)
        eventually(lambda: job_state(lab.api, job) is not None, "the end of the RayJob", ENDS_S)
    assert job_state(lab.api, job) is True
    lines = json_lines(lab.run_folder(plan).metrics)
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, STEPS + 1))
    first = min(state.revision for state in watcher.workloads if state.holds)
    ranks = {name: pod for name, pod in watcher.bound.items() if not name.startswith(text)}
    assert all(pod.revision > first for pod in ranks.values())
    assert len(ranks) == 3, "a head and two workers"
