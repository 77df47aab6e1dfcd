"""Each scheduler on a real control plane: its objects against the real definitions, and stacks that train there."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.plan.kubernetes import NAMESPACE
from components.platform.versions import versions
from components.schedulers import load
from components.spec.scheduler import QueueSpec, SchedulerKind, SchedulerSpec, TopologyRequest
from providers.existing.api import ApiError, KubernetesApi
from providers.plugin.barrier import missing
from rehearsal.cycle import Rehearsal, rehearse
from rehearsal.lab.addons import APPROVAL, PROTECTED
from rehearsal.lab.lab import down, up
from rehearsal.lab.shape import LabNode, LabShape
from tests.contract.scheduler_cases import FACTS, ON_KUBERNETES, job, pool
from tests.lab.definitions import definitions
from tests.lab.test_control_plane import eventually
from tools.lab import MODULES, Tools

SHAPE = LabShape(kwok=(LabNode(name="one", pool="one"),))
DEFINITION = "CustomResourceDefinition"
RENDERED = [kind for kind in ON_KUBERNETES if kind is not SchedulerKind.MPI]


@pytest.fixture(scope="module")
def api(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    """A control plane that has every definition and no controller, so nothing but the API server judges."""
    home = tmp_path_factory.mktemp("schedulers") / "home"
    lab = up(home, SHAPE, tools, stays=False)
    with KubernetesApi(lab.access()) as found:
        for name in (NAMESPACE, versions()["slurm"].namespace):
            found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        names = [_define(found, one) for one in _definitions(tools)]
        eventually(lambda: not missing(found, names, []), "every definition is established")
        yield found
    down(home)


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
def test_queues_are_taken_by_the_api_server(api: KubernetesApi, kind: SchedulerKind) -> None:
    queues = () if kind is SchedulerKind.SLURM else (QueueSpec(name="a", nodes={"train": 3}), QueueSpec(name="b"))
    found = load(kind).plan(SchedulerSpec(queues=queues), (pool(),), FACTS)
    for body in (*found.objects, *found.opening):
        _strictly(api, body)


@pytest.mark.parametrize("kind", RENDERED)
@pytest.mark.parametrize("topology", TopologyRequest)
def test_a_job_is_taken_by_the_api_server(api: KubernetesApi, kind: SchedulerKind, topology: TopologyRequest) -> None:
    scheduler = load(kind)
    for body in scheduler.render_job(job(topology=topology), pool(), scheduler.plan(SchedulerSpec(), (pool(),), FACTS)):
        _strictly(api, body)


def test_the_api_server_refuses_what_its_definition_does_not_know(api: KubernetesApi) -> None:
    scheduler = load(SchedulerKind.VOLCANO)
    made = scheduler.render_job(job(), pool(), scheduler.plan(SchedulerSpec(), (pool(),), FACTS))[-1]
    with pytest.raises(ApiError, match="minAvailabel"):
        _strictly(api, {**made, "spec": {**made["spec"], "minAvailabel": 2}})


@pytest.fixture
def project(repository: Path, tmp_path: Path) -> Path:
    """The project with state and stack files of its own."""
    for name in ("Pulumi.yaml", "components", "providers", "workloads", "policies", ".venv", "pyproject.toml"):
        (tmp_path / name).symlink_to(repository / name)
    shutil.copytree(repository / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "what"), [("trainer", "TrainJob"), ("volcano", "Job")])
def test_a_stack_trains_and_serves_under_another_scheduler(project: Path, kind: str, what: str) -> None:
    file = project / "stacks" / "Pulumi.lab.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["penstock:scheduler"]["kind"] = kind
    file.write_text(yaml.safe_dump(content))

    report = rehearse(Rehearsal.CYCLE, "lab", project=project)

    assert [(phase.name, phase.problem) for phase in report.phases if phase.problem] == []
    seen = "\n".join(report.phases[0].seen)
    assert f"{what} pretrain-" in seen
    assert "2 nodes x 2 ranks trained to step 60" in seen
    assert report.account is not None
    assert report.account.left == ()
