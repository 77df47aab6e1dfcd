"""Each scheduler's objects against the real definitions, on a real API server."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from components.kubernetes.api import ApiError, KubernetesApi
from components.plan.kubernetes import NAMESPACE
from components.platform.versions import versions
from components.schedulers import load
from components.spec.scheduler import QueueSpec, SchedulerKind, SchedulerSpec, TopologyRequest
from lab.addons import APPROVAL, PROTECTED
from lab.lab import Lab
from plugin.kubernetes.barrier import missing
from tests.contract.scheduler_cases import FACTS, ON_KUBERNETES, job, pool
from tests.lab.definitions import definitions
from tests.lab.test_control_plane import eventually
from tools.lab import MODULES, Tools

GROUP, DEFINITION = "apiextensions.k8s.io", "CustomResourceDefinition"
RENDERED = [kind for kind in ON_KUBERNETES if kind is not SchedulerKind.MPI]


@pytest.fixture(scope="module")
def defined(lab: Lab, tools: Tools) -> Iterator[KubernetesApi]:
    """The lab with every definition and no controller, so nothing but the API server judges."""
    with KubernetesApi(lab.access()) as found:
        for name in (NAMESPACE, versions()["slurm"].namespace):
            found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        names = [_define(found, one) for one in _definitions(tools)]
        eventually(lambda: not missing(found, names, []), "every definition is established")
        yield found
        for name in names:
            found.delete(f"{GROUP}/v1", DEFINITION, name)


def _definitions(tools: Tools) -> Iterator[dict[str, Any]]:
    modules = [tools.files(name, "crds") for name, module in MODULES.items() if "crds" in module.files]
    files = [file for folder in modules for file in sorted(folder.glob("*_*.yaml"))]
    for file in files:
        yield from (
            one for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one and one["kind"] == DEFINITION
        )
    yield from definitions()


def _define(api: KubernetesApi, body: dict[str, Any]) -> str:
    """Without the webhook that converts, which is its controller's."""
    body["metadata"].setdefault("annotations", {})[PROTECTED] = APPROVAL
    body["spec"].pop("conversion", None)
    api.apply(body, force=True)
    return str(body["metadata"]["name"])


def _strictly(api: KubernetesApi, body: Mapping[str, Any]) -> None:
    """Judged as by a server-side apply, and as by a creation in which no unknown field is let through."""
    api.apply(body, dry_run=True)
    place = api.kind(body["apiVersion"], body["kind"]).path(body["metadata"].get("namespace"))
    api.call("POST", place, body=body, query={"dryRun": "All", "fieldValidation": "Strict"})


@pytest.mark.parametrize("kind", ON_KUBERNETES)
def test_queues_are_taken_by_the_api_server(defined: KubernetesApi, kind: SchedulerKind) -> None:
    queues = () if kind is SchedulerKind.SLURM else (QueueSpec(name="a", nodes={"train": 3}), QueueSpec(name="b"))
    found = load(kind).plan(SchedulerSpec(queues=queues), (pool(),), FACTS)
    for body in (*found.objects, *found.opening):
        _strictly(defined, body)


@pytest.mark.parametrize("kind", RENDERED)
@pytest.mark.parametrize("topology", TopologyRequest)
def test_a_job_is_taken_by_the_api_server(
    defined: KubernetesApi, kind: SchedulerKind, topology: TopologyRequest
) -> None:
    if (kind, topology) == (SchedulerKind.SLURM, TopologyRequest.REQUIRED):
        pytest.skip("is told of no switches, and refuses it")
    scheduler = load(kind)
    for body in scheduler.render_job(job(topology=topology), pool(), scheduler.plan(SchedulerSpec(), (pool(),), FACTS)):
        _strictly(defined, body)


def test_the_api_server_refuses_what_its_definition_does_not_know(defined: KubernetesApi) -> None:
    scheduler = load(SchedulerKind.VOLCANO)
    made = scheduler.render_job(job(), pool(), scheduler.plan(SchedulerSpec(), (pool(),), FACTS))[-1]
    with pytest.raises(ApiError, match="minAvailabel"):
        _strictly(defined, {**made, "spec": {**made["spec"], "minAvailabel": 2}})
