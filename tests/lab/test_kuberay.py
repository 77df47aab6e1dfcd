"""KubeRay's operator on a real control plane: what it makes of the job that penstock renders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.lab_faults import TrainingLab, patiently, plan_of, training_lab
from components.plan.kubernetes import NAMESPACE
from providers.existing.api import KubernetesApi
from providers.plugin.barrier import missing
from tests.lab.test_control_plane import eventually
from tools.lab import Tools

OPERATOR = "kuberay-system"
NAME = "kuberay-operator"


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


def test_the_operator_makes_a_head_and_a_worker_for_each_node(lab: TrainingLab) -> None:
    """No further than bound: Ray itself is not among the requirements, so nothing starts in these pods."""
    for manifest in plan_of(lab.file, "ray").job:
        patiently(lab.api, manifest)

    def kinds() -> list[str]:
        pods = lab.api.list("v1", "Pod", NAMESPACE)
        bound = [one for one in pods if one["spec"].get("nodeName")]
        return sorted(one["metadata"]["labels"].get("ray.io/node-type", "") for one in bound)

    eventually(lambda: kinds() == ["head", "worker", "worker"], "a head and two workers are bound")
